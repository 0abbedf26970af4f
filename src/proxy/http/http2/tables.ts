/** The two HPACK tables that a connection needs, from the loop's arena. */
import type { Arena } from "../../worker/arena.ts";

/** @returns undefined when there is no room for another connection */
export function takeTables(arena: Arena): [number, number] | undefined {
  const first = arena.takeTable(), second = arena.takeTable();
  if (second !== 0) return [first, second];
  if (first !== 0) arena.giveTable(first);
  return undefined;
}
