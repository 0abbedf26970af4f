/** Two runs of header lines as one, to be added to a head. */
import type { Arena } from "../../worker/arena.ts";

/** @returns where both stand now, the second behind the first: in the arena's texts, for the head at hand */
export function joinLines(
  arena: Arena,
  at: number,
  length: number,
  nextAt: number,
  nextLength: number,
): number {
  const { wasm, textAt } = arena;
  wasm.copyBytes(textAt, at, length);
  wasm.copyBytes(textAt + length, nextAt, nextLength);
  return textAt;
}
