/** Questions to the head record of a loop (src/wasm/http1.ts), answered without making strings. */
import { Head, HeaderEntry, HeaderName } from "../../wasm/http1.ts";
import type { Arena } from "../worker/arena.ts";

/** Whether the head in the record has a header with this `HeaderName`. */
export function hasHeader(arena: Arena, id: number): boolean {
  const present = arena.memory.words[(arena.recordAt >> 2) + Head.Present + (id >> 5)]!;
  return (present >> (id & 31) & 1) !== 0;
}

/** What a proxy says to the one that asked it (l5d-proxy-error, l5d-proxy-connection). */
const PEER_WORDS = 1 << (HeaderName.L5dProxyError & 31) | 1 << (HeaderName.L5dProxyConnection & 31);

/** Whether the head in the record has words of a peer proxy's. */
export function hasPeerWords(arena: Arena): boolean {
  return (arena.memory.words[(arena.recordAt >> 2) + Head.Present + 2]! & PEER_WORDS) !== 0;
}

/** The first word of the entry with this `HeaderName`; -1 when there is none. */
export function headerEntry(arena: Arena, id: number): number {
  if (!hasHeader(arena, id)) return -1;
  const { words } = arena.memory, record = arena.recordAt >> 2, count = words[record + Head.HeaderCount]!;
  let entry = record + Head.Headers;
  for (let i = 0; i < count; i++, entry += HeaderEntry.Words) {
    if (words[entry + HeaderEntry.Id] === id) return entry;
  }
  return -1;
}

/** The value of a header as text, "" when there is none. @param at what the record's offsets are relative to */
export function headerText(arena: Arena, at: number, id: number): string {
  const entry = headerEntry(arena, id);
  if (entry < 0) return "";
  const { words } = arena.memory;
  return arena.readAscii(
    at + words[entry + HeaderEntry.ValueOffset]!,
    words[entry + HeaderEntry.ValueLength]!,
  );
}
