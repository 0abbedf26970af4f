/**
 * Requests for an endpoint that is to be asked under another name: a gateway of another cluster.
 * Source: proxy.md §5 (authority override).
 */
import { Head } from "../../wasm/http1.ts";
import type { Arena } from "../worker/arena.ts";

/** In the arena's texts, behind those of the request at hand. */
const PLACE = 7168;

/** Makes the request in the record (offsets from `at`) one for `authority`, unless that is empty. */
export function overrideAuthority(arena: Arena, at: number, authority: string): void {
  if (authority === "") return;
  const { words } = arena.memory, record = arena.recordAt >> 2, place = arena.textAt + PLACE;
  words[record + Head.AuthorityLength] = arena.writeAscii(place, authority);
  words[record + Head.AuthorityOffset] = place - at;
}
