/**
 * What OpenSSL asks of us inside a handshake: whether the peer's certificates are good. It calls back on this thread,
 * while `SSL_do_handshake` runs, so that the handshake in question is the one that was entered last.
 * Source: SSL_CTX_set_cert_verify_callback(3), X509_STORE_CTX_get_error(3).
 */
import { readCertificate } from "./certificate.ts";
import { openssl, SCRATCH, scratch } from "./library.ts";
import type { VerifiedChain, VerifiedChains } from "./verified_chains.ts";

/** What a handshake is about, and what it came to. */
export class Handshake {
  /** The peer's chain, verified; undefined before, and for one that is not remembered. */
  peer: VerifiedChain | undefined;
  /** The protocol that a server chose; empty for none. */
  alpn = "";

  constructor(
    readonly verified: VerifiedChains,
    /** The name that the peer's certificate is to be for (OpenSSL compares it); empty for any. */
    readonly peerName: string,
  ) {}
}

let current: Handshake | undefined;

/** The handshake that OpenSSL asks about. */
export function currentHandshake(): Handshake | undefined {
  return current;
}

/** `SSL_do_handshake`. */
export function doHandshake(ssl: Deno.PointerObject, handshake: Handshake): number {
  current = handshake;
  try {
    return openssl().SSL_do_handshake(ssl);
  } finally {
    current = undefined;
  }
}

/** A longer chain is verified each time. */
const MAX_CHAIN_BYTES = 8192, MAX_CERTIFICATES = 8;
/** Where `i2d_X509` finds the pointer that it advances, and where the certificates come to lie. */
const CHAIN_AT = 16, CHAIN = scratch.bytes.subarray(CHAIN_AT, CHAIN_AT + MAX_CHAIN_BYTES);
const BASE = BigInt(Deno.UnsafePointer.value(SCRATCH));

/** Calls back with each certificate of a stack, its DER in the scratch area. @returns bytes of all; −1: too many */
function eachDer(stack: Deno.PointerValue, each?: (der: Uint8Array) => void): number {
  const library = openssl(), count = library.OPENSSL_sk_num(stack);
  if (count < 1 || count > MAX_CERTIFICATES) return -1;
  let end = CHAIN_AT;
  for (let i = 0; i < count; i++) {
    const certificate = library.OPENSSL_sk_value(stack, i);
    const length = library.i2d_X509(certificate, null);
    if (length <= 0 || end + length > CHAIN_AT + MAX_CHAIN_BYTES) return -1;
    scratch.view.setBigUint64(0, BASE + BigInt(end), true);
    if (library.i2d_X509(certificate, SCRATCH) !== length) return -1;
    each?.(scratch.bytes.subarray(end, end + length));
    end += length;
  }
  return end - CHAIN_AT;
}

/** Remembers what has just been verified, if all of it can be read. */
function remember(context: Deno.PointerValue, handshake: Handshake, der: Uint8Array): void {
  let notBefore = -Infinity, notAfter = Infinity;
  let names: readonly string[] | undefined;
  const read = (one: Uint8Array) => {
    const facts = readCertificate(one);
    names ??= facts?.names ?? [];
    notBefore = Math.max(notBefore, facts?.notBefore ?? NaN);
    notAfter = Math.min(notAfter, facts?.notAfter ?? NaN);
  };
  if (eachDer(openssl().X509_STORE_CTX_get0_chain(context), read) < 0) return;
  if (names === undefined || Number.isNaN(notBefore) || Number.isNaN(notAfter)) return;
  const { peerName, verified } = handshake;
  handshake.peer = { der, peerName, names, notBefore, notAfter };
  verified.keep(handshake.peer);
}

/** The DER of all that the peer sent, in the scratch area. @returns bytes; −1 when it does not begin with the leaf */
function readPeerChain(context: Deno.PointerValue): number {
  const library = openssl(), sent = library.X509_STORE_CTX_get0_untrusted(context);
  if (sent === null || library.OPENSSL_sk_num(sent) < 1) return -1;
  const leaf = library.X509_STORE_CTX_get0_cert(context), first = library.OPENSSL_sk_value(sent, 0);
  return leaf !== null && Deno.UnsafePointer.equals(leaf, first) ? eachDer(sent) : -1;
}

/** @returns 1 when the chain is good, 0 when it is not (the context says why) */
function verify(context: Deno.PointerValue): number {
  const library = openssl(), handshake = current;
  if (handshake === undefined) return library.X509_verify_cert(context) === 1 ? 1 : 0;
  const length = readPeerChain(context);
  const known = length < 0
    ? undefined
    : handshake.verified.find(CHAIN, length, handshake.peerName, Date.now());
  if (known !== undefined) {
    handshake.peer = known;
    return 1;
  }
  const der = length < 0 ? undefined : CHAIN.slice(0, length);
  if (library.X509_verify_cert(context) !== 1) return 0;
  if (der !== undefined) remember(context, handshake, der);
  return 1;
}

/** One for all contexts: they come and go with certificates, it stays. */
let callback: Deno.UnsafeCallback<{ parameters: ["pointer", "pointer"]; result: "i32" }> | undefined;

/** For `SSL_CTX_set_cert_verify_callback`. */
export function verifyCallback(): Deno.PointerObject {
  callback ??= new Deno.UnsafeCallback(
    { parameters: ["pointer", "pointer"], result: "i32" } as const,
    (context) => {
      try {
        return verify(context);
      } catch {
        return 0; // nothing can be thrown through OpenSSL: the peer is refused
      }
    },
  );
  return callback.pointer;
}
