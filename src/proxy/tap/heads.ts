/** Heads in a loop's record, as a tap tells them. Read only while a tap runs: strings are made here. */
import type { Headers } from "../../../proto/gen/http_types.ts";
import { Head, HeaderEntry } from "../../wasm/http1.ts";
import type { Arena } from "../worker/arena.ts";

/** Bytes of names and values of one head that are told; what is beyond is left out. */
const MAX_HEADER_BYTES = 16_384;

/** What a request's head says of where it goes. */
export interface TapTarget {
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
}

function span(arena: Arena, at: number, offset: Head, length: Head): string {
  const { words } = arena.memory, record = arena.recordAt >> 2;
  return arena.readAscii(at + words[record + offset]!, words[record + length]!);
}

/** Reads the request whose head stands in the record (offsets from `at`). */
export function targetOf(arena: Arena, at: number): TapTarget {
  const hasScheme = arena.memory.words[(arena.recordAt >> 2) + Head.SchemeLength]! > 0;
  return {
    method: span(arena, at, Head.MethodOffset, Head.MethodLength),
    scheme: hasScheme ? span(arena, at, Head.SchemeOffset, Head.SchemeLength) : "http",
    authority: span(arena, at, Head.AuthorityOffset, Head.AuthorityLength),
    path: span(arena, at, Head.PathOffset, Head.PathOnlyLength),
  };
}

/** The pseudo headers of the request in the record, its query included. */
export function requestPseudoHeaders(arena: Arena, at: number, target: TapTarget): [string, string][] {
  const path = span(arena, at, Head.PathOffset, Head.PathLength);
  return [
    [":method", target.method],
    [":scheme", target.scheme],
    [":authority", target.authority],
    [":path", path],
  ];
}

/** The fields of the head or trailers in the record, after `pseudo`. */
export function headersOf(arena: Arena, at: number, pseudo: readonly [string, string][]): Headers {
  const { words, bytes } = arena.memory,
    record = arena.recordAt >> 2,
    count = words[record + Head.HeaderCount]!;
  const headers = pseudo.map(([name, value]) => ({ name, value: new TextEncoder().encode(value) }));
  let size = 0;
  for (let i = 0, entry = record + Head.Headers; i < count; i++, entry += HeaderEntry.Words) {
    const nameLength = words[entry + HeaderEntry.NameLength]!,
      length = words[entry + HeaderEntry.ValueLength]!;
    if ((size += nameLength + length) > MAX_HEADER_BYTES) break;
    const valueAt = at + words[entry + HeaderEntry.ValueOffset]!;
    headers.push({
      name: arena.readAscii(at + words[entry + HeaderEntry.NameOffset]!, nameLength).toLowerCase(),
      value: bytes.slice(valueAt, valueAt + length),
    });
  }
  return { headers };
}
