import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { Deadline } from "./deadline.ts";
import { Loop } from "./loop.ts";

const LANES = Array.from({ length: 15 }, (_, i) => 4 ** i);

function loopAt(now: number): Loop {
  const loop = new Loop((fault) => {
    throw fault;
  });
  loop.now = now;
  return loop;
}

/** Lets time pass in steps of a millisecond, as the loop's timers see it. */
function pass(loop: Loop, ms: number): void {
  for (let i = 0; i < ms; i++) {
    loop.now += 1000;
    for (const lane of LANES) loop.lane(lane).expire(loop.now);
  }
}

Deno.test("a deadline passes in its millisecond, whatever its duration", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 3000, noNaN: true }), (durationMs) => {
      const loop = loopAt(7_000), passed: number[] = [];
      const deadline = new Deadline(loop, () => passed.push(loop.now));
      deadline.set(durationMs);
      pass(loop, 3005);
      equal(passed.length, 1);
      const late = passed[0]! - 7_000 - Math.max(1, durationMs) * 1000;
      ok(late >= 0 && late < 1000, `${late} µs late`);
      equal(deadline.isSet, false);
    }),
    { numRuns: 50 },
  );
});

Deno.test("a deadline that was cleared or set anew does not pass at its old time", () => {
  const loop = loopAt(1000), told: string[] = [];
  const cleared = new Deadline(loop, () => told.push("cleared")),
    moved = new Deadline(loop, () => told.push("moved"));
  cleared.set(20);
  moved.set(20);
  pass(loop, 18);
  cleared.clear();
  moved.set(10);
  pass(loop, 8);
  deepEqual(told, []);
  pass(loop, 3);
  deepEqual(told, ["moved"]);
});

Deno.test("no duration makes a lane of its own", () => {
  const loop = loopAt(1000), asked = new Set<number>(), lane = loop.lane.bind(loop);
  loop.lane = (durationMs) => {
    asked.add(durationMs);
    return lane(durationMs);
  };
  for (let ms = 1; ms < 1e7; ms = ms * 1.1 + 1) new Deadline(loop, () => {}).set(ms);
  new Deadline(loop, () => {}).set(Infinity);
  ok([...asked].every((ms) => LANES.includes(ms)), [...asked].join());
});
