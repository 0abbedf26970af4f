/**
 * W3C's context: `traceparent: 00-<trace id>-<span id>-<flags>`. A version to come may say more after that, which is
 * read as far as it is known and goes on as version 00; `tracestate` is others' and goes on as it came.
 * Source: W3C Trace Context, level 2, §3.2 (traceparent), §4 (processing).
 */
import { HeaderName } from "../../../wasm/http1.ts";
import type { Arena } from "../../worker/arena.ts";
import { RANDOM, SAMPLED, type TraceContext } from "./trace_context.ts";
import { hideEntry, onlyEntry, valueAt, valueLength } from "./fields.ts";
import type { TraceFormat } from "./format.ts";
import { isZero, readHex, writeHex } from "./hex.ts";

/** Of version 00: two digits, 32, 16 and two, with a dash between. */
const LENGTH = 55;
const DASH = 45, FORBIDDEN_VERSION = 255;
const VERSION_END = 2, TRACE_ID_END = 35, SPAN_ID_END = 52;
const LINE = "traceparent: 00-";

/** For the value at hand only. */
const version = new Uint8Array(1), flags = new Uint8Array(1);

function hasShape(bytes: Uint8Array, at: number, length: number): boolean {
  if (length < LENGTH || bytes[at + VERSION_END] !== DASH) return false;
  if (bytes[at + TRACE_ID_END] !== DASH || bytes[at + SPAN_ID_END] !== DASH) return false;
  if (!readHex(bytes, at, version) || version[0] === FORBIDDEN_VERSION) return false;
  return length === LENGTH || (version[0] !== 0 && bytes[at + LENGTH] === DASH);
}

export const TRACEPARENT: TraceFormat = {
  read(arena: Arena, at: number, context: TraceContext): boolean {
    const entry = onlyEntry(arena, HeaderName.Traceparent);
    if (entry < 0) return false;
    const { bytes } = arena.memory, from = valueAt(arena, at, entry);
    if (!hasShape(bytes, from, valueLength(arena, entry))) return false;
    if (!readHex(bytes, from + VERSION_END + 1, context.traceId) || isZero(context.traceId)) return false;
    if (!readHex(bytes, from + TRACE_ID_END + 1, context.parentId) || isZero(context.parentId)) return false;
    if (!readHex(bytes, from + SPAN_ID_END + 1, flags)) return false;
    context.flags = flags[0]! & (SAMPLED | RANDOM); // what others mean is not known
    return true;
  },

  replace(
    arena: Arena,
    context: TraceContext,
    spanId: Uint8Array,
    _parentId: Uint8Array,
    to: number,
  ): number {
    const entry = onlyEntry(arena, HeaderName.Traceparent);
    if (entry < 0) return 0;
    hideEntry(arena, entry);
    const { bytes } = arena.memory;
    let end = writeHex(bytes, to + arena.writeAscii(to, LINE), context.traceId);
    bytes[end++] = DASH;
    end = writeHex(bytes, end, spanId);
    flags[0] = context.flags;
    bytes[end++] = DASH;
    end = writeHex(bytes, end, flags);
    return end + arena.writeAscii(end, "\r\n") - to;
  },
};
