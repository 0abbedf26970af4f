/** The fields of a head that carry a trace, in the loop's record. */
import { Head, HeaderEntry, HeaderFlag, HeaderName } from "../../../wasm/http1.ts";
import type { Arena } from "../../worker/arena.ts";

const bit = (id: number) => 1 << (id & 31);
/** What tells that there may be a context, by the word of `Head.Present` that its name's bit is in. */
const FIRST_NAMES = bit(HeaderName.Traceparent);
const SECOND_NAMES = bit(HeaderName.GrpcTraceBin) | bit(HeaderName.B3TraceId);

/** Whether the head in the record may carry a trace. */
export function mayCarryTrace(arena: Arena): boolean {
  const { words } = arena.memory, present = (arena.recordAt >> 2) + Head.Present;
  return ((words[present]! & FIRST_NAMES) | (words[present + 1]! & SECOND_NAMES)) !== 0;
}

/**
 * The first word of the only entry with this `HeaderName` that goes on to the next hop; -1 when there is none, and when
 * there are several: what they say together is nobody's to guess.
 */
export function onlyEntry(arena: Arena, id: number): number {
  const { words } = arena.memory, record = arena.recordAt >> 2;
  if ((words[record + Head.Present + (id >> 5)]! >> (id & 31) & 1) === 0) return -1;
  const end = record + Head.Headers + words[record + Head.HeaderCount]! * HeaderEntry.Words;
  let found = -1;
  for (let entry = record + Head.Headers; entry < end; entry += HeaderEntry.Words) {
    if (words[entry + HeaderEntry.Id] !== id) continue;
    if (found >= 0) return -1;
    if ((words[entry + HeaderEntry.Flags]! & HeaderFlag.HopByHop) === 0) found = entry;
  }
  return found;
}

/** Keeps a field from going on: another line takes its place. */
export function hideEntry(arena: Arena, entry: number): void {
  arena.memory.words[entry + HeaderEntry.Flags]! |= HeaderFlag.HopByHop;
}

/** The length of an entry's value. */
export function valueLength(arena: Arena, entry: number): number {
  return arena.memory.words[entry + HeaderEntry.ValueLength]!;
}

/** Where an entry's value stands. @param at what the record's offsets are relative to */
export function valueAt(arena: Arena, at: number, entry: number): number {
  return at + arena.memory.words[entry + HeaderEntry.ValueOffset]!;
}
