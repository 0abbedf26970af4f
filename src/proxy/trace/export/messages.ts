/** What the main loop and a worker say to each other of traces. */
import type { Span } from "../span.ts";

export interface SpanBatch {
  readonly kind: "spans";
  readonly spans: readonly Span[];
}

/** The last batch has been taken. */
export interface SpansTaken {
  readonly kind: "spans-taken";
}
