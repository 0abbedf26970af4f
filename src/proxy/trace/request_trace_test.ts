import { deepEqual, equal } from "node:assert/strict";
import { readRequest } from "../testing/head.ts";
import { Arena } from "../worker/arena.ts";
import { RequestTrace } from "./request_trace.ts";
import { MAX_TEXT } from "./request_attributes.ts";
import type { Span } from "./span.ts";
import { SpanIds } from "./span_ids.ts";
import { Tracing } from "./tracer.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736", PARENT = "00f067aa0ba902b7";
const SAMPLED = `traceparent: 00-${TRACE}-${PARENT}-01`, UNSAMPLED = `traceparent: 00-${TRACE}-${PARENT}-00`;
const arena = Arena.create();

/** Ids count up from 1; a microsecond passes with each look at the clock. */
function traced(): { trace: RequestTrace; tracing: Tracing; spans: Span[]; told: () => string[] } {
  const spans: Span[] = [];
  let next = 0, now = 1_000_000;
  const ids = new SpanIds((bytes) => {
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < bytes.length; at += 8) view.setBigUint64(at, BigInt(++next));
  });
  const tracing = new Tracing({ take: (span) => spans.push(span) }, ids, () => now++);
  const short = (id: Uint8Array) => id.toHex().replace(/^0+(?=[1-9]$)/, "");
  const told = () =>
    spans.map((span) =>
      `${span.kind} ${short(span.spanId)} of ${short(span.parentId)} ${span.status}` +
      (span.error === undefined ? "" : ` ${span.error}`)
    );
  return { trace: new RequestTrace(arena), tracing, spans, told };
}

function textOf(trace: RequestTrace): string {
  return arena.readAscii(arena.scratchAt, trace.replace(arena.scratchAt));
}

Deno.test("the client's span is part of the server's, which is part of the span that the request came from", () => {
  const { trace, tracing, spans, told } = traced();
  equal(trace.begin(tracing.inbound, readRequest(arena, { headers: [SAMPLED] }), false), true);
  trace.sent();
  equal(textOf(trace), `traceparent: 00-${TRACE}-0000000000000002-01\r\n`);
  trace.answered(200);
  trace.responded(200);
  trace.attemptEnded(200, -1);
  trace.ended(200, -1, undefined);
  deepEqual(told(), ["client 2 of 1 200", `server 1 of ${PARENT} 200`]);
  for (const span of spans) {
    equal(span.traceId.toHex(), TRACE);
    equal(span.direction, "inbound");
    equal(span.name, "/");
  }
  deepEqual(spans.map(({ startMicros, endMicros }) => [startMicros, endMicros]), [
    [1_000_001, 1_000_002],
    [1_000_000, 1_000_003],
  ]);
});

Deno.test("each attempt is a span of its own, and goes on as itself", () => {
  const { trace, tracing, told } = traced();
  trace.begin(tracing.outbound, readRequest(arena, { headers: [SAMPLED] }), false);
  trace.sent();
  trace.attemptFailed("connect-failed");
  trace.sent();
  trace.answered(503);
  trace.attemptEnded(503, -1);
  trace.attemptLeft();
  trace.sent();
  readRequest(arena, { headers: [SAMPLED] });
  equal(textOf(trace), `traceparent: 00-${TRACE}-0000000000000004-01\r\n`);
  trace.answered(200);
  trace.attemptEnded(200, 14);
  trace.ended(200, 14, undefined);
  deepEqual(told(), [
    "client 2 of 1 0 connect-failed",
    "client 3 of 1 503 503",
    "client 4 of 1 200 grpc 14",
    `server 1 of ${PARENT} 200 grpc 14`,
  ]);
});

Deno.test("what was never sent is no attempt", () => {
  const { trace, tracing, told } = traced();
  trace.begin(tracing.outbound, readRequest(arena, { headers: [SAMPLED] }), true);
  trace.sent();
  trace.notSent();
  trace.sent();
  trace.attemptEnded(404, -1);
  trace.ended(404, -1, undefined);
  deepEqual(told(), ["client 3 of 1 404", `server 1 of ${PARENT} 404`]);
});

Deno.test("a trace that nobody records goes on from new spans, and nothing is told", () => {
  const { trace, tracing, told } = traced();
  equal(trace.begin(tracing.inbound, readRequest(arena, { headers: [UNSAMPLED] }), false), true);
  trace.sent();
  equal(textOf(trace), `traceparent: 00-${TRACE}-0000000000000002-00\r\n`);
  trace.attemptEnded(200, -1);
  trace.ended(200, -1, undefined);
  deepEqual(told(), []);
});

Deno.test("a request without a well-formed context belongs to no trace", () => {
  const { trace, tracing, told } = traced();
  for (const headers of [[], ["traceparent: nonsense"], ["x-b3-traceid: 1"]]) {
    equal(trace.begin(tracing.inbound, readRequest(arena, { headers }), false), false);
    trace.sent();
    equal(textOf(trace), "");
    trace.ended(200, -1, undefined);
  }
  deepEqual(told(), []);
});

Deno.test("W3C's context counts before gRPC's, and that before B3's; the others go on as they came", () => {
  const b3 = [`x-b3-traceid: ${PARENT}`, `x-b3-spanid: ${PARENT}`, "x-b3-sampled: 1"];
  const { trace, tracing, spans } = traced();
  for (const headers of [[...b3, SAMPLED], [...b3, "traceparent: nonsense"]]) {
    trace.begin(tracing.inbound, readRequest(arena, { headers }), false);
    trace.sent();
    trace.ended(200, -1, undefined);
  }
  const ids = spans.filter(({ kind }) => kind === "server").map(({ traceId }) => traceId.toHex());
  deepEqual(ids, [TRACE, `${"0".repeat(16)}${PARENT}`]);
});

Deno.test("a response that breaks off, and a client that leaves, fail the server's span", () => {
  const { trace, tracing, told } = traced();
  const begin = () => {
    trace.begin(tracing.inbound, readRequest(arena, { headers: [SAMPLED] }), false);
    trace.sent();
  };
  begin();
  trace.answered(200);
  trace.attemptFailed("upstream-reset");
  trace.ended(200, -1, "INTERNAL_ERROR");
  begin();
  trace.ended(499, -1, "CANCEL");
  deepEqual(told(), [
    "client 2 of 1 200 upstream-reset",
    `server 1 of ${PARENT} 200 INTERNAL_ERROR`,
    "client 4 of 3 0 cancelled",
    `server 3 of ${PARENT} 499 CANCEL`,
  ]);
});

Deno.test("spans end where a tunnel begins", () => {
  for (const [status, isConnect] of [[101, false], [200, true]] as const) {
    const { trace, tracing, told } = traced();
    trace.begin(tracing.inbound, readRequest(arena, { headers: [SAMPLED] }), isConnect);
    trace.sent();
    trace.answered(status);
    trace.responded(status);
    equal(told().length, 2, "both are over");
    trace.attemptFailed("upstream-reset");
    trace.ended(status, -1, "CANCEL");
    deepEqual(told(), [`client 2 of 1 ${status}`, `server 1 of ${PARENT} ${status}`]);
  }
});

function attributesOf(request: Parameters<typeof readRequest>[1]): Record<string, string | number> {
  const { trace, tracing, spans } = traced();
  trace.begin(
    tracing.inbound,
    readRequest(arena, { ...request, headers: [...request.headers ?? [], SAMPLED] }),
    false,
  );
  trace.ended(200, -1, undefined);
  return Object.fromEntries(spans[0]!.attributes);
}

Deno.test("attributes have OpenTelemetry's names", () => {
  const headers = ["user-agent: curl/8", "content-type: text/plain", "content-length: 0"];
  deepEqual(attributesOf({ method: "PUT", target: "/cart/7?a=b&c", host: "web.shop:8080", headers }), {
    "http.request.method": "PUT",
    "url.scheme": "http",
    "url.path": "/cart/7",
    "url.query": "a=b&c",
    "url.full": "http://web.shop:8080/cart/7?a=b&c",
    "network.transport": "tcp",
    "server.address": "web.shop",
    "server.port": 8080,
    "user_agent.original": "curl/8",
    "http.request.header.content-length": "0",
    "http.request.header.content-type": "text/plain",
  });
  const bare = attributesOf({ target: "https://[fd00::1]" });
  deepEqual([bare["url.path"], bare["url.full"], bare["server.address"], bare["server.port"]], [
    "/",
    "https://[fd00::1]/",
    "fd00::1",
    443,
  ]);
});

Deno.test("signatures in a query are not told", () => {
  const told = attributesOf({
    target: "/a?sig=secret&b=sig%3D1&X-Goog-Signature=secret&AWSAccessKeyId=secret",
  });
  equal(told["url.query"], "sig=REDACTED&b=sig%3D1&X-Goog-Signature=REDACTED&AWSAccessKeyId=REDACTED");
  equal(JSON.stringify(told).includes("secret"), false);
});

Deno.test("however long a request's texts are, what is told of it is not", () => {
  const long = "x".repeat(8000);
  const told = attributesOf({ target: `/${long}?${long}`, headers: [`user-agent: ${long}`] });
  equal(String(told["url.path"]).length, MAX_TEXT);
  equal(String(told["user_agent.original"]).length, MAX_TEXT);
  equal(JSON.stringify(told).length < 6 * MAX_TEXT, true);
});
