/** A certificate authority for tests: issues leaves with the names and dates a case asks for. */
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import type { TlsIdentity } from "../../linux/openssl/context.ts";
import { PrivateKey } from "../../linux/openssl/key.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export interface IssueOptions {
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

export class TestAuthority {
  private constructor(readonly certificate: x509.X509Certificate, private readonly keys: CryptoKeyPair) {}

  static async create(name = "identity.linkerd.cluster.local"): Promise<TestAuthority> {
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}`,
      keys,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 86_400_000),
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      ],
    });
    return new TestAuthority(certificate, keys);
  }

  get anchor(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.certificate.rawData);
  }

  /** A key and certificate for `name`. */
  async issue(name: string, options: IssueOptions = {}): Promise<TlsIdentity> {
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const leaf = await this.#sign(name, keys.publicKey, options);
    const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
    return { key: PrivateKey.fromDer(pkcs8)!, chain: [leaf] };
  }

  /** The certificate that a signing request (DER) asks for, under `name`. */
  async certify(name: string, request: Uint8Array, options: IssueOptions = {}): Promise<Uint8Array> {
    const { publicKey } = new x509.Pkcs10CertificateRequest(Uint8Array.from(request));
    return await this.#sign(name, await publicKey.export(), options);
  }

  async #sign(name: string, publicKey: CryptoKey, options: IssueOptions): Promise<Uint8Array> {
    const certificate = await x509.X509CertificateGenerator.create({
      subject: "",
      issuer: this.certificate.subject,
      publicKey,
      signingKey: this.keys.privateKey,
      signingAlgorithm: ALGORITHM,
      notBefore: options.notBefore ?? new Date(Date.now() - 60_000),
      notAfter: options.notAfter ?? new Date(Date.now() + 3_600_000),
      extensions: [
        new x509.SubjectAlternativeNameExtension([{ type: "dns", value: name }], true),
        new x509.ExtendedKeyUsageExtension([
          x509.ExtendedKeyUsage.serverAuth,
          x509.ExtendedKeyUsage.clientAuth,
        ]),
      ],
    });
    return new Uint8Array(certificate.rawData);
  }
}
