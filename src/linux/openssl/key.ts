/**
 * The workload's key and its certificate signing request: ECDSA P-256, a CSR with one DNS (or URI) name and an empty
 * subject, since a common name holds 64 bytes and identities are longer.
 * Source: RFC 2986; Linkerd's identity helper (proxy.md §11).
 */
import { cString, decodeDer, encodeDer, must, openssl, SCRATCH, scratch } from "./library.ts";

const NID_SUBJECT_ALT_NAME = 85;

/** A private key held by OpenSSL for the life of the process; its bytes leave only through `toDer`. */
export class PrivateKey {
  constructor(readonly pointer: Deno.PointerObject) {}

  /** A new P-256 key. */
  static generate(): PrivateKey {
    const library = openssl();
    const context = must(library.EVP_PKEY_CTX_new_from_name(null, cString("EC"), null), "key generation");
    try {
      must(library.EVP_PKEY_keygen_init(context), "key generation");
      must(library.EVP_PKEY_CTX_set_group_name(context, cString("P-256")), "curve P-256");
      scratch.view.setBigUint64(0, 0n, true);
      must(library.EVP_PKEY_generate(context, SCRATCH), "key generation");
      const pointer = Deno.UnsafePointer.create(scratch.view.getBigUint64(0, true));
      return new PrivateKey(must(pointer, "key generation"));
    } finally {
      library.EVP_PKEY_CTX_free(context);
    }
  }

  /** A key from its DER (PKCS#8 or SEC1); undefined when the bytes are no key. */
  static fromDer(der: Uint8Array): PrivateKey | undefined {
    const library = openssl();
    const pointer = decodeDer(der, (at, length) => library.d2i_AutoPrivateKey(null, at, length));
    if (pointer === null) {
      library.ERR_clear_error();
      return undefined;
    }
    return new PrivateKey(pointer);
  }

  toDer(): Uint8Array<ArrayBuffer> {
    return encodeDer((out) => openssl().i2d_PrivateKey(this.pointer, out), "private key");
  }

  free(): void {
    openssl().EVP_PKEY_free(this.pointer);
  }
}

/** The DER of a signing request for `name` (a DNS-like identity, or a URI such as a SPIFFE id). */
export function certificateRequest(key: PrivateKey, name: string): Uint8Array<ArrayBuffer> {
  const library = openssl();
  const request = must(library.X509_REQ_new(), "signing request");
  const extensions = must(library.OPENSSL_sk_new_null(), "signing request");
  const alternative = `critical,${name.includes("://") ? "URI" : "DNS"}:${name}`;
  const extension = must(
    library.X509V3_EXT_conf_nid(null, null, NID_SUBJECT_ALT_NAME, cString(alternative)),
    `subject alternative name ${name}`,
  );
  try {
    must(library.X509_REQ_set_version(request, 0n), "signing request");
    must(library.X509_REQ_set_pubkey(request, key.pointer), "signing request");
    library.OPENSSL_sk_push(extensions, extension);
    must(library.X509_REQ_add_extensions(request, extensions), "signing request");
    must(library.X509_REQ_sign(request, key.pointer, library.EVP_sha256()), "signing request");
    return encodeDer((out) => library.i2d_X509_REQ(request, out), "signing request");
  } finally {
    library.X509_EXTENSION_free(extension);
    library.OPENSSL_sk_free(extensions);
    library.X509_REQ_free(request);
  }
}
