import { deepEqual, equal, ok } from "node:assert/strict";
import { ExportTraceServiceRequest, ExportTraceServiceResponse } from "../../../../proto/gen/otlp_trace.ts";
import { GrpcCode, GrpcError } from "../../control/grpc.ts";
import { Telemetry } from "../../telemetry/telemetry.ts";
import { Arena } from "../../worker/arena.ts";
import { BATCH, INTERVAL_MS, SpanExporter } from "./exporter.ts";
import type { Span } from "../span.ts";
import { QUEUE } from "./span_queue.ts";

const arena = Arena.create();
const ALL_TAKEN = ExportTraceServiceResponse.encode({ partialSuccess: undefined }).finish();

function spanOf(number: number, more: Partial<Span> = {}): Span {
  return {
    traceId: new Uint8Array(16).fill(1),
    spanId: new Uint8Array(8).fill(2),
    parentId: new Uint8Array(8).fill(3),
    name: `/${number}`,
    kind: "server",
    direction: "inbound",
    startMicros: 1_700_000_000_000_001,
    endMicros: 1_700_000_000_000_501,
    attributes: [["http.request.method", "GET"], ["server.port", 80]],
    status: 200,
    error: undefined,
    ...more,
  };
}

/** An exporter in fake time, and a collector that answers when the test says. */
class Rig {
  nowMs = 0;
  readonly #due: { at: number; callback: (() => void) | undefined }[] = [];
  readonly telemetry = new Telemetry(arena);
  readonly logs: string[] = [];
  readonly calls: {
    readonly atMs: number;
    readonly timeoutMs: number;
    readonly request: ExportTraceServiceRequest;
    readonly done: (answer: Uint8Array) => void;
    readonly failed: (error: Error) => void;
  }[] = [];
  readonly exporter = new SpanExporter({
    channel: {
      unary: (path, bytes, timeoutMs) =>
        new Promise((done, failed) => {
          equal(path, "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
          const request = ExportTraceServiceRequest.decode(bytes);
          this.calls.push({ atMs: this.nowMs, timeoutMs, request, done, failed });
        }),
    },
    loop: {
      after: (delayMs, callback) => {
        const entry: { at: number; callback: (() => void) | undefined } = {
          at: this.nowMs + delayMs,
          callback,
        };
        this.#due.push(entry);
        return () => entry.callback = undefined;
      },
      slices: { begun: () => Promise.resolve(), isOver: true },
    },
    telemetry: this.telemetry,
    log: { info: (text) => this.logs.push(text), warn: (text) => this.logs.push(text) },
    backoff: { minMs: 100, maxMs: 1000, jitter: 0 },
    resource: [["service.name", "web"], ["process.pid", 7]],
  });

  take(count: number): void {
    for (let i = 0; i < count; i++) this.exporter.take(spanOf(i));
  }

  /** What promises do until nothing is left but to wait. */
  async settle(): Promise<void> {
    await new Promise((done) => setTimeout(done, 0));
  }

  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    for (const entry of this.#due.filter(({ at }) => at <= this.nowMs)) {
      const { callback } = entry;
      entry.callback = undefined;
      callback?.();
    }
    await this.settle();
  }

  async fail(code: number): Promise<void> {
    this.calls.at(-1)!.failed(new GrpcError({ code, message: "as the test wants" }));
    await this.settle();
  }

  async answer(bytes: Uint8Array = ALL_TAKEN): Promise<void> {
    this.calls.at(-1)!.done(bytes);
    await this.settle();
  }

  get counts(): { exported: number; dropped: number; requests: number; streams: number } {
    const value = (name: string) => this.telemetry.value(name);
    return {
      exported: value("opentelemetry_span_exports"),
      dropped: value("opentelemetry_spans_dropped_total"),
      requests: value("opentelemetry_span_export_requests"),
      streams: value("opentelemetry_span_export_streams"),
    };
  }
}

function namesOf({ resourceSpans }: ExportTraceServiceRequest): string[] {
  return resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map(({ name }) => name))
  );
}

Deno.test("what there is after ten seconds is one batch", async () => {
  const rig = new Rig();
  rig.take(2);
  await rig.pass(INTERVAL_MS - 1);
  equal(rig.calls.length, 0);
  rig.take(1);
  await rig.pass(1);
  equal(rig.calls.length, 1);
  deepEqual(namesOf(rig.calls[0]!.request), ["/0", "/1", "/0"]);
  await rig.answer();
  deepEqual(rig.counts, { exported: 3, dropped: 0, requests: 1, streams: 1 });
  await rig.pass(10 * INTERVAL_MS);
  equal(rig.calls.length, 1, "without spans nobody is asked");
});

Deno.test("a span is told of with OTLP's fields", async () => {
  const rig = new Rig();
  rig.exporter.take(spanOf(0));
  rig.exporter.take(spanOf(1, { kind: "client", direction: "outbound", status: 0, error: "connect-failed" }));
  await rig.pass(INTERVAL_MS);
  const [{ resource, scopeSpans } = {}] = rig.calls[0]!.request.resourceSpans;
  const plain = (
    attributes: readonly { key: string; value?: { value?: { value: unknown } | undefined } | undefined }[],
  ) => attributes.map(({ key, value }) => [key, value?.value?.value]);
  deepEqual(plain(resource!.attributes), [["service.name", "web"], ["process.pid", 7n]]);
  equal(scopeSpans!.length, 1);
  const [server, client] = scopeSpans![0]!.spans;
  deepEqual(plain(server!.attributes), [
    ["http.request.method", "GET"],
    ["server.port", 80n],
    ["http.response.status_code", 200n],
    ["direction", "inbound"],
  ]);
  deepEqual(
    [server!.kind, server!.startTimeUnixNano, server!.endTimeUnixNano, server!.status, server!.flags],
    [2, 1_700_000_000_000_001_000n, 1_700_000_000_000_501_000n, undefined, 0x301],
  );
  equal(new Uint8Array(server!.parentSpanId).toHex(), "03".repeat(8));
  deepEqual([client!.kind, client!.flags], [3, 0x101]);
  deepEqual(client!.status, { code: 2, message: "connect-failed" });
  deepEqual(plain(client!.attributes).at(-1), ["direction", "outbound"]);
});

Deno.test("a full batch goes at once", async () => {
  const rig = new Rig();
  rig.take(BATCH);
  await rig.settle();
  equal(namesOf(rig.calls[0]!.request).length, BATCH);
});

Deno.test("while a batch is offered, as many wait as the queue holds; the rest is dropped and counted", async () => {
  const rig = new Rig();
  rig.take(BATCH);
  await rig.settle();
  rig.take(QUEUE + 5);
  equal(rig.counts.dropped, 5);
  await rig.answer();
  rig.take(1);
  await rig.pass(INTERVAL_MS);
  equal(rig.calls.length, 2);
  equal(namesOf(rig.calls[1]!.request).length, QUEUE + 1);
  await rig.answer();
  deepEqual(rig.counts, { exported: BATCH + QUEUE + 1, dropped: 5, requests: 2, streams: 1 });
});

Deno.test("what came while a batch was put together waits, and the queue's length more", async () => {
  const rig = new Rig();
  rig.take(BATCH + 300);
  await rig.settle();
  rig.take(QUEUE + 5);
  equal(rig.counts.dropped, 5);
  await rig.answer();
  rig.take(BATCH - QUEUE - 300);
  await rig.settle();
  equal(namesOf(rig.calls[1]!.request).length, BATCH, "a full one");
  const bounded = new Rig();
  bounded.take(3 * BATCH);
  await bounded.settle();
  equal(bounded.counts.dropped, BATCH);
  await bounded.answer();
  equal(bounded.calls.length, 2, "the next is full, and goes at once");
});

Deno.test("while the collector is away the same batch is offered with ever longer waits, and said once", async () => {
  const rig = new Rig();
  rig.take(1);
  await rig.pass(INTERVAL_MS);
  for (const waitMs of [100, 200, 400, 800, 1000, 1000]) {
    const { length } = rig.calls;
    await rig.fail(GrpcCode.UNAVAILABLE);
    await rig.pass(waitMs - 1);
    equal(rig.calls.length, length);
    await rig.pass(1);
    equal(rig.calls.length, length + 1);
  }
  rig.take(QUEUE + 1);
  await rig.answer();
  await rig.pass(INTERVAL_MS);
  await rig.answer();
  deepEqual(rig.counts, { exported: 1 + QUEUE, dropped: 1, requests: 8, streams: 7 });
  deepEqual(rig.logs, ["spans cannot be exported", "spans are exported again"]);
});

Deno.test("what a collector will never take is dropped, and the next batch waits a while", async () => {
  const rig = new Rig();
  rig.take(3);
  await rig.pass(INTERVAL_MS);
  await rig.fail(GrpcCode.UNIMPLEMENTED);
  equal(rig.counts.dropped, 3);
  rig.take(1);
  await rig.pass(100);
  equal(rig.calls.length, 1);
  await rig.pass(INTERVAL_MS);
  equal(rig.calls.length, 2);
  await rig.answer();
  equal(rig.counts.exported, 1);
});

Deno.test("spans of a batch that the collector refuses count as dropped", async () => {
  const rig = new Rig();
  const refusing = (rejectedSpans: bigint) =>
    ExportTraceServiceResponse.encode({ partialSuccess: { rejectedSpans, errorMessage: "no" } }).finish();
  rig.take(5);
  await rig.pass(INTERVAL_MS);
  await rig.answer(refusing(2n));
  deepEqual([rig.counts.exported, rig.counts.dropped], [3, 2]);
  rig.take(1);
  await rig.pass(INTERVAL_MS);
  await rig.answer(refusing(1_000_000n));
  deepEqual([rig.counts.exported, rig.counts.dropped], [3, 3]);
  rig.take(1);
  await rig.pass(INTERVAL_MS);
  await rig.answer(Uint8Array.of(255));
  deepEqual([rig.counts.exported, rig.counts.dropped], [3, 4], "an answer that is none");
});

Deno.test("a batch of many bytes is sent in parts, each of which a collector takes", async () => {
  const rig = new Rig(), long = "x".repeat(1024);
  const attributes = Array.from({ length: 6 }, (_, i) => [`text${i}`, long] as const);
  for (let i = 0; i < BATCH; i++) rig.exporter.take(spanOf(i, { attributes }));
  await rig.settle();
  const names: string[] = [];
  for (let i = 0; i < 4; i++) {
    const { request } = rig.calls[i]!;
    names.push(...namesOf(request));
    ok(ExportTraceServiceRequest.encode(request).finish().length < 4 << 20);
    await rig.answer();
    if (names.length === BATCH) break;
  }
  deepEqual(names, Array.from({ length: BATCH }, (_, i) => `/${i}`));
  ok(rig.counts.requests > 1);
});

Deno.test("what waits goes before the end, which does not wait for a collector that is away", async () => {
  const rig = new Rig();
  equal(await rig.exporter.end(), undefined, "nothing waits");
  const late = new Rig();
  let isOver = false;
  late.take(1);
  late.exporter.end().then(() => isOver = true);
  await late.settle();
  equal(late.calls[0]!.timeoutMs, 3000);
  late.take(1);
  await late.answer();
  equal(isOver, false);
  await late.answer();
  equal(isOver, true);
  equal(late.counts.exported, 2);
  const away = new Rig();
  let isGivenUp = false;
  away.take(1);
  await away.pass(INTERVAL_MS);
  await away.fail(GrpcCode.UNAVAILABLE);
  away.take(1);
  away.exporter.end().then(() => isGivenUp = true);
  await away.settle();
  await away.fail(GrpcCode.UNAVAILABLE);
  await away.fail(GrpcCode.UNAVAILABLE);
  equal(isGivenUp, true);
  equal(away.nowMs, INTERVAL_MS, "without a wait");
  equal(away.counts.dropped, 2);
});
