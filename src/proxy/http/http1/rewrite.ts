/** A head written anew where it stands: its end stays, so that the body behind it goes out in the same write. */
import { Head } from "../../../wasm/http1.ts";
import type { Arena } from "../../worker/arena.ts";
import type { DropMask } from "./pipeline.ts";

/**
 * Drops hop-by-hop lines and those of `drops`, adds `extraLength` bytes of header lines from `extraAt`.
 *
 * @param skip bytes before the start line
 * @param alsoDrop0 further ids to drop, of the first 32 (Host, when it is written anew)
 * @returns the new head's length; it ends where the old one at `at` ended
 */
export function rewriteInPlace(
  arena: Arena,
  at: number,
  skip: number,
  drops: DropMask,
  alsoDrop0: number,
  extraAt: number,
  extraLength: number,
): number {
  const { wasm, recordAt, scratchAt, memory } = arena;
  const written = wasm.rewriteHead(
    recordAt,
    at,
    scratchAt,
    skip,
    drops[0] | alsoDrop0,
    drops[1],
    drops[2],
    extraAt,
    extraLength,
  );
  const end = at + memory.words[(recordAt >> 2) + Head.Length]!;
  memory.bytes.copyWithin(end - written, scratchAt, scratchAt + written);
  return written;
}
