import { equal, ok } from "node:assert/strict";
import { trimStack } from "./stack.ts";

/** Goes deep, and tells the sum of what it left on each level: a stack that was damaged on the way adds up wrong. */
function descend(levels: number, value: number): number {
  const here = value + levels;
  return levels === 0 ? here : here + descend(levels - 1, value) - value;
}

/** KiB in memory of the mapping that `address` lies in. */
function resident(address: bigint): number {
  let isInside = false;
  for (const line of Deno.readTextFileSync("/proc/self/smaps").split("\n")) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line) ?? [];
    if (to !== undefined) isInside = BigInt(`0x${from}`) <= address && address < BigInt(`0x${to}`);
    const size = /^Rss:\s+(\d+) kB/.exec(line)?.[1];
    if (isInside && size !== undefined) return Number(size);
  }
  throw new Error("no mapping has this address");
}

Deno.test("the stack that a deep call took is given back, and the next deep call finds a sound one", () => {
  const depth = 4000, expected = descend(depth, 7), end = trimStack();
  ok(end > 0n);
  equal(descend(depth, 7), expected);
  const before = resident(end);
  trimStack();
  const after = resident(end);
  ok(before - after > 128, `${before} KiB before, ${after} KiB after`);
  equal(descend(depth, 7), expected);
});
