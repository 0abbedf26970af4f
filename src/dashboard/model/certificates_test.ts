import assert from "node:assert/strict";
import type { CertificateEnd } from "../../mesh/api.ts";
import { certificateLine, certificateNotices } from "./certificates.ts";

const NOW = Date.parse("2026-11-24T12:00:00Z");
const DAY = 86_400_000;
const end = (use: CertificateEnd["use"], validUntil: number): CertificateEnd => ({
  use,
  name: use === "issuer" ? "identity.linkerd.cluster.local" : "root.linkerd.cluster.local",
  serial: "0A",
  validUntil,
});

Deno.test("an end is warned of from less than 60 days on, and is an error when it has come", () => {
  const severities = [60 * DAY, 60 * DAY - 1, 1, 0, -DAY].map((ahead) =>
    certificateNotices([end("issuer", NOW + ahead)], NOW).map((one) => one.severity)
  );
  assert.deepEqual(severities, [[], ["warn"], ["warn"], ["bad"], ["bad"]]);
});

Deno.test("a notice has the words of `linkerd check` and a page that exists", async () => {
  const notices = [end("issuer", NOW + DAY), end("anchor", NOW + DAY), end("issuer", NOW), end("anchor", NOW)]
    .flatMap((one) => certificateNotices([one], NOW));
  assert.deepEqual(notices.map((one) => one.detail), [
    "identity.linkerd.cluster.local (serial 0A) will expire on 2026-11-25T12:00:00.000Z",
    "root.linkerd.cluster.local (serial 0A) will expire on 2026-11-25T12:00:00.000Z",
    "identity.linkerd.cluster.local (serial 0A) is not valid anymore. Expired on 2026-11-24T12:00:00.000Z",
    "root.linkerd.cluster.local (serial 0A) is not valid anymore. Expired on 2026-11-24T12:00:00.000Z",
  ]);
  assert.equal(new Set(notices.map((one) => one.hint)).size, 4);
  for (const { hint } of notices) {
    const page = await Deno.readTextFile(new URL(`../../../${hint}`, import.meta.url));
    assert.match(page, /## Remedy/, hint);
  }
});

Deno.test("while all is well a line names the first end of each, and nothing is said of what is not known", () => {
  const issuer = end("issuer", NOW + 365 * DAY), anchor = end("anchor", NOW + 730 * DAY);
  assert.equal(
    certificateLine([issuer, end("anchor", NOW + 1_000 * DAY), anchor], NOW),
    "issuer valid until 2027-11-24, trust anchors until 2028-11-23",
  );
  assert.equal(
    certificateLine([issuer, { ...anchor, validUntil: issuer.validUntil }], NOW),
    "issuer and trust anchors valid until 2027-11-24",
  );
  assert.equal(certificateLine([issuer], NOW), "issuer valid until 2027-11-24");
  assert.equal(certificateLine([anchor], NOW), "trust anchors valid until 2028-11-23");
  assert.equal(certificateLine([], NOW), undefined);
  assert.equal(certificateLine([end("issuer", NOW + DAY), anchor], NOW), undefined);
});
