/**
 * gRPC's context: `grpc-trace-bin`, the base64 of OpenCensus' binary form, which is a version and fields with a number
 * each: 0 the trace id, 1 the span id, 2 the options. A field with another number ends what is known.
 * Source: OpenCensus, encodings/BinaryEncoding.md; gRPC over HTTP/2, "Binary Header Encoding".
 */
import { HeaderName } from "../../../wasm/http1.ts";
import type { Arena } from "../../worker/arena.ts";
import { SAMPLED, SPAN_ID_BYTES, TRACE_ID_BYTES, type TraceContext } from "./trace_context.ts";
import { hideEntry, onlyEntry, valueAt, valueLength } from "./fields.ts";
import type { TraceFormat } from "./format.ts";
import { isZero } from "./hex.ts";

const LINE = "grpc-trace-bin: ";
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES = new Int8Array(256).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i;
const PADDING = 61;

/** Version, and the fields with the byte that numbers each. */
const LENGTH = 1 + (1 + TRACE_ID_BYTES) + (1 + SPAN_ID_BYTES) + 2;
/** Of the field numbers, by number. */
const SIZES = [TRACE_ID_BYTES, SPAN_ID_BYTES, 1];
const IDS_KNOWN = 0b011;
/** Longer values are nobody's context. */
const MAX_DECODED = 64;
/** For the value at hand only. */
const decoded = new Uint8Array(MAX_DECODED), encoded = new Uint8Array(LENGTH);

/** Decodes base64, with padding or without, to `decoded`. @returns bytes; -1 when it is none, or too long */
function decode(bytes: Uint8Array, at: number, length: number): number {
  let digits = length;
  while (digits > 0 && length - digits < 2 && bytes[at + digits - 1] === PADDING) digits--;
  if (digits !== length && length % 4 !== 0) return -1;
  if (digits % 4 === 1 || digits * 6 > MAX_DECODED * 8) return -1;
  let count = 0, bits = 0, held = 0;
  for (let i = 0; i < digits; i++) {
    const value = VALUES[bytes[at + i]!]!;
    if (value < 0) return -1;
    held = held << 6 | value;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    decoded[count++] = held >> bits;
    held &= (1 << bits) - 1;
  }
  return held === 0 ? count : -1; // bits that belong to no byte
}

/**
 * Writes what `encoded` holds as base64, with padding: everybody takes that, and Linkerd's proxy nothing else.
 * @returns where it ends
 */
function encode(bytes: Uint8Array, at: number): number {
  const from = at;
  let bits = 0, held = 0;
  for (const byte of encoded) {
    held = (held << 8 | byte) & 0xffff;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      bytes[at++] = ALPHABET.charCodeAt(held >> bits & 63);
    }
  }
  if (bits > 0) bytes[at++] = ALPHABET.charCodeAt(held << 6 - bits & 63);
  while ((at - from) % 4 !== 0) bytes[at++] = PADDING;
  return at;
}

export const GRPC_TRACE_BIN: TraceFormat = {
  read(arena: Arena, at: number, context: TraceContext): boolean {
    const entry = onlyEntry(arena, HeaderName.GrpcTraceBin);
    if (entry < 0) return false;
    const count = decode(arena.memory.bytes, valueAt(arena, at, entry), valueLength(arena, entry));
    if (count < 1 || decoded[0] !== 0) return false;
    let known = 0;
    context.flags = 0;
    for (let next = 1; next < count;) {
      const field = decoded[next++]!, size = SIZES[field];
      if (size === undefined) break;
      if (next + size > count || (known >> field & 1) !== 0) return false;
      known |= 1 << field;
      if (field === 2) context.flags = decoded[next]! & SAMPLED;
      else {
        const id = field === 0 ? context.traceId : context.parentId;
        for (let i = 0; i < size; i++) id[i] = decoded[next + i]!;
      }
      next += size;
    }
    return (known & IDS_KNOWN) === IDS_KNOWN && !isZero(context.traceId) && !isZero(context.parentId);
  },

  replace(
    arena: Arena,
    context: TraceContext,
    spanId: Uint8Array,
    _parentId: Uint8Array,
    to: number,
  ): number {
    const entry = onlyEntry(arena, HeaderName.GrpcTraceBin);
    if (entry < 0) return 0;
    hideEntry(arena, entry);
    encoded[0] = encoded[1] = 0;
    encoded.set(context.traceId, 2);
    encoded[2 + TRACE_ID_BYTES] = 1;
    encoded.set(spanId, 3 + TRACE_ID_BYTES);
    encoded[LENGTH - 2] = 2;
    encoded[LENGTH - 1] = context.flags;
    const end = encode(arena.memory.bytes, to + arena.writeAscii(to, LINE));
    return end + arena.writeAscii(end, "\r\n") - to;
  },
};
