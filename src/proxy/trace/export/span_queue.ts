/** What waits for an exporter that has no time: so much in each loop, and how what is too much is counted. */
import type { Telemetry, Value } from "../../telemetry/telemetry.ts";

/** Spans that wait. */
export const QUEUE = 100;

export function droppedSpans(telemetry: Telemetry): Value {
  return telemetry.counter(
    "opentelemetry_spans_dropped_total",
    "Spans that were not exported: too many waited, or the collector did not take them",
  );
}
