/** Certificate authorities and server certificates of the mesh's own making: for installs, webhooks and tests. */
import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ECDSA_P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const CA_USAGES = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;

export interface KeyPair {
  /** PEM. */
  readonly certificatePem: string;
  /** PEM, PKCS #8. */
  readonly keyPem: string;
}

export interface Validity {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly lifetimeMs: number;
  /** How much earlier it counts already, for clocks that lag. */
  readonly skewMs?: number;
}

function validity({ now, lifetimeMs, skewMs = 20_000 }: Validity) {
  return { notBefore: new Date(now - skewMs), notAfter: new Date(now + lifetimeMs + skewMs) };
}

/**
 * Which of an issuer's keys has signed. An authority and its successor bear the same name, and whoever trusts both must
 * know which one to try. Nothing where the issuer itself has no identifier.
 */
export function authorityKey(issuer: X509Certificate): AuthorityKeyIdentifierExtension[] {
  const own = issuer.getExtension(SubjectKeyIdentifierExtension);
  return own === null ? [] : [new AuthorityKeyIdentifierExtension(own.keyId)];
}

async function newKeys(): Promise<{ keys: CryptoKeyPair; keyPem: string }> {
  const keys = await crypto.subtle.generateKey(ECDSA_P256, true, ["sign", "verify"]);
  return {
    keys,
    keyPem: PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY"),
  };
}

/** A self-signed authority, or with `parent` one that the parent has signed. */
export async function createAuthority(
  commonName: string,
  when: Validity,
  parent?: KeyPair,
): Promise<KeyPair> {
  const { keys, keyPem } = await newKeys();
  const issuer = parent === undefined ? undefined : new X509Certificate(parent.certificatePem);
  const common = {
    ...validity(when),
    signingAlgorithm: ECDSA_P256,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(CA_USAGES, true),
      new SubjectAlternativeNameExtension([{ type: "dns", value: commonName }]),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...(issuer === undefined ? [] : authorityKey(issuer)),
    ],
  };
  const certificate = parent === undefined || issuer === undefined
    ? await X509CertificateGenerator.createSelfSigned({ ...common, name: [{ CN: [commonName] }], keys })
    : await X509CertificateGenerator.create({
      ...common,
      subject: [{ CN: [commonName] }],
      issuer: issuer.subjectName,
      publicKey: keys.publicKey,
      signingKey: await importKey(parent.keyPem),
    });
  return { certificatePem: certificate.toString("pem") + "\n", keyPem: keyPem + "\n" };
}

/** A certificate of a TLS server for `dnsNames`, signed by `authority`. */
export async function createServerCertificate(
  authority: KeyPair,
  dnsNames: readonly string[],
  when: Validity,
): Promise<KeyPair> {
  const { keys, keyPem } = await newKeys(), issuer = new X509Certificate(authority.certificatePem);
  const certificate = await X509CertificateGenerator.create({
    ...validity(when),
    signingAlgorithm: ECDSA_P256,
    subject: [{ CN: [dnsNames[0]!.slice(0, 64)] }],
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.keyPem),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(dnsNames.map((value) => ({ type: "dns" as const, value }))),
      ...authorityKey(issuer),
    ],
  });
  return { certificatePem: certificate.toString("pem") + "\n", keyPem: keyPem + "\n" };
}

async function importKey(pem: string): Promise<CryptoKey> {
  return await crypto.subtle.importKey("pkcs8", PemConverter.decode(pem)[0]!, ECDSA_P256, false, ["sign"]);
}
