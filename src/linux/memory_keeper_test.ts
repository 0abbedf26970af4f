import { deepEqual } from "node:assert/strict";
import { MemoryKeeper } from "./memory_keeper.ts";

/** Ticks once for each count of turns in a second. @returns what was done, by the second */
function run(turnsPerSecond: readonly number[]): string[] {
  const done: string[] = [];
  let second = 0, turns = 0;
  const keeper = new MemoryKeeper({
    collect: () => done.push(`${second} collect`),
    trim: () => done.push(`${second} trim`),
  });
  for (const count of turnsPerSecond) keeper.tick(turns += (second++, count));
  return done;
}

const seconds = (count: number, turns: number) => Array.from({ length: count }, () => turns);

Deno.test("what start-up left behind is given back in the first idle second", () => {
  deepEqual(run([3, 2, 1]), ["1 collect", "1 trim"]);
});

Deno.test("a burst is followed by one collection, and idleness by none", () => {
  deepEqual(run([1, ...seconds(4, 5000), ...seconds(60, 2)]), [
    "1 collect",
    "1 trim",
    "11 collect",
    "11 trim",
  ]);
});

Deno.test("under load nothing is collected, and free pages are given back now and then", () => {
  deepEqual(run(seconds(13, 5000)), ["5 trim", "10 trim"]);
});
