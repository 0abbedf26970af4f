import { deepEqual, equal } from "node:assert/strict";
import { disarm, TimerHeap, TimerLane, timerOf } from "./timers.ts";

Deno.test("timers of a lane fire in the order they were armed, each once", () => {
  const lane = new TimerLane(10), fired: string[] = [];
  const a = timerOf(() => fired.push("a")), b = timerOf(() => fired.push("b"));
  lane.arm(a, 0);
  lane.arm(b, 1000);
  equal(lane.nextDeadline(), 10_000);
  lane.expire(9_999);
  deepEqual(fired, []);
  lane.expire(10_500);
  deepEqual(fired, ["a"]);
  lane.expire(20_000);
  lane.expire(90_000);
  deepEqual(fired, ["a", "b"]);
  equal(lane.nextDeadline(), Infinity);
});

Deno.test("a timer armed again waits its full time from then, and a disarmed one never fires", () => {
  const lane = new TimerLane(10);
  let fired = 0;
  const a = timerOf(() => fired++), b = timerOf(() => fired++);
  lane.arm(a, 0);
  lane.arm(b, 0);
  lane.arm(a, 5_000);
  disarm(b);
  disarm(b);
  lane.expire(14_999);
  equal(fired, 0);
  lane.expire(15_000);
  equal(fired, 1);
});

Deno.test("a timer may arm itself again while it fires without firing twice in one turn", () => {
  const lane = new TimerLane(10);
  let fired = 0;
  const again = timerOf(() => {
    fired++;
    lane.arm(again, 10_000);
  });
  lane.arm(again, 0);
  lane.expire(10_000);
  equal(fired, 1);
  equal(lane.nextDeadline(), 20_000);
});

Deno.test("the heap fires in order of deadline whatever the order of arming, and skips what was cancelled", () => {
  const heap = new TimerHeap(), fired: number[] = [], cancels: (() => void)[] = [];
  let seed = 7;
  const deadlines = Array.from({ length: 200 }, () => (seed = (seed * 16807) % 2147483647) % 1000);
  for (const deadline of deadlines) cancels.push(heap.add(deadline, () => fired.push(deadline)));
  for (let i = 0; i < 200; i += 3) cancels[i]!();
  heap.expire(2000);
  deepEqual(fired, deadlines.filter((_, i) => i % 3 !== 0).sort((a, b) => a - b));
  equal(heap.nextDeadline(), Infinity);
});
