/**
 * OpenSSL 3 by FFI: the symbols, loaded once, and its error queue in words.
 *
 * Why not node:tls or Deno.startTls: they cannot ask for a client certificate on a raw descriptor, swap contexts live,
 * or share a loop; and a request through node:tls costs 28 µs against 19.8 µs (prototype).
 */
import { LinearMemory } from "../memory.ts";

const P = "pointer", I = "i32", B = "buffer", V = "void";

function open() {
  try {
    const ssl = Deno.dlopen("libssl.so.3", {
      TLS_server_method: { parameters: [], result: P },
      TLS_client_method: { parameters: [], result: P },
      SSL_CTX_new: { parameters: [P], result: P },
      SSL_CTX_free: { parameters: [P], result: V },
      SSL_CTX_ctrl: { parameters: [P, I, "i64", P], result: "i64" },
      SSL_CTX_set_options: { parameters: [P, "u64"], result: "u64" },
      SSL_CTX_set_default_read_buffer_len: { parameters: [P, "usize"], result: V },
      SSL_CTX_set_num_tickets: { parameters: [P, "usize"], result: I },
      SSL_CTX_set_ciphersuites: { parameters: [P, B], result: I },
      SSL_CTX_use_certificate: { parameters: [P, P], result: I },
      SSL_CTX_use_PrivateKey: { parameters: [P, P], result: I },
      SSL_CTX_check_private_key: { parameters: [P], result: I },
      SSL_CTX_get_cert_store: { parameters: [P], result: P },
      SSL_CTX_set_verify: { parameters: [P, I, P], result: V },
      SSL_CTX_set_alpn_protos: { parameters: [P, B, "u32"], result: I },
      SSL_CTX_set_alpn_select_cb: { parameters: [P, P, P], result: V },
      SSL_new: { parameters: [P], result: P },
      SSL_free: { parameters: [P], result: V },
      SSL_set_fd: { parameters: [P, I], result: I },
      SSL_set_accept_state: { parameters: [P], result: V },
      SSL_set_connect_state: { parameters: [P], result: V },
      SSL_ctrl: { parameters: [P, I, "i64", B], result: "i64" },
      SSL_set1_host: { parameters: [P, B], result: I },
      SSL_set_hostflags: { parameters: [P, "u32"], result: V },
      SSL_set_alpn_protos: { parameters: [P, B, "u32"], result: I },
      // The ALPN callback runs JavaScript inside this call, which V8's fast calls do not allow.
      SSL_do_handshake: { parameters: [P], result: I, callback: true },
      SSL_read: { parameters: [P, P, I], result: I },
      SSL_write: { parameters: [P, P, I], result: I },
      SSL_has_pending: { parameters: [P], result: I },
      SSL_shutdown: { parameters: [P], result: I },
      SSL_get_error: { parameters: [P, I], result: I },
      SSL_get_verify_result: { parameters: [P], result: "i64" },
      SSL_get1_peer_certificate: { parameters: [P], result: P },
      SSL_get0_alpn_selected: { parameters: [P, P, P], result: V },
    }).symbols;
    const crypto = Deno.dlopen("libcrypto.so.3", {
      d2i_X509: { parameters: [P, P, "i64"], result: P },
      i2d_X509: { parameters: [P, P], result: I },
      X509_free: { parameters: [P], result: V },
      X509_verify_cert_error_string: { parameters: ["i64"], result: P },
      X509_STORE_add_cert: { parameters: [P, P], result: I },
      X509_STORE_new: { parameters: [], result: P },
      X509_STORE_free: { parameters: [P], result: V },
      X509_STORE_CTX_new: { parameters: [], result: P },
      X509_STORE_CTX_free: { parameters: [P], result: V },
      X509_STORE_CTX_init: { parameters: [P, P, P, P], result: I },
      X509_STORE_CTX_get_error: { parameters: [P], result: I },
      X509_verify_cert: { parameters: [P], result: I },
      X509_REQ_new: { parameters: [], result: P },
      X509_REQ_free: { parameters: [P], result: V },
      X509_REQ_set_version: { parameters: [P, "i64"], result: I },
      X509_REQ_set_pubkey: { parameters: [P, P], result: I },
      X509_REQ_add_extensions: { parameters: [P, P], result: I },
      X509_REQ_sign: { parameters: [P, P, P], result: I },
      i2d_X509_REQ: { parameters: [P, P], result: I },
      X509V3_EXT_conf_nid: { parameters: [P, P, I, B], result: P },
      X509_EXTENSION_free: { parameters: [P], result: V },
      OPENSSL_sk_new_null: { parameters: [], result: P },
      OPENSSL_sk_push: { parameters: [P, P], result: I },
      OPENSSL_sk_free: { parameters: [P], result: V },
      SHA1: { parameters: [B, "usize", B], result: P },
      RAND_bytes: { parameters: [B, I], result: I },
      EVP_sha256: { parameters: [], result: P },
      EVP_PKEY_free: { parameters: [P], result: V },
      EVP_PKEY_CTX_new_from_name: { parameters: [P, B, P], result: P },
      EVP_PKEY_CTX_free: { parameters: [P], result: V },
      EVP_PKEY_keygen_init: { parameters: [P], result: I },
      EVP_PKEY_CTX_set_group_name: { parameters: [P, B], result: I },
      EVP_PKEY_generate: { parameters: [P, P], result: I },
      i2d_PrivateKey: { parameters: [P, P], result: I },
      d2i_AutoPrivateKey: { parameters: [P, P, "i64"], result: P },
      ERR_get_error: { parameters: [], result: "u64" },
      ERR_error_string_n: { parameters: ["u64", P, "usize"], result: V },
      ERR_clear_error: { parameters: [], result: V },
    }).symbols;
    return { ...ssl, ...crypto };
  } catch (cause) {
    throw new Error(
      "OpenSSL 3 (libssl.so.3 and libcrypto.so.3) is missing: the mesh encrypts with it. " +
        "Install your distribution's package, e.g. `apt-get install libssl3`.",
      { cause },
    );
  }
}

type Library = ReturnType<typeof open>;
let opened: Library | undefined;

/** The library, loaded on first use. @throws Error naming the missing package */
export function openssl(): Library {
  return opened ??= open();
}

/** Out-parameters and short texts of set-up calls; never of the request path. */
export const scratch = new LinearMemory(new ArrayBuffer(65536));
export const SCRATCH = scratch.pointer(0, 65536);

/** A NUL-terminated string for a `buffer` parameter. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** What OpenSSL's error queue says, oldest first, and empties it. */
export function takeErrors(): string {
  const library = openssl();
  const lines: string[] = [];
  for (;;) {
    const code = library.ERR_get_error();
    if (code === 0n) break;
    library.ERR_error_string_n(code, SCRATCH, 256n);
    const end = scratch.bytes.indexOf(0);
    lines.push(new TextDecoder().decode(scratch.bytes.subarray(0, end)));
  }
  return lines.join("; ");
}

/** Turns a null or 0 answer of a set-up call into an error that says what OpenSSL said. */
export function must<T extends Deno.PointerValue | number>(answer: T, what: string): NonNullable<T> {
  if (answer === null || answer === 0) {
    throw new Error(`openssl: ${what}: ${takeErrors() || "no reason given"}`);
  }
  return answer as NonNullable<T>;
}

/**
 * Runs an `i2d_*` function and copies its DER out. OpenSSL advances a pointer that it is given: it writes to scratch
 * from byte 16 on, and the pointer lives at byte 0.
 */
export function encodeDer(
  encode: (out: Deno.PointerObject) => number,
  what: string,
): Uint8Array<ArrayBuffer> {
  const address = Deno.UnsafePointer.value(scratch.pointer(16, 1));
  scratch.view.setBigUint64(0, BigInt(address), true);
  const length = encode(SCRATCH);
  if (length <= 0 || length > scratch.size - 16) throw new Error(`openssl: ${what}: ${takeErrors()}`);
  return scratch.bytes.slice(16, 16 + length);
}

/** Runs a `d2i_*` function over `der`. @returns its object, or null when the bytes are not what they should be */
export function decodeDer(
  der: Uint8Array,
  decode: (at: Deno.PointerObject, length: bigint) => Deno.PointerValue,
): Deno.PointerValue {
  if (der.length > scratch.size - 16) return null;
  scratch.bytes.set(der, 16);
  scratch.view.setBigUint64(0, BigInt(Deno.UnsafePointer.value(scratch.pointer(16, 1))), true);
  return decode(SCRATCH, BigInt(der.length));
}
