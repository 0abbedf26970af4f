/** How requests are traced in one loop; there is none while no collector is configured. */
import { realtimeMicros } from "../../linux/clock.ts";
import { SpanIds } from "./span_ids.ts";
import type { Direction, SpanSink } from "./span.ts";

/** The way of a request through the proxy. */
export interface Tracer {
  readonly sink: SpanSink;
  readonly ids: SpanIds;
  /** Microseconds since the Unix epoch. */
  readonly now: () => number;
  /** Of the span of the request as it came. */
  readonly server: Direction;
  /** Of the spans of its attempts. */
  readonly client: Direction;
}

export class Tracing {
  readonly inbound: Tracer;
  readonly outbound: Tracer;
  /** What comes in and goes out again, to another workload. */
  readonly gateway: Tracer;

  constructor(sink: SpanSink, ids: SpanIds = new SpanIds(), now: () => number = realtimeMicros) {
    this.inbound = { sink, ids, now, server: "inbound", client: "inbound" };
    this.outbound = { sink, ids, now, server: "outbound", client: "outbound" };
    this.gateway = { sink, ids, now, server: "inbound", client: "outbound" };
  }
}
