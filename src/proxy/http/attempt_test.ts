import { deepEqual } from "node:assert/strict";
import { Method } from "../../wasm/http1.ts";
import type { CircuitBreaker, Outcome } from "../balance/circuit_breaker.ts";
import type { Endpoint } from "../connect/endpoint.ts";
import { Arena } from "../worker/arena.ts";
import type { Loop } from "../worker/loop.ts";
import { Attempt } from "./attempt.ts";
import type { Exchange } from "./exchange.ts";

const arena = Arena.create(), NO_EXCHANGE = {} as Exchange;

/** An attempt at an endpoint that writes down what it learns; times are milliseconds. */
function attemptAt(penaltyMs?: number): {
  attempt: Attempt;
  learnt: string[];
  at(ms: number): void;
  head(status: number, hasContent: boolean, grpcStatus?: number): void;
} {
  const clock = { now: 0, micros: () => clock.now }, learnt: string[] = [];
  const breaker = {
    admit: () => 1,
    record: (_admission: number, outcome: Outcome) => learnt.push(outcome),
    leave: () => learnt.push("left"),
  } as unknown as CircuitBreaker;
  const endpoint = {
    breaker,
    penalty: penaltyMs === undefined ? undefined : { ms: penaltyMs, maxRetryAfterMs: penaltyMs },
    measured: (micros: number) => learnt.push(`${micros / 1000} ms`),
    acquire: () => ({ endpoint }),
  } as unknown as Endpoint;
  const attempt = new Attempt(clock as unknown as Loop, arena);
  attempt.acquire(NO_EXCHANGE, endpoint, false);
  attempt.sent(undefined);
  const head = (status: number, hasContent: boolean, grpcStatus = -1) => {
    const start = arena.receiveAt, end = start + arena.writeAscii(start, `HTTP/1.1 ${status} x\r\n\r\n`);
    arena.wasm.parseResponseHead(start, end, arena.recordAt, 0, 8192, 64, Method.Get);
    attempt.answered(start, status, grpcStatus, hasContent);
  };
  return { attempt, learnt, head, at: (ms) => clock.now = ms * 1000 };
}

Deno.test("latency is until the response's first content, and is told once", () => {
  const { attempt, learnt, at, head } = attemptAt();
  at(5);
  head(200, false);
  at(40);
  attempt.moved();
  at(900);
  attempt.moved();
  attempt.ended(200, -1);
  deepEqual(learnt, ["40 ms", "success"]);
});

Deno.test("content that comes with the head, or the end of a response without any, counts too", () => {
  const withHead = attemptAt();
  withHead.at(7);
  withHead.head(200, true);
  deepEqual(withHead.learnt, ["7 ms"]);
  const without = attemptAt();
  without.head(200, false);
  without.at(30);
  without.attempt.ended(200, 0);
  deepEqual(without.learnt, ["30 ms", "success"]);
});

Deno.test("an answer of overload counts as the penalty, where the backend asks for that", () => {
  const plain = attemptAt();
  plain.at(1);
  plain.head(503, true);
  plain.attempt.ended(503, -1);
  deepEqual(plain.learnt, ["1 ms", "failure"]);
  const punished = attemptAt(5000);
  punished.at(1);
  punished.head(429, true);
  punished.attempt.ended(429, -1);
  deepEqual(punished.learnt, ["5000 ms", "overload"]);
});

Deno.test("a call is judged by its status, wherever that came", () => {
  const outcomes = [[0, "success"], [5, "success"], [8, "overload"], [-1, "success"], [14, "failure"], [
    4,
    "failure",
  ]] as const;
  for (const [code, outcome] of outcomes) {
    const { attempt, learnt, head } = attemptAt();
    head(200, true);
    attempt.ended(200, code);
    deepEqual(learnt, ["0 ms", outcome], `${code}`);
  }
});

Deno.test("what an endpoint did not do is not held against it", () => {
  const failed = (...codes: Parameters<Attempt["failed"]>[0][]) => {
    const { attempt, learnt } = attemptAt();
    for (const code of codes) attempt.failed(code);
    attempt.end();
    attempt.end();
    return learnt;
  };
  deepEqual(failed("upstream-reset", "bad-response"), ["failure"]);
  deepEqual(failed("response-timeout"), ["failure"]);
  deepEqual(failed("connect-failed"), ["left"]);
  deepEqual(failed("call-timeout"), ["left"]);
  deepEqual(failed(), ["left"]);
});
