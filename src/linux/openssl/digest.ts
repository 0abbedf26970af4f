/** Digests and random bytes, for what protocols ask of a proxy beside TLS. */
import { openssl } from "./library.ts";

/** The SHA-1 of `bytes`: where a protocol names it, never for security. */
export function sha1(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const digest = new Uint8Array(20);
  openssl().SHA1(bytes, BigInt(bytes.length), digest);
  return digest;
}

/**
 * `length` bytes that nobody can guess.
 * @throws Error when the system has none to give
 */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  if (openssl().RAND_bytes(bytes, length) !== 1) throw new Error("OpenSSL has no random bytes");
  return bytes;
}
