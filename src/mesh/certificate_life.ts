/** How long before its end a certificate is spoken of: the same for `linkerd check` and the dashboard. */

const DAY_MS = 86_400_000;

/** Less than this ahead, the end of the issuer or of a trust anchor is warned of. */
const SOON_MS = 60 * DAY_MS;

export type CertificateLife = "sound" | "soon" | "expired";

/** @param validUntil in milliseconds, as `now` */
export function certificateLife(validUntil: number, now: number): CertificateLife {
  if (now >= validUntil) return "expired";
  return validUntil - now < SOON_MS ? "soon" : "sound";
}
