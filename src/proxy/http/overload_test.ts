import { equal, ok } from "node:assert/strict";
import { Method, Outcome } from "../../wasm/http1.ts";
import { Arena } from "../worker/arena.ts";
import { penaltyMicros } from "./overload.ts";

const PENALTY = { ms: 5000, maxRetryAfterMs: 300_000 };
const arena = Arena.create();

/** What a response counts as, in milliseconds; -1: as it was. */
function penaltyOf(status: number, headers: Record<string, string> = {}, grpcStatus = -1): number {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const at = arena.receiveAt, end = at + arena.writeAscii(at, `HTTP/1.1 ${status} x\r\n${lines}\r\n`);
  ok(arena.wasm.parseResponseHead(at, end, arena.recordAt, 0, 8192, 64, Method.Get) > Outcome.Bad);
  const micros = penaltyMicros(PENALTY, arena, at, status, grpcStatus);
  return micros < 0 ? -1 : micros / 1000;
}

Deno.test("answers that tell of overload count as the penalty, others as they were", () => {
  for (const status of [429, 500, 503, 504, 599]) equal(penaltyOf(status), 5000, `${status}`);
  for (const status of [200, 304, 404, 418]) equal(penaltyOf(status), -1, `${status}`);
  for (const code of [2, 4, 8, 13, 14, 15]) equal(penaltyOf(200, {}, code), 5000, `gRPC ${code}`);
  for (const code of [0, 1, 3, 5, 7, 16, 99]) equal(penaltyOf(200, {}, code), -1, `gRPC ${code}`);
});

Deno.test("a server that says when to come again is avoided as long, if that is longer, up to the most", () => {
  equal(penaltyOf(503, { "retry-after": "20" }), 20_000);
  equal(penaltyOf(429, { "Retry-After": "1" }), 5000);
  equal(penaltyOf(429, { "retry-after": "86400" }), 300_000);
  equal(penaltyOf(500, { "retry-after": "20" }), 5000, "only 429 and 503 may say so");
  equal(penaltyOf(503, { "retry-after": "soon" }), 5000);
  equal(penaltyOf(503, { "retry-after": new Date(Date.now() + 3_600_000).toUTCString() }), 300_000);
  equal(penaltyOf(503, { "retry-after": "Mon, 01 Jan 2024 00:00:00 GMT" }), 5000);
});

Deno.test("a gRPC server says so in its own header", () => {
  equal(penaltyOf(200, { "grpc-retry-pushback-ms": "20000" }, 8), 20_000);
  equal(penaltyOf(200, { "GRPC-Retry-Pushback-Ms": "20000" }, 14), 20_000);
  equal(penaltyOf(200, { "grpc-retry-pushback-ms": "-1" }, 8), 5000);
  equal(penaltyOf(200, { "grpc-retry-pushback-ms": "999999999" }, 8), 300_000);
  equal(penaltyOf(200, { "retry-after": "20" }, 8), 5000);
});
