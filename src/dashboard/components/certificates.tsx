/** What stands above the figures when the issuer or a trust anchor ends soon, or has ended. */
import type { StatusResponse } from "../../mesh/api.ts";
import { certificateNotices } from "../model/certificates.ts";

export function CertificateNotes({ status, at }: { status: StatusResponse; at: number }) {
  return (
    <>
      {certificateNotices(status.certificates ?? [], at).map(({ severity, title, detail, hint }) => (
        <div key={detail} class={`note ${severity}`} role={severity === "bad" ? "alert" : undefined}>
          <strong>{title}</strong> {detail}.
          <p>
            See <code>{hint}</code> for what to do, and <code>docs/rotating-trust.md</code>{" "}
            for how, without a lost request. <code>linkerd check</code> says when it is done.
          </p>
        </div>
      ))}
    </>
  );
}
