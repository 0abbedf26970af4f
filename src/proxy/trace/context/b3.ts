/**
 * B3 in headers of its own: `x-b3-traceid`, `x-b3-spanid`, `x-b3-sampled` and what goes with them. The trace id has 64
 * or 128 bits, of which some tracers leave out zeros at the beginning, and goes on as it came. (The single header `b3`
 * is not read, as Linkerd's proxy does not.)
 * Source: openzipkin/b3-propagation, "Multiple Headers".
 */
import { HeaderName } from "../../../wasm/http1.ts";
import type { Arena } from "../../worker/arena.ts";
import { SAMPLED, type TraceContext } from "./trace_context.ts";
import { hideEntry, onlyEntry, valueAt, valueLength } from "./fields.ts";
import type { TraceFormat } from "./format.ts";
import { isZero, readHexNumber, writeHex } from "./hex.ts";

const ONE = 49;
const TRUE = [116, 114, 117, 101];

/** Reads the id that is the value of an entry. @returns false when it is none */
function readId(arena: Arena, at: number, entry: number, id: Uint8Array): boolean {
  const from = valueAt(arena, at, entry);
  return readHexNumber(arena.memory.bytes, from, valueLength(arena, entry), id) && !isZero(id);
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
    if (trace < 0 || span < 0) return false;
    if (!readId(arena, at, trace, context.traceId) || !readId(arena, at, span, context.parentId)) {
      return false;
    }
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
