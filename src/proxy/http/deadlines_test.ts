import { deepEqual } from "node:assert/strict";
import { Loop } from "../worker/loop.ts";
import { NO_LIMITS, type RequestLimits } from "../route/request_limits.ts";
import { Deadlines } from "./deadlines.ts";

const LANES = Array.from({ length: 8 }, (_, i) => 4 ** i);

/** What an exchange with `limits` is told, and when, as the test lets time pass. */
function deadlinesOf(limits: Partial<RequestLimits>, callMs = -1, passedMs = 0): {
  deadlines: Deadlines;
  told: string[];
  pass(ms: number): void;
} {
  const loop = new Loop((fault) => {
    throw fault;
  });
  loop.now = 1_000_000;
  const told: string[] = [], at = () => Math.round(loop.now / 1000 - 1000);
  const deadlines = new Deadlines(
    loop,
    ({ code }) => told.push(`${at()} ${code}`),
    ({ code }) => told.push(`${at()} ${code}`),
  );
  deadlines.begin({ ...NO_LIMITS, ...limits }, callMs, passedMs);
  const pass = (ms: number) => {
    for (let i = 0; i < ms; i++) {
      loop.now += 1000;
      for (const lane of LANES) loop.lane(lane).expire(loop.now);
    }
  };
  return { deadlines, told, pass };
}

Deno.test("the request's limit runs from its beginning, whatever goes on", () => {
  const { deadlines, told, pass } = deadlinesOf({ requestMs: 100 });
  deadlines.attempt();
  pass(50);
  deadlines.sent(0);
  deadlines.answered();
  pass(49);
  deepEqual(told, []);
  pass(1);
  deepEqual(told, ["100 request-timeout"]);
});

Deno.test("what has passed before the limit was known counts", () => {
  const { told, pass } = deadlinesOf({ requestMs: 100 }, -1, 40);
  pass(60);
  deepEqual(told, ["60 request-timeout"]);
});

Deno.test("of the route's and the client's limit the nearer counts, and says whose it is", () => {
  for (
    const [requestMs, callMs, expected] of [
      [100, 30, "30 call-timeout"],
      [30, 100, "30 request-timeout"],
      [0, 30, "30 call-timeout"],
      [0, 0, "1 call-timeout"],
    ] as const
  ) {
    const { told, pass } = deadlinesOf({ requestMs }, callMs);
    pass(200);
    deepEqual(told, [expected]);
  }
});

Deno.test("the response's limit runs from the request's last byte", () => {
  const { deadlines, told, pass } = deadlinesOf({ responseMs: 100 });
  deadlines.attempt();
  pass(500);
  deadlines.sent(0);
  pass(50);
  deadlines.answered();
  pass(50);
  deepEqual(told, ["600 response-timeout"]);
});

Deno.test("the response's limit runs from its head, if that is earlier", () => {
  const { deadlines, told, pass } = deadlinesOf({ responseMs: 100 });
  deadlines.attempt();
  pass(500);
  deadlines.answered();
  pass(50);
  deadlines.sent(0);
  pass(50);
  deepEqual(told, ["600 response-timeout"]);
});

Deno.test("an attempt's limit is until its head, and each attempt has its own", () => {
  const { deadlines, told, pass } = deadlinesOf({ responseMs: 100 });
  deadlines.attempt();
  deadlines.sent(30);
  pass(30);
  deepEqual(told, ["30 attempt-timeout"]);
  deadlines.leave();
  pass(200);
  deadlines.attempt();
  deadlines.sent(30);
  pass(20);
  deadlines.answered();
  pass(80);
  deepEqual(told, ["30 attempt-timeout", "330 response-timeout"]);
});

Deno.test("idle is a stream on which nothing moves while something might", () => {
  const { deadlines, told, pass } = deadlinesOf({ idleMs: 30 });
  deadlines.attempt();
  for (let i = 0; i < 5; i++) {
    pass(25);
    deadlines.moved();
  }
  deadlines.sent(0);
  pass(500); // the application thinks
  deadlines.answered();
  pass(29);
  deadlines.moved();
  pass(29);
  deepEqual(told, []);
  pass(2);
  deepEqual(told, ["684 idle-timeout"]);
});

Deno.test("nothing is told of an exchange that is over", () => {
  const { deadlines, told, pass } = deadlinesOf({ requestMs: 50, responseMs: 50, idleMs: 50 });
  deadlines.attempt();
  deadlines.sent(50);
  deadlines.answered();
  deadlines.end();
  pass(500);
  deepEqual(told, []);
});
