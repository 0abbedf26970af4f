/**
 * What of gRPC the data plane has to know: which messages are calls, how long they may take, and how they ended.
 * Source: gRPC over HTTP/2 (PROTOCOL-HTTP2.md); proxy.md §10.
 */
import { HeaderEntry, HeaderName } from "../../wasm/http1.ts";
import type { Arena } from "../worker/arena.ts";
import { headerEntry } from "./record.ts";

const CONTENT_TYPE = [..."application/grpc"].map((letter) => letter.charCodeAt(0));

/** Whether the head in the record has a content type that begins with `application/grpc`. */
export function isGrpcMessage(arena: Arena, at: number): boolean {
  const entry = headerEntry(arena, HeaderName.ContentType);
  if (entry < 0) return false;
  const { bytes, words } = arena.memory, from = at + words[entry + HeaderEntry.ValueOffset]!;
  if (words[entry + HeaderEntry.ValueLength]! < CONTENT_TYPE.length) return false;
  for (let i = 0; i < CONTENT_TYPE.length; i++) if (bytes[from + i] !== CONTENT_TYPE[i]) return false;
  return true;
}

/** The grpc-status in the record, 0 to 99; -1 when there is none that is a number. */
export function grpcStatusOf(arena: Arena, at: number): number {
  const entry = headerEntry(arena, HeaderName.GrpcStatus);
  if (entry < 0) return -1;
  const { bytes, words } = arena.memory, from = at + words[entry + HeaderEntry.ValueOffset]!;
  const length = words[entry + HeaderEntry.ValueLength]!;
  if (length < 1 || length > 2) return -1;
  let status = 0;
  for (let i = 0; i < length; i++) {
    const digit = bytes[from + i]! - 48;
    if (digit < 0 || digit > 9) return -1;
    status = status * 10 + digit;
  }
  return status;
}

/** Milliseconds of a unit: hour, minute, second, and thousandths of it. */
const UNIT_MS: Readonly<Record<string, number>> = { H: 3.6e6, M: 6e4, S: 1000, m: 1, u: 1e-3, n: 1e-6 };
const MAX_TIMEOUT_DIGITS = 8;

/** Milliseconds that the call in the record may take as its grpc-timeout says; -1 when it does not, or not properly. */
export function grpcTimeoutMs(arena: Arena, at: number): number {
  const entry = headerEntry(arena, HeaderName.GrpcTimeout);
  if (entry < 0) return -1;
  const { bytes, words } = arena.memory, from = at + words[entry + HeaderEntry.ValueOffset]!;
  const digits = words[entry + HeaderEntry.ValueLength]! - 1;
  if (digits < 1 || digits > MAX_TIMEOUT_DIGITS) return -1;
  const unit = UNIT_MS[String.fromCharCode(bytes[from + digits]!)];
  if (unit === undefined) return -1;
  let count = 0;
  for (let i = 0; i < digits; i++) {
    const digit = bytes[from + i]! - 48;
    if (digit < 0 || digit > 9) return -1;
    count = count * 10 + digit;
  }
  return count * unit;
}
