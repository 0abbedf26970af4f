/** Bundles of trust anchors, compared by what they hold. */
import { parseCertificates } from "../../control/identity/trust.ts";

function fingerprints(pem: string): string {
  return parseCertificates(pem).map((one) => one.fingerprint256).sort().join();
}

/** Whether two bundles hold the same certificates, whatever their order and comments. */
export function sameAnchors(left: string, right: string): boolean {
  return left === right || fingerprints(left) === fingerprints(right);
}
