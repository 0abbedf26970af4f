/**
 * OpenSSL 3 by FFI: the symbols, loaded once, and its error queue in words.
 *
 * Why not node:tls or Deno.startTls: they cannot ask for a client certificate on a raw descriptor, swap contexts live,
 * or share a loop; and a request through node:tls costs 28 µs against 19.8 µs (prototype).
 */
import { LinearMemory } from "../memory.ts";
import { rare } from "../rare_call.ts";

const P = "pointer", I = "i32", B = "buffer", V = "void";

function open() {
  try {
    const ssl = Deno.dlopen("libssl.so.3", {
      TLS_server_method: rare([], P),
      TLS_client_method: rare([], P),
      SSL_CTX_new: rare([P], P),
      SSL_CTX_free: rare([P], V),
      SSL_CTX_ctrl: rare([P, I, "i64", P], "i64"),
      SSL_CTX_set_options: rare([P, "u64"], "u64"),
      SSL_CTX_set_default_read_buffer_len: rare([P, "usize"], V),
      SSL_CTX_set_num_tickets: rare([P, "usize"], I),
      SSL_CTX_set_ciphersuites: rare([P, B], I),
      SSL_CTX_use_certificate: rare([P, P], I),
      SSL_CTX_use_PrivateKey: rare([P, P], I),
      SSL_CTX_check_private_key: rare([P], I),
      SSL_CTX_get_cert_store: rare([P], P),
      SSL_CTX_set_verify: rare([P, I, P], V),
      SSL_CTX_set_cert_verify_callback: rare([P, P, P], V),
      SSL_CTX_set_alpn_protos: rare([P, B, "u32"], I),
      SSL_CTX_set_alpn_select_cb: rare([P, P, P], V),
      SSL_new: rare([P], P),
      SSL_free: rare([P], V),
      SSL_set_fd: rare([P, I], I),
      SSL_set_accept_state: rare([P], V),
      SSL_set_connect_state: rare([P], V),
      SSL_ctrl: rare([P, I, "i64", B], "i64"),
      SSL_set1_host: rare([P, B], I),
      SSL_set_hostflags: rare([P, "u32"], V),
      SSL_set_alpn_protos: rare([P, B, "u32"], I),
      SSL_do_handshake: rare([P], I), // JavaScript runs inside (ALPN, verification), which fast calls do not allow
      SSL_read: { parameters: [P, P, I], result: I },
      SSL_write: { parameters: [P, P, I], result: I },
      SSL_has_pending: { parameters: [P], result: I },
      SSL_shutdown: { parameters: [P], result: I },
      SSL_get_error: { parameters: [P, I], result: I },
      SSL_get_verify_result: rare([P], "i64"),
      SSL_get1_peer_certificate: rare([P], P),
      SSL_get0_alpn_selected: rare([P, P, P], V),
    }).symbols;
    const crypto = Deno.dlopen("libcrypto.so.3", {
      d2i_X509: rare([P, P, "i64"], P),
      i2d_X509: rare([P, P], I),
      X509_free: rare([P], V),
      X509_verify_cert_error_string: rare(["i64"], P),
      X509_STORE_add_cert: rare([P, P], I),
      X509_STORE_new: rare([], P),
      X509_STORE_free: rare([P], V),
      X509_STORE_CTX_new: rare([], P),
      X509_STORE_CTX_free: rare([P], V),
      X509_STORE_CTX_init: rare([P, P, P, P], I),
      X509_STORE_CTX_get_error: rare([P], I),
      X509_STORE_CTX_get0_untrusted: rare([P], P),
      X509_STORE_CTX_get0_cert: rare([P], P),
      X509_STORE_CTX_get0_chain: rare([P], P),
      X509_verify_cert: rare([P], I),
      X509_REQ_new: rare([], P),
      X509_REQ_free: rare([P], V),
      X509_REQ_set_version: rare([P, "i64"], I),
      X509_REQ_set_pubkey: rare([P, P], I),
      X509_REQ_add_extensions: rare([P, P], I),
      X509_REQ_sign: rare([P, P, P], I),
      i2d_X509_REQ: rare([P, P], I),
      X509V3_EXT_conf_nid: rare([P, P, I, B], P),
      X509_EXTENSION_free: rare([P], V),
      OPENSSL_sk_new_null: rare([], P),
      OPENSSL_sk_push: rare([P, P], I),
      OPENSSL_sk_num: rare([P], I),
      OPENSSL_sk_value: rare([P, I], P),
      OPENSSL_sk_free: rare([P], V),
      SHA1: rare([B, "usize", B], P),
      RAND_bytes: rare([B, I], I),
      EVP_sha256: rare([], P),
      EVP_PKEY_free: rare([P], V),
      EVP_PKEY_CTX_new_from_name: rare([P, B, P], P),
      EVP_PKEY_CTX_free: rare([P], V),
      EVP_PKEY_keygen_init: rare([P], I),
      EVP_PKEY_CTX_set_group_name: rare([P, B], I),
      EVP_PKEY_generate: rare([P, P], I),
      i2d_PrivateKey: rare([P, P], I),
      d2i_AutoPrivateKey: rare([P, P, "i64"], P),
      ERR_get_error: rare([], "u64"),
      ERR_error_string_n: rare(["u64", P, "usize"], V),
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

const copying = Deno.dlopen("libc.so.6", { memcpy: rare([P, P, "usize"], P) }).symbols;

/** Copies between memory of ours and of OpenSSL's, inside its callbacks. */
export function copyMemory(to: Deno.PointerObject, from: Deno.PointerObject, length: number): void {
  copying.memcpy(to, from, BigInt(length));
}

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
  encode: (out: Deno.PointerValue) => number,
  what: string,
): Uint8Array<ArrayBuffer> {
  if (encode(null) > scratch.size - 16) throw new Error(`openssl: ${what}: it is too long`);
  const address = Deno.UnsafePointer.value(scratch.pointer(16, 1));
  scratch.view.setBigUint64(0, BigInt(address), true);
  const length = encode(SCRATCH);
  if (length <= 0) throw new Error(`openssl: ${what}: ${takeErrors()}`);
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
