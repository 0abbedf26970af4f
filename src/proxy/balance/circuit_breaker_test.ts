import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import type { FailureAccrual } from "./balancing.ts";
import { CircuitBreaker, type Outcome } from "./circuit_breaker.ts";
import { SuccessWindow } from "./success_window.ts";

const SECOND = 1_000_000;
const CONSECUTIVE: FailureAccrual = {
  maxConsecutive: 3,
  successRate: undefined,
  backoff: { minMs: 1000, maxMs: 8000, jitter: 0 },
};
const UNIFIED: FailureAccrual = {
  ...CONSECUTIVE,
  maxConsecutive: 0,
  successRate: { threshold: 0.5, windowMs: 10_000, minRequests: 10 },
};

/** One request after the other, each with its outcome. */
function send(breaker: CircuitBreaker, now: number, ...outcomes: Outcome[]): void {
  for (const outcome of outcomes) breaker.record(breaker.admit(), outcome, now);
}

Deno.test("so many failures in a row shut it, and a success between starts the count anew", () => {
  const breaker = new CircuitBreaker(CONSECUTIVE);
  send(breaker, SECOND, "failure", "failure", "success", "failure", "failure");
  equal(breaker.isPassing(SECOND), true);
  send(breaker, SECOND, "failure");
  equal(breaker.isPassing(SECOND), false);
});

Deno.test("after its wait exactly one request may try it", () => {
  const breaker = new CircuitBreaker(CONSECUTIVE);
  send(breaker, SECOND, "failure", "failure", "failure");
  equal(breaker.isPassing(2 * SECOND - 1), false);
  equal(breaker.isPassing(2 * SECOND), true);
  const probe = breaker.admit();
  equal(breaker.isPassing(2 * SECOND), false);
  equal(breaker.isPassing(100 * SECOND), false, "however long it takes");
  breaker.record(probe, "success", 3 * SECOND);
  equal(breaker.isPassing(3 * SECOND), true);
  breaker.admit();
  equal(breaker.isPassing(3 * SECOND), true, "and everybody may again");
});

Deno.test("each probe that fails doubles the wait, as far as the longest; a success makes it the first again", () => {
  const breaker = new CircuitBreaker(CONSECUTIVE), waits: number[] = [];
  let now = SECOND;
  send(breaker, now, "failure", "failure", "failure");
  for (let i = 0; i < 6; i++) {
    const shutAt = now;
    while (!breaker.isPassing(now)) now += 1000;
    waits.push((now - shutAt) / SECOND);
    send(breaker, now, "failure");
  }
  deepEqual(waits, [1, 2, 4, 8, 8, 8]);
  send(breaker, now += 8 * SECOND, "success", "failure", "failure", "failure");
  equal(breaker.isPassing(now + SECOND - 1), false);
  equal(breaker.isPassing(now + SECOND), true);
});

Deno.test("a wait is jittered, and never longer than the longest", () => {
  for (const [random, wait] of [[0, 1000], [0.5, 1250], [0.999, 1499.5]] as const) {
    const breaker = new CircuitBreaker(
      { ...CONSECUTIVE, backoff: { minMs: 1000, maxMs: 1600, jitter: 0.5 } },
      () => random,
    );
    send(breaker, SECOND, "failure", "failure", "failure");
    equal(breaker.isPassing(SECOND + wait * 1000 - 1), false);
    equal(breaker.isPassing(SECOND + wait * 1000), true);
    send(breaker, SECOND + wait * 1000, "failure");
    ok(breaker.isPassing(SECOND + (wait + 1600) * 1000));
  }
});

Deno.test("a probe whose client goes away lets another try", () => {
  const breaker = new CircuitBreaker(CONSECUTIVE);
  send(breaker, SECOND, "failure", "failure", "failure");
  breaker.leave(breaker.admit());
  equal(breaker.isPassing(2 * SECOND), true);
});

Deno.test("answers to requests from before the change decide nothing", () => {
  const breaker = new CircuitBreaker(CONSECUTIVE);
  const early = [breaker.admit(), breaker.admit(), breaker.admit(), breaker.admit()];
  send(breaker, SECOND, "failure", "failure", "failure");
  breaker.record(early[0]!, "success", SECOND);
  equal(breaker.isPassing(SECOND), false, "a late success does not open it");
  const probe = breaker.admit();
  breaker.leave(early[1]!);
  equal(breaker.isPassing(2 * SECOND), false, "nor does a late goodbye end the probe");
  breaker.record(probe, "success", 2 * SECOND);
  for (const late of early) breaker.record(late, "failure", 2 * SECOND);
  equal(breaker.isPassing(2 * SECOND), true, "nor do late failures shut it");
});

Deno.test("overload is a success where only failures in a row count", () => {
  const breaker = new CircuitBreaker(CONSECUTIVE);
  send(breaker, SECOND, "failure", "failure", "overload", "failure", "failure");
  equal(breaker.isPassing(SECOND), true);
});

Deno.test("by the success rate it is shut once enough responses say so", () => {
  const breaker = new CircuitBreaker(UNIFIED);
  send(breaker, SECOND, ...Array<Outcome>(4).fill("success"), ...Array<Outcome>(5).fill("failure"));
  equal(breaker.isPassing(SECOND), true, "9 responses are too few to judge by");
  send(breaker, SECOND, "failure");
  equal(breaker.isPassing(SECOND), false);
});

Deno.test("failures that have left the window do not count", () => {
  const breaker = new CircuitBreaker(UNIFIED);
  send(breaker, SECOND, ...Array<Outcome>(9).fill("failure"));
  send(breaker, 12 * SECOND, "failure", ...Array<Outcome>(9).fill("success"), "failure");
  equal(breaker.isPassing(12 * SECOND), true);
});

Deno.test("overload lowers the success rate and fails a probe, and is not counted in a row", () => {
  const breaker = new CircuitBreaker({ ...UNIFIED, maxConsecutive: 2 });
  send(breaker, SECOND, "overload", "overload", "overload", "failure");
  equal(breaker.isPassing(SECOND), true);
  send(breaker, SECOND, ...Array<Outcome>(6).fill("overload"));
  equal(breaker.isPassing(SECOND), false);
  send(breaker, 2 * SECOND, "overload");
  equal(breaker.isPassing(2 * SECOND), false);
  send(breaker, 4 * SECOND, "success");
  equal(breaker.isPassing(4 * SECOND), true);
});

Deno.test("the window counts what a list of all records would, to a bucket", () => {
  const step = fc.record({ isSuccess: fc.boolean(), afterMs: fc.nat(400) });
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const window = new SuccessWindow(1000), all: { isSuccess: boolean; bucket: number }[] = [];
    let now = 5 * SECOND;
    for (const { isSuccess, afterMs } of steps) {
      now += afterMs * 1000;
      const bucket = Math.floor(now / 100_000);
      all.push({ isSuccess, bucket });
      window.record(isSuccess, now);
      const within = all.filter((one) => one.bucket > bucket - 10);
      equal(window.total, within.length);
      equal(window.successRate, within.filter((one) => one.isSuccess).length / within.length);
    }
  }));
});
