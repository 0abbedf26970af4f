/**
 * Checks a certificate chain against trust anchors before it is used or trusted.
 * Source: X509_verify_cert(3); proxy.md §11 "certificates are validated locally before use".
 */
import { decodeDer, must, openssl, takeErrors } from "./library.ts";

/** @returns undefined when `chain` (DER, leaf first) leads to one of `anchors` and is in date, else the reason. */
export function verifyChain(
  chain: readonly Uint8Array[],
  anchors: readonly Uint8Array[],
): string | undefined {
  const library = openssl();
  const owned: Deno.PointerObject[] = [];
  const parse = (der: Uint8Array) => {
    const certificate = decodeDer(der, (at, length) => library.d2i_X509(null, at, length));
    if (certificate !== null) owned.push(certificate);
    return certificate;
  };
  const store = must(library.X509_STORE_new(), "store"),
    context = must(library.X509_STORE_CTX_new(), "store");
  const untrusted = must(library.OPENSSL_sk_new_null(), "chain");
  try {
    for (const der of anchors) {
      const anchor = parse(der);
      if (anchor === null) return "a trust anchor is not a certificate";
      library.X509_STORE_add_cert(store, anchor);
    }
    const [leaf, ...rest] = chain.map(parse);
    if (leaf === undefined || leaf === null || rest.includes(null)) {
      return "the chain holds what is not a certificate";
    }
    for (const certificate of rest) library.OPENSSL_sk_push(untrusted, certificate);
    must(library.X509_STORE_CTX_init(context, store, leaf, untrusted), "store");
    if (library.X509_verify_cert(context) === 1) return undefined;
    const text = library.X509_verify_cert_error_string(BigInt(library.X509_STORE_CTX_get_error(context)));
    return text === null ? "not verified" : new Deno.UnsafePointerView(text).getCString();
  } finally {
    takeErrors();
    library.X509_STORE_CTX_free(context);
    library.X509_STORE_free(store);
    library.OPENSSL_sk_free(untrusted);
    for (const certificate of owned) library.X509_free(certificate);
  }
}
