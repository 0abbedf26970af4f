/** What the pages say of the ends of the issuer and the trust anchors: a line while all is well, a note otherwise. */
import type { CertificateEnd } from "../../mesh/api.ts";
import { certificateLife } from "../../mesh/certificate_life.ts";

export interface CertificateNotice {
  readonly severity: "warn" | "bad";
  readonly title: string;
  /** As `linkerd check` says it. */
  readonly detail: string;
  /** The page of the check that finds the same. */
  readonly hint: string;
}

const WORDS = {
  issuer: {
    subject: "The issuer",
    page: "l5d-identity-issuer-cert",
    expired: "is-time-valid",
  },
  anchor: {
    subject: "A trust anchor",
    page: "l5d-identity-trustAnchors",
    expired: "are-time-valid",
  },
} as const;

/** One for each certificate that has ended or soon will, in the order given. */
export function certificateNotices(ends: readonly CertificateEnd[], now: number): CertificateNotice[] {
  return ends.flatMap((end): CertificateNotice[] => {
    const life = certificateLife(end.validUntil, now);
    if (life === "sound") return [];
    const { subject, page, expired } = WORDS[end.use];
    const name = `${end.name} (serial ${end.serial})`;
    const at = new Date(end.validUntil).toISOString();
    return [
      life === "expired"
        ? {
          severity: "bad",
          title: `${subject} has expired.`,
          detail: `${name} is not valid anymore. Expired on ${at}`,
          hint: `docs/checks/${page}-${expired}.md`,
        }
        : {
          severity: "warn",
          title: `${subject} expires in less than 60 days.`,
          detail: `${name} will expire on ${at}`,
          hint: `docs/checks/${page}-not-expiring-soon.md`,
        },
    ];
  });
}

/** `issuer valid until 2027-11-24, trust anchors until 2036-11-22`; nothing while neither is known or a note says more. */
export function certificateLine(ends: readonly CertificateEnd[], now: number): string | undefined {
  if (ends.some((end) => certificateLife(end.validUntil, now) !== "sound")) return undefined;
  const first = (use: CertificateEnd["use"]) => {
    const all = ends.filter((end) => end.use === use).map((end) => end.validUntil);
    return all.length === 0 ? undefined : new Date(Math.min(...all)).toISOString().slice(0, 10);
  };
  const issuer = first("issuer"), anchor = first("anchor");
  if (issuer === undefined) return anchor === undefined ? undefined : `trust anchors valid until ${anchor}`;
  if (issuer === anchor) return `issuer and trust anchors valid until ${issuer}`;
  return `issuer valid until ${issuer}${anchor === undefined ? "" : `, trust anchors until ${anchor}`}`;
}
