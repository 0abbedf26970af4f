import { deepEqual, equal, match } from "node:assert/strict";
import { Outcome } from "../../wasm/http1.ts";
import { Arena } from "../worker/arena.ts";
import { Loop } from "../worker/loop.ts";
import { AccessLog } from "./access_log.ts";

const NOON = Date.UTC(2026, 0, 2, 12), CLIENT = "client.shop.serviceaccount.identity.linkerd.cluster.local";
const REQUEST = "POST /cart?id=1 HTTP/1.1\r\nhost: web\r\ncontent-length: 7\r\nuser-agent: curl\r\n" +
  "x-request-id: fallback\r\nx-b3-traceid: abc\r\n\r\n";

/** The lines that one answered request makes. */
function linesOf(format: "apache" | "json", identity: string | undefined): string[] {
  const loop = new Loop((error) => {
    throw error;
  });
  const arena = Arena.create(), lines: string[] = [], at = arena.receiveAt;
  const log = new AccessLog(loop, arena, format, (text) => lines.push(text), () => NOON);
  const end = at + arena.writeAscii(at, REQUEST);
  equal(arena.wasm.parseRequestHead(at, end, arena.recordAt, 0, 8192, 8192, 64) > Outcome.Bad, true);
  const request = log.begin(at, 11, "10.42.0.9:4711", identity);
  log.end(request, { status: 201, responseBytes: "5", processingMicros: 1500, totalMicros: 2500 });
  log.end(request, { status: 499, responseBytes: "", processingMicros: 1, totalMicros: 1 });
  equal(lines.length, 0, "nothing is written within the turn");
  loop.turn(0);
  equal(lines.length, 1, "a turn's lines are one write");
  return lines.join("").split("\n");
}

Deno.test("a request is logged in Apache's common form", () => {
  const [line, second, rest] = linesOf("apache", undefined);
  equal(line, '10.42.0.9:4711 - - [2026-01-02T12:00:00.000Z] "POST /cart?id=1 HTTP/1.1" 201 5');
  match(second!, / 499 $/);
  equal(rest, "");
});

Deno.test("a request is logged as JSON with Linkerd's keys", () => {
  deepEqual(JSON.parse(linesOf("json", CLIENT)[0]!), {
    "client.addr": "10.42.0.9:4711",
    "client.id": CLIENT,
    host: "web",
    method: "POST",
    processing_ns: 1_500_000,
    request_bytes: "7",
    response_bytes: "5",
    status: 201,
    timestamp: "2026-01-02T12:00:00.000Z",
    total_ns: 2_500_000,
    trace_id: "abc",
    uri: "/cart?id=1",
    user_agent: "curl",
    version: "HTTP/1.1",
  });
});
