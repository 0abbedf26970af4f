/**
 * B3 in headers of its own: `x-b3-traceid`, `x-b3-spanid`, `x-b3-sampled` and what goes with them. The trace id has 64
 * or 128 bits, and goes on as it came. (The single header `b3` is not read, as Linkerd's proxy does not.)
 * Source: openzipkin/b3-propagation, "Multiple Headers".
 */
import { HeaderName } from "../../wasm/http1.ts";
import type { Arena } from "../worker/arena.ts";
import { SAMPLED, SPAN_ID_BYTES, TRACE_ID_BYTES, type TraceContext } from "./context.ts";
import { hideEntry, onlyEntry, valueAt, valueLength } from "./fields.ts";
import type { TraceFormat } from "./format.ts";
import { isZero, readHex, writeHex } from "./hex.ts";

const ONE = 49;
const TRUE = [116, 114, 117, 101];
/** The last half of a trace id: all that a short one has. */
const shortId = new Uint8Array(TRACE_ID_BYTES / 2);

/** The trace id whose digits stand at `at`. */
function readTraceId(bytes: Uint8Array, at: number, length: number, traceId: Uint8Array): boolean {
  if (length === 2 * TRACE_ID_BYTES) return readHex(bytes, at, traceId, true);
  if (length !== TRACE_ID_BYTES || !readHex(bytes, at, shortId, true)) return false;
  traceId.fill(0);
  traceId.set(shortId, TRACE_ID_BYTES / 2);
  return true;
}

/** Whether the field's value is "1", or what older tracers say instead. */
function says(arena: Arena, at: number, id: number, hasWord: boolean): boolean {
  const entry = onlyEntry(arena, id);
  if (entry < 0) return false;
  const { bytes } = arena.memory, from = valueAt(arena, at, entry), length = valueLength(arena, entry);
  if (length === 1) return bytes[from] === ONE;
  return hasWord && length === TRUE.length && TRUE.every((byte, index) => bytes[from + index] === byte);
}

/** Writes `<name>: <id>` in the place of the field with this `HeaderName`, where there is one. @returns where it ends */
function replaceId(arena: Arena, id: number, name: string, value: Uint8Array, to: number): number {
  const entry = onlyEntry(arena, id);
  if (entry < 0) return to;
  hideEntry(arena, entry);
  const end = writeHex(arena.memory.bytes, to + arena.writeAscii(to, `${name}: `), value);
  return end + arena.writeAscii(end, "\r\n");
}

export const B3: TraceFormat = {
  read(arena: Arena, at: number, context: TraceContext): boolean {
    const trace = onlyEntry(arena, HeaderName.B3TraceId), span = onlyEntry(arena, HeaderName.B3SpanId);
    if (trace < 0 || span < 0 || valueLength(arena, span) !== 2 * SPAN_ID_BYTES) return false;
    const { bytes } = arena.memory;
    if (!readTraceId(bytes, valueAt(arena, at, trace), valueLength(arena, trace), context.traceId)) {
      return false;
    }
    if (!readHex(bytes, valueAt(arena, at, span), context.parentId, true)) return false;
    if (isZero(context.traceId) || isZero(context.parentId)) return false;
    // Debugging is wanted: that implies that somebody records it.
    const isSampled = says(arena, at, HeaderName.B3Sampled, true) ||
      says(arena, at, HeaderName.B3Flags, false);
    context.flags = isSampled ? SAMPLED : 0;
    return true;
  },

  replace(
    arena: Arena,
    _context: TraceContext,
    spanId: Uint8Array,
    parentId: Uint8Array,
    to: number,
  ): number {
    const end = replaceId(arena, HeaderName.B3SpanId, "x-b3-spanid", spanId, to);
    if (end === to) return 0;
    return replaceId(arena, HeaderName.B3ParentSpanId, "x-b3-parentspanid", parentId, end) - to;
  },
};
