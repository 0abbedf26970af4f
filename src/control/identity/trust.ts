/**
 * The issuer and the trust anchors: read from PEM, checked against each other, refused with the reason.
 *
 * An issuer counts only while its chain leads to an anchor and all of it is valid now; that is asked again at every
 * certificate, so that an issuer that has lapsed signs nothing that proxies would only refuse.
 */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";

export class TrustError extends Error {
  override readonly name = "TrustError";
}

/** All certificates of a PEM text, in order. */
export function parseCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw new TrustError(`a certificate cannot be read: ${(error as Error).message}`);
    }
  });
}

/** What a certificate is called: its name for machines, or its subject. */
export function certificateName(certificate: X509Certificate): string {
  const name = certificate.subjectAltName?.replace("DNS:", "") ?? certificate.subject.replace(/\n/g, ", ");
  return name || "certificate";
}

export interface Issuer {
  /** The issuer's own certificate first, then what leads to the anchor; anchors themselves left out. */
  readonly chain: readonly X509Certificate[];
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
  readonly anchors: readonly X509Certificate[];
  /** From the issuer's certificate to its anchor. */
  readonly path: readonly X509Certificate[];
  /** When the first of these ends, in milliseconds. */
  readonly validUntil: number;
}

function isValidAt(certificate: X509Certificate, now: number): boolean {
  return Date.parse(certificate.validFrom) <= now && now < Date.parse(certificate.validTo);
}

function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate);
}

/** The certificates from `leaf` up to and including an anchor. */
function pathToAnchor(
  leaf: X509Certificate,
  intermediates: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): X509Certificate[] {
  const path = [leaf];
  for (;;) {
    const last = path[path.length - 1]!;
    const anchor = anchors.find((candidate) =>
      candidate.fingerprint256 === last.fingerprint256 ||
      (last.checkIssued(candidate) && last.verify(candidate.publicKey))
    );
    if (anchor !== undefined) {
      return anchor.fingerprint256 === last.fingerprint256 ? path : [...path, anchor];
    }
    const next = intermediates.find((candidate) =>
      !path.includes(candidate) && last.checkIssued(candidate) && last.verify(candidate.publicKey)
    );
    if (next === undefined) {
      throw new TrustError(`no trust anchor has issued "${last.subject}" (issuer "${last.issuer}")`);
    }
    path.push(next);
  }
}

/** Throws a TrustError that says why `issuer` may not sign now. Its signatures were checked when it was loaded. */
export function verifyIssuer(issuer: Issuer, now: number): void {
  for (const certificate of issuer.path) {
    if (!isValidAt(certificate, now)) {
      throw new TrustError(
        `"${certificate.subject}" is valid from ${certificate.validFrom} to ${certificate.validTo}, not now`,
      );
    }
  }
}

/**
 * Reads an issuer and its anchors.
 *
 * @throws TrustError with the reason, when they cannot be used
 */
export function loadIssuer(
  options: { certificatePem: string; keyPem: string; anchorsPem: string; now: number },
): Issuer {
  const [certificate, ...intermediates] = parseCertificates(options.certificatePem);
  if (certificate === undefined) throw new TrustError("the issuer has no certificate");
  const anchors = parseCertificates(options.anchorsPem);
  if (anchors.length === 0) throw new TrustError("there are no trust anchors");
  if (!certificate.ca) throw new TrustError(`"${certificate.subject}" is not a certificate authority`);
  let key: KeyObject;
  try {
    key = createPrivateKey(options.keyPem);
  } catch (error) {
    throw new TrustError(`the issuer's key cannot be read: ${(error as Error).message}`);
  }
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (key.asymmetricKeyType !== "ec" || curve !== "prime256v1") {
    throw new TrustError(`the issuer's key must be ECDSA P-256, not ${curve ?? key.asymmetricKeyType}`);
  }
  const spki = (publicKey: KeyObject) => publicKey.export({ format: "der", type: "spki" }).toString("hex");
  if (spki(createPublicKey(key)) !== spki(certificate.publicKey)) {
    throw new TrustError("the issuer's key does not belong to its certificate");
  }
  const path = pathToAnchor(certificate, intermediates, anchors);
  const issuer: Issuer = {
    certificate,
    key,
    anchors,
    path,
    chain: [certificate, ...intermediates].filter((one) => !isSelfSigned(one)),
    validUntil: Math.min(...path.map((one) => Date.parse(one.validTo))),
  };
  verifyIssuer(issuer, options.now);
  return issuer;
}
