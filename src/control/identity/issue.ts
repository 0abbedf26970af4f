/** From a certificate signing request to a leaf: what a request may ask for, and what a leaf says. */
import "reflect-metadata";
import { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type GeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { authorityKey } from "./authority.ts";
import type { Issuer } from "./trust.ts";

const ECDSA_P256 = { name: "ECDSA", namedCurve: "P-256" } as const;
const ECDSA_SHA256 = { name: "ECDSA", hash: "SHA-256" } as const;
/** A common name holds no more; longer identities stand in the alternative name alone. */
const COMMON_NAME_BYTES = 64;

/** A request that asks for what it may not have; `malformed` when it could not even be read. */
export class CsrError extends Error {
  override readonly name = "CsrError";
  constructor(message: string, readonly isMalformed: boolean = false) {
    super(message);
  }
}

/**
 * Reads and checks a request: signed by its own key, and asking for `identity` and nothing else.
 *
 * @param der the request as the proxy sends it
 */
export async function checkRequest(der: Uint8Array, identity: string): Promise<Pkcs10CertificateRequest> {
  let request: Pkcs10CertificateRequest;
  try {
    request = new Pkcs10CertificateRequest(Uint8Array.from(der));
  } catch (error) {
    throw new CsrError(`the certificate signing request is not DER: ${(error as Error).message}`, true);
  }
  const algorithm = request.publicKey.algorithm as { name: string; namedCurve?: string };
  if (algorithm.name !== "ECDSA") throw new CsrError(`keys are ECDSA here, not ${algorithm.name}`);
  let isSigned: boolean;
  try {
    isSigned = await request.verify();
  } catch (error) {
    throw new CsrError(
      `the signature of the request cannot be checked: ${(error as Error).message}`,
      true,
    );
  }
  if (!isSigned) throw new CsrError("the request is not signed by its own key");
  const names: GeneralName[] = [];
  for (const extension of request.extensions) {
    if (extension instanceof SubjectAlternativeNameExtension) names.push(...extension.names.items);
  }
  const strange = names.find((name) => name.type !== "dns");
  if (strange !== undefined) {
    throw new CsrError(`only DNS names may be asked for, not ${strange.type} ${strange.value}`);
  }
  if (names.length !== 1) throw new CsrError(`exactly one DNS name must be asked for, not ${names.length}`);
  if (names[0]!.value !== identity) {
    throw new CsrError(`the request asks for ${names[0]!.value}, the call for ${identity}`);
  }
  const commonNames = request.subjectName.getField("CN");
  if (commonNames.some((name) => name !== "" && name !== identity)) {
    throw new CsrError(`the common name ${commonNames.join(", ")} is not ${identity}`);
  }
  return request;
}

export interface Leaf {
  readonly der: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** Signs leaves for one issuer; a new one is made when the issuer changes. */
export class LeafSigner {
  readonly #issuer: Issuer;
  readonly #key: CryptoKey;
  readonly #issuerCertificate: X509Certificate;

  private constructor(issuer: Issuer, key: CryptoKey) {
    this.#issuer = issuer;
    this.#key = key;
    this.#issuerCertificate = new X509Certificate(Uint8Array.from(issuer.certificate.raw));
  }

  static async create(issuer: Issuer): Promise<LeafSigner> {
    return new LeafSigner(issuer, await importSigningKey(issuer.key));
  }

  /**
   * @param now milliseconds
   * @param lifetimeMs how long the leaf counts; `skewMs` more on either side for clocks that differ
   */
  async sign(
    request: Pkcs10CertificateRequest,
    identity: string,
    options: { now: number; lifetimeMs: number; skewMs: number },
  ): Promise<Leaf> {
    const fitsCommonName = Buffer.byteLength(identity) <= COMMON_NAME_BYTES;
    const notAfter = Math.min(options.now + options.lifetimeMs + options.skewMs, this.#issuer.validUntil);
    const certificate = await X509CertificateGenerator.create({
      serialNumber: randomSerial(),
      issuer: this.#issuerCertificate.subjectName,
      subject: fitsCommonName ? [{ CN: [identity] }] : [],
      notBefore: new Date(options.now - options.skewMs),
      notAfter: new Date(notAfter),
      signingKey: this.#key,
      signingAlgorithm: ECDSA_SHA256,
      publicKey: request.publicKey,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
        new SubjectAlternativeNameExtension([{ type: "dns", value: identity }], !fitsCommonName),
        ...authorityKey(this.#issuerCertificate),
      ],
    });
    return { der: new Uint8Array(certificate.rawData), notAfter: Math.floor(notAfter / 1000) * 1000 };
  }
}

async function importSigningKey(key: KeyObject): Promise<CryptoKey> {
  const pkcs8 = Uint8Array.from(key.export({ format: "der", type: "pkcs8" }));
  return await crypto.subtle.importKey("pkcs8", pkcs8, ECDSA_P256, false, ["sign"]);
}

/** 127 random bits: replicas that issue side by side need no shared counter. */
function randomSerial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0]! &= 0x7f;
  bytes[0]! |= 0x40;
  return Buffer.from(bytes).toString("hex");
}
