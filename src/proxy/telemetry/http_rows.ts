/**
 * The rows of HTTP requests and responses by their labels: of endpoints, and of ServiceProfiles' routes.
 * Source: request_total, response_total, response_latency_ms and route_* of proxy.md §13.
 */
import { Histogram } from "../../wasm/histogram.ts";
import type { Arena } from "../worker/arena.ts";
import { family, join } from "./family.ts";
import { HistogramCounts } from "./histogram_counts.ts";
import { type HttpSeries, isFailure, type ResponseCount } from "./http_series.ts";
import type { Row } from "./rows.ts";

/** Upper bounds of response_latency_ms, in milliseconds. */
const LATENCY_BOUNDS: readonly number[] = [1, 2, 3, 4, 5].concat(
  [10, 20, 30, 40, 50],
  [100, 200, 300, 400, 500],
  [1000, 2000, 3000, 4000, 5000],
  [10_000, 20_000, 30_000, 40_000, 50_000],
);

const LATENCIES = new HistogramCounts(LATENCY_BOUNDS.map((bound) => bound * 1000));

/** Responses of one kind, and how many there were. */
type Responses = Pick<ResponseCount, "status" | "error" | "grpcStatus" | "count"> & {
  /** Where a ServiceProfile says so, it counts more than `Told.isFailure`. */
  readonly isFailed?: boolean | undefined;
};

export interface Told {
  readonly labels: string;
  readonly requests: number;
  readonly responses: readonly Responses[];
  readonly isFailure: (status: number, error: string | undefined, grpcStatus: number) => boolean;
}

/** A series with how long its responses took. */
export interface TimedTold extends Told {
  readonly responses: readonly ResponseCount[];
}

export function told({ labels, requests, responses }: HttpSeries): TimedTold {
  return { labels, requests, responses, isFailure };
}

/** Kinds of responses whose labels are the same are one. */
function* responseRows({ labels, responses, isFailure }: Told): Generator<Row> {
  const counts = new Map<string, number>();
  for (const { status, error, grpcStatus, isFailed, count } of responses) {
    const classification = isFailed ?? isFailure(status, error, grpcStatus) ? "failure" : "success";
    const more = `status_code="${status}",classification="${classification}"` +
      (grpcStatus < 0 ? "" : `,grpc_status="${grpcStatus}"`) +
      (error === undefined ? "" : `,error="${error.endsWith("-timeout") ? "timeout" : error}"`);
    counts.set(more, (counts.get(more) ?? 0) + count);
  }
  for (const [more, count] of counts) yield { kind: "value", labels: join(labels, more), value: count };
}

/** How many requests and responses there were. @param prefix of the families' names */
export function* countRows(prefix: string, all: readonly Told[]): Generator<Row> {
  yield family(`${prefix}request_total`, "counter", "Total count of HTTP requests.");
  for (const { labels, requests } of all) yield { kind: "value", labels, value: requests };
  yield family(`${prefix}response_total`, "counter", "Total count of HTTP responses.");
  for (const one of all) yield* responseRows(one);
}

/** The same, and how long they took. */
export function* httpRows(
  prefix: string,
  all: readonly TimedTold[],
  arena: Arena,
): Generator<Row> {
  const { doubles } = arena.memory;
  yield* countRows(prefix, all);
  yield family(
    `${prefix}response_latency_ms`,
    "histogram",
    "Elapsed times between a request's headers being received and its response stream completing",
    LATENCY_BOUNDS,
  );
  for (const { labels, responses } of all) {
    const told = new Set<number>();
    for (const { status, histogram } of responses) {
      if (histogram === 0 || told.has(histogram)) continue;
      told.add(histogram);
      const at = histogram >> 3;
      yield {
        kind: "histogram",
        labels: join(labels, `status_code="${status}"`),
        below: LATENCIES.read(histogram, arena),
        count: doubles[at + (Histogram.Count >> 1)]!,
        sum: doubles[at + (Histogram.Sum >> 1)]! / 1000,
      };
    }
  }
}
