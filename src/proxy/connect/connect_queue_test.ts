import { deepEqual, equal, ok } from "node:assert/strict";
import { Loop } from "../worker/loop.ts";
import { ConnectQueue } from "./connect_queue.ts";
import { type ConnectWaiter, TurnQueue } from "./turn_queue.ts";

/** A queue whose time is the test's, and whoever waits in it. */
function queueOf(
  capacity = 100,
): {
  queue: ConnectQueue;
  loop: Loop;
  told: string[];
  idle: { count: number };
  waiter(name: string): ConnectWaiter;
} {
  const loop = new Loop((fault) => {
    throw fault;
  });
  loop.now = 1;
  const idle = { count: 0 }, told: string[] = [];
  const queue = new ConnectQueue(loop, capacity, 1000, () => idle.count > 0);
  const waiter = (name: string): ConnectWaiter => ({
    onTurn() {
      const kind = idle.count > 0 ? (idle.count--, "idle") : queue.spend() ? "new" : "none";
      told.push(`${name} ${kind}`);
    },
    onTooLate: () => void told.push(`${name} late`),
  });
  return { queue, loop, told, idle, waiter };
}

/** The loop's clock is `ms` further, as its timers see it. */
function elapse(loop: Loop, lane: number, ms: number): void {
  loop.now += ms * 1000;
  loop.lane(lane).expire(loop.now);
}

Deno.test("a hundred connections may be made at once, and more as time passes", () => {
  const { queue, loop } = queueOf();
  let made = 0;
  while (queue.spend()) made++;
  equal(made, 100);
  loop.now += 10_000;
  while (queue.spend()) made++;
  equal(made, 150);
});

Deno.test("those that wait come in their order, as connections may be made again", () => {
  const { queue, loop, told, waiter } = queueOf();
  while (queue.spend());
  for (let i = 0; i < 30; i++) equal(queue.wait(waiter(String(i))), undefined);
  equal(queue.isTurn, false);
  elapse(loop, 5, 5);
  deepEqual(told, Array.from({ length: 25 }, (_, i) => `${i} new`));
  elapse(loop, 5, 5);
  equal(told.length, 30);
  equal(queue.isTurn, true);
});

Deno.test("one that has become free goes to the first that waits", () => {
  const { queue, loop, told, idle, waiter } = queueOf();
  while (queue.spend());
  queue.wait(waiter("first"));
  queue.wait(waiter("second"));
  idle.count = 1;
  queue.freed();
  loop.turn(0);
  ok(told.includes("first idle"), told.join());
});

Deno.test("who waits too long is told, and who leaves is not", () => {
  const { loop, told, waiter } = queueOf(), queue = new TurnQueue(loop, 100, 1000, () => false);
  const leaving = waiter("leaving");
  queue.wait(waiter("patient"));
  queue.wait(leaving);
  queue.leave(leaving);
  elapse(loop, 1000, 1001);
  deepEqual(told, ["patient late"]);
  elapse(loop, 5, 1);
  deepEqual(told, ["patient late"]);
});

Deno.test("who can be served when its time is over, because the loop was held up, is served", () => {
  const { queue, loop, told, waiter } = queueOf(200);
  while (queue.spend());
  for (let i = 0; i < 101; i++) queue.wait(waiter(String(i)));
  elapse(loop, 1000, 1001); // so late that the queue was not looked at since
  deepEqual(told.slice(-3), ["98 new", "99 new", "100 late"]);
});

Deno.test("no more wait than there is room for", () => {
  const { queue, waiter } = queueOf(2);
  while (queue.spend());
  queue.wait(waiter("1"));
  queue.wait(waiter("2"));
  equal(queue.wait(waiter("3"))?.code, "load-shed");
});
