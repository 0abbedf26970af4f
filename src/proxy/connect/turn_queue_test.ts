import { deepEqual, equal } from "node:assert/strict";
import { Loop } from "../worker/loop.ts";
import { type ConnectWaiter, TurnQueue } from "./turn_queue.ts";

Deno.test("whoever leaves the queue, from whichever place, the others keep their order", () => {
  const loop = new Loop((fault) => {
    throw fault;
  });
  loop.now = 1;
  let room = 0;
  const told: number[] = [], queue = new TurnQueue(loop, 1000, 1000, () => room > 0);
  const waiters = Array.from({ length: 6 }, (_, i): ConnectWaiter => ({
    onTurn() {
      room--;
      told.push(i);
    },
    onTooLate: () => void told.push(-7 - i),
  }));
  for (const waiter of waiters) equal(queue.wait(waiter), undefined);
  for (const i of [0, 3, 5, 3]) queue.leave(waiters[i]!);
  equal(queue.wait(waiters[0]!), undefined); // behind the others now
  room = 3;
  loop.now += 5000;
  loop.lane(5).expire(loop.now);
  deepEqual(told, [1, 2, 4]);
  loop.now += 1_001_000;
  loop.lane(1000).expire(loop.now);
  deepEqual(told, [1, 2, 4, -7]);
  equal(queue.isTurn, true);
});
