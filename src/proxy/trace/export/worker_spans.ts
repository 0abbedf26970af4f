/**
 * A worker's spans on their way to the main loop, which exports them. One message is under way at a time; what comes
 * meanwhile waits, as much as the exporter lets wait.
 */
import type { Value } from "../../telemetry/telemetry.ts";
import type { SpanBatch } from "./messages.ts";
import type { Span, SpanSink } from "../span.ts";
import { QUEUE } from "./span_queue.ts";

/** Spans in one message: a slice of work for either side. */
const SPANS_PER_MESSAGE = 16;

export class WorkerSpans implements SpanSink {
  readonly #waiting: Span[] = [];
  #isScheduled = false;
  #isUnderWay = false;

  constructor(
    private readonly send: (message: SpanBatch) => void,
    private readonly defer: (callback: () => void) => void,
    private readonly dropped: Value,
  ) {}

  take(span: Span): void {
    if (this.#waiting.length >= QUEUE) {
      this.dropped.value++;
      return;
    }
    this.#waiting.push(span);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isUnderWay || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    this.defer(() => {
      this.#isScheduled = false;
      this.#tell();
    });
  }

  #tell(): void {
    if (this.#waiting.length === 0) return;
    this.#isUnderWay = true;
    this.send({ kind: "spans", spans: this.#waiting.splice(0, SPANS_PER_MESSAGE) });
  }

  /** The main loop has taken the last message. */
  taken(): void {
    this.#isUnderWay = false;
    this.#schedule();
  }

  /** Sends what there is: the loop is about to end. */
  end(): void {
    while (this.#waiting.length > 0) this.#tell();
  }
}
