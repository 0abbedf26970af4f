/**
 * Hands spans to a collector over OTLP/gRPC, in batches: of BATCH spans, or of what there is after INTERVAL_MS. One
 * batch is under way at a time; while the collector is slow or away, it is offered again with ever longer waits between,
 * and QUEUE spans more wait behind it. What finds no room is dropped and counted: no request ever waits for a collector.
 * Source: proxy.md §13 (opentelemetry_*), §15; OTLP, "Failures" (which of them may be tried again).
 */
import { ExportTraceServiceResponse } from "../../../../proto/gen/otlp_trace.ts";
import type { Backoff } from "../../config/environment.ts";
import { backoffDelay } from "../../control/backoff.ts";
import { type GrpcChannel, GrpcCode, GrpcError } from "../../control/grpc.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Telemetry, Value } from "../../telemetry/telemetry.ts";
import type { Loop } from "../../worker/loop.ts";
import type { Slices } from "../../worker/slices.ts";
import { ExportRequest } from "./export_request.ts";
import type { Attribute, Span, SpanSink } from "../span.ts";
import { droppedSpans, QUEUE } from "./span_queue.ts";

const EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
export const BATCH = 1000, INTERVAL_MS = 10_000;
/** A batch of more bytes is sent in parts: collectors take 4 MiB, unless they are told otherwise. */
const MAX_REQUEST_BYTES = 2 << 20;
const TIMEOUT_MS = 10_000, LAST_TIMEOUT_MS = 3000;

const ABORTED = 10, OUT_OF_RANGE = 11, DATA_LOSS = 15;
/** After these the same spans are offered again. */
const PASSING: readonly number[] = [
  GrpcCode.CANCELLED,
  GrpcCode.DEADLINE_EXCEEDED,
  ABORTED,
  OUT_OF_RANGE,
  GrpcCode.UNAVAILABLE,
  DATA_LOSS,
];

export interface ExporterOptions {
  readonly channel: Pick<GrpcChannel, "unary">;
  readonly loop: Pick<Loop, "after"> & { readonly slices: Pick<Slices, "begun" | "isOver"> };
  readonly telemetry: Telemetry;
  readonly log: Pick<Log, "info" | "warn">;
  readonly backoff: Backoff;
  readonly resource: readonly Attribute[];
}

export class SpanExporter implements SpanSink {
  #waiting: Span[] = [];
  /** As many may wait. */
  #room = BATCH;
  #isUnderWay = false;
  /** Nothing is waited for any more: what there is goes, or is lost. */
  #isEnding = false;
  #isFailing = false;
  #cancelTimer: (() => void) | undefined;
  /** Ends the wait for the next attempt. */
  #wake: (() => void) | undefined;
  #onIdle: (() => void)[] = [];
  readonly #streams: Value;
  readonly #requests: Value;
  readonly #exported: Value;
  readonly #dropped: Value;

  constructor(private readonly options: ExporterOptions) {
    const { telemetry } = options;
    this.#streams = telemetry.counter(
      "opentelemetry_span_export_streams",
      "Times that exporting of spans began, at first and after each failure",
    );
    this.#requests = telemetry.counter("opentelemetry_span_export_requests", "Batches of spans sent");
    this.#exported = telemetry.counter("opentelemetry_span_exports", "Spans that the collector took");
    this.#dropped = droppedSpans(telemetry);
  }

  take(span: Span): void {
    const waiting = this.#waiting;
    if (waiting.length >= this.#room) {
      this.#dropped.value++;
      return;
    }
    waiting.push(span);
    if (this.#isUnderWay) return;
    if (waiting.length === BATCH || this.#isEnding) this.#begin();
    else this.#cancelTimer ??= this.options.loop.after(INTERVAL_MS, () => this.#begin());
  }

  #begin(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const batch = this.#waiting;
    this.#waiting = [];
    this.#isUnderWay = true;
    this.#export(batch).catch((error) => this.#lose(batch.length, error)).finally(() => this.#ended());
  }

  #ended(): void {
    this.#isUnderWay = false;
    this.#room = BATCH;
    if (this.#waiting.length === 0) {
      for (const tell of this.#onIdle.splice(0)) tell();
    } else if (this.#isEnding || this.#waiting.length === BATCH) this.#begin();
    else this.#cancelTimer = this.options.loop.after(INTERVAL_MS, () => this.#begin());
  }

  /** As many of the spans from `from` on as one request may have. */
  async #encode(batch: readonly Span[], from: number): Promise<ExportRequest> {
    const { loop: { slices }, resource } = this.options, request = new ExportRequest(resource);
    await slices.begun();
    for (let i = from; i < batch.length && request.size < MAX_REQUEST_BYTES; i++) {
      request.add(batch[i]!);
      if (slices.isOver) await slices.begun();
    }
    return request;
  }

  async #export(batch: readonly Span[]): Promise<void> {
    for (let from = 0; from < batch.length;) {
      const request = await this.#encode(batch, from);
      await this.#send(request.finish(), request.count);
      from += request.count;
    }
  }

  /** Sends one request of `count` spans until it is taken, or there is no point. */
  async #send(request: Uint8Array, count: number): Promise<void> {
    const { channel, backoff } = this.options;
    this.#room = Math.min(BATCH, this.#waiting.length + QUEUE);
    for (let attempt = 1;; attempt++) {
      const isLast = this.#isEnding;
      if (this.#isFailing || this.#requests.value === 0) this.#streams.value++;
      this.#requests.value++;
      try {
        const answer = await channel.unary(EXPORT, request, isLast ? LAST_TIMEOUT_MS : TIMEOUT_MS);
        return this.#taken(count, answer);
      } catch (error) {
        const isPassing = error instanceof GrpcError && PASSING.includes(error.status.code);
        if (isLast || !isPassing) this.#lose(count, error);
        else this.#failed(error);
        if (!this.#isEnding) await this.#pause(backoffDelay(backoff, attempt));
        if (isLast || !isPassing) return;
      }
    }
  }

  #taken(count: number, answer: Uint8Array): void {
    const { partialSuccess } = ExportTraceServiceResponse.decode(answer);
    const rejected = Math.min(count, Math.max(0, Number(partialSuccess?.rejectedSpans ?? 0n)));
    this.#exported.value += count - rejected;
    this.#dropped.value += rejected;
    if (this.#isFailing) this.options.log.info("spans are exported again");
    this.#isFailing = false;
    if (rejected === 0) return;
    this.options.log.warn("the collector refused spans", {
      count: rejected,
      error: partialSuccess?.errorMessage,
    });
  }

  /** Says once that it does not go well. */
  #failed(error: unknown): void {
    if (!this.#isFailing) {
      this.options.log.warn("spans cannot be exported", {
        error: error instanceof Error ? error.message : error,
      });
    }
    this.#isFailing = true;
  }

  #lose(count: number, error: unknown): void {
    this.#dropped.value += count;
    this.#failed(error);
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((done) => {
      const cancel = this.options.loop.after(delayMs, done);
      this.#wake = () => {
        cancel();
        done();
      };
    });
  }

  /** Sends what there is, each batch once more at most; resolves when nothing waits. */
  end(): Promise<void> {
    this.#isEnding = true;
    this.#wake?.();
    const isIdle = !this.#isUnderWay && this.#waiting.length === 0;
    if (!this.#isUnderWay && !isIdle) this.#begin();
    return isIdle ? Promise.resolve() : new Promise((done) => this.#onIdle.push(done));
  }
}
