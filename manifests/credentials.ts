/** Credentials for an installation that brings none: one authority, as trust anchor and as issuer. */
import { createAuthority } from "../src/control/identity/authority.ts";
import type { PartialValues, Values } from "../src/mesh/values.ts";

const YEAR_MS = 365 * 86_400_000;

export interface Credentials {
  readonly trustAnchorsPem: string;
  readonly issuerCertificatePem: string;
  readonly issuerKeyPem: string;
}

/** @param now milliseconds since the epoch; the authority counts for a year from then */
export async function generateCredentials(
  values: Pick<Values, "namespace" | "identityTrustDomain">,
  now: number = Date.now(),
): Promise<Credentials> {
  const name = `identity.${values.namespace}.${values.identityTrustDomain}`;
  const authority = await createAuthority(name, { now, lifetimeMs: YEAR_MS });
  return {
    trustAnchorsPem: authority.certificatePem,
    issuerCertificatePem: authority.certificatePem,
    issuerKeyPem: authority.keyPem,
  };
}

/** The part of the values that credentials fill in. */
export function credentialValues(credentials: Credentials): PartialValues {
  return {
    identityTrustAnchorsPEM: credentials.trustAnchorsPem,
    identity: {
      issuer: { tls: { crtPEM: credentials.issuerCertificatePem, keyPEM: credentials.issuerKeyPem } },
    },
  };
}
