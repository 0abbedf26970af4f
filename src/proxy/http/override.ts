/**
 * Requests for an endpoint that is to be asked under another name: a gateway of another cluster.
 * Source: proxy.md §5 (authority override), §7 (l5d-dst-canonical).
 */
import { Head, HeaderName } from "../../wasm/http1.ts";
import type { Arena } from "../worker/arena.ts";
import type { DropMask } from "./pipeline.ts";

/** In the arena's texts, behind those of the request at hand. */
const PLACE = 7168;
const CANONICAL = 1 << (HeaderName.L5dDstCanonical & 31);

/** Makes the request in the record (offsets from `at`) one for `authority`. @returns what is dropped of it then */
export function overrideAuthority(arena: Arena, at: number, authority: string, drops: DropMask): DropMask {
  const { words } = arena.memory, record = arena.recordAt >> 2, place = arena.textAt + PLACE;
  words[record + Head.AuthorityLength] = arena.writeAscii(place, authority);
  words[record + Head.AuthorityOffset] = place - at;
  return [drops[0], drops[1], drops[2] | CANONICAL];
}
