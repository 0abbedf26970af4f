/**
 * What a loop has counted, as rows: the head of a family, then its values. One form for the text of /metrics and for
 * adding up several loops, so that a series says once what it tells. Rows are made one at a time: whoever takes them
 * may let the data path have its turn between two.
 * Source: proxy.md §13.
 */
import { Histogram } from "../../wasm/histogram.ts";
import type { Arena } from "../worker/arena.ts";
import { balancerRows } from "./balancer_series.ts";
import { type HttpSeries, isFailure } from "./http_series.ts";
import { routeRows } from "./route_rows.ts";
import type { TcpSeries } from "./tcp_series.ts";
import type { Telemetry } from "./telemetry.ts";

/** How the values of several loops become one. */
export type Merge = "sum" | "maximum";

export interface FamilyRow {
  readonly kind: "family";
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly merge: Merge;
  /** Histograms: the upper bounds of the buckets, ascending, without the last that holds all. */
  readonly bounds?: readonly number[];
}

export interface ValueRow {
  readonly kind: "value";
  readonly labels: string;
  readonly value: number;
}

export interface HistogramRow {
  readonly kind: "histogram";
  readonly labels: string;
  /** How many values were at most each bound. */
  readonly below: readonly number[];
  readonly count: number;
  readonly sum: number;
}

export type Row = FamilyRow | ValueRow | HistogramRow;

/** Upper bounds of response_latency_ms, in milliseconds. */
export const LATENCY_BOUNDS: readonly number[] = [1, 2, 3, 4, 5].concat(
  [10, 20, 30, 40, 50],
  [100, 200, 300, 400, 500],
  [1000, 2000, 3000, 4000, 5000],
  [10_000, 20_000, 30_000, 40_000, 50_000],
);

function join(labels: string, more: string): string {
  return labels === "" ? more : more === "" ? labels : `${labels},${more}`;
}

function family(
  name: string,
  type: FamilyRow["type"],
  help: string,
  bounds?: readonly number[],
): FamilyRow {
  return { kind: "family", name, type, help, merge: "sum", ...(bounds === undefined ? {} : { bounds }) };
}

function value(labels: string, value: number): ValueRow {
  return { kind: "value", labels, value };
}

function* httpResponses(series: Iterable<HttpSeries>): Generator<Row> {
  for (const { labels, responses } of series) {
    for (const { status, error, grpcStatus, count } of responses) {
      const classification = isFailure(status, error, grpcStatus) ? "failure" : "success";
      const more = `status_code="${status}",classification="${classification}"` +
        (grpcStatus < 0 ? "" : `,grpc_status="${grpcStatus}"`) +
        (error === undefined ? "" : `,error="${error.endsWith("-timeout") ? "timeout" : error}"`);
      yield value(join(labels, more), count);
    }
  }
}

function* latencies(series: Iterable<HttpSeries>, { memory, wasm }: Arena): Generator<Row> {
  for (const { labels, responses } of series) {
    const told = new Set<number>();
    for (const { status, histogram } of responses) {
      if (histogram === 0 || told.has(histogram)) continue;
      told.add(histogram);
      const at = histogram >> 3;
      yield {
        kind: "histogram",
        labels: join(labels, `status_code="${status}"`),
        below: LATENCY_BOUNDS.map((bound) => wasm.histogramCountAtMost(histogram, bound * 1000)),
        count: memory.doubles[at + (Histogram.Count >> 1)]!,
        sum: memory.doubles[at + (Histogram.Sum >> 1)]! / 1000,
      };
    }
  }
}

const TCP: readonly (readonly [string, "counter" | "gauge", string, (series: TcpSeries) => number])[] = [
  ["tcp_open_total", "counter", "Total count of opened connections.", (series) => series.opened],
  ["tcp_open_connections", "gauge", "Number of currently-open connections.", (series) => series.open],
  ["tcp_read_bytes_total", "counter", "Total count of bytes read from peers.", (series) => series.readBytes],
  [
    "tcp_write_bytes_total",
    "counter",
    "Total count of bytes written to peers.",
    (series) => series.writtenBytes,
  ],
];

/** Everything one loop has counted, family by family. */
export function* rowsOf(telemetry: Telemetry, arena: Arena): Generator<Row> {
  const http = [...telemetry.http.values()], tcp = [...telemetry.tcp.values()];
  yield family("request_total", "counter", "Total count of HTTP requests.");
  for (const { labels, requests } of http) yield value(labels, requests);
  yield family("response_total", "counter", "Total count of HTTP responses.");
  yield* httpResponses(http);
  yield family(
    "response_latency_ms",
    "histogram",
    "Elapsed times between a request's headers being received and its response stream completing",
    LATENCY_BOUNDS,
  );
  yield* latencies(http, arena);
  for (const [name, type, help, read] of TCP) {
    yield family(name, type, help);
    for (const series of tcp) yield value(series.labels, read(series));
  }
  yield family("tcp_close_total", "counter", "Total count of closed connections.");
  for (const { labels, closed } of tcp) {
    for (const [errno, count] of closed) {
      yield value(join(labels, errno === "" ? "" : `errno="${errno}"`), count);
    }
  }
  yield* balancerRows(telemetry.balancers, arena);
  yield* routeRows(telemetry.routes);
  for (const [name, { help, type, merge, values }] of telemetry.families) {
    yield { kind: "family", name, type, help, merge };
    for (const [labels, { value: current }] of values) yield value(labels, current);
  }
  for (const [name, { help, bounds, values }] of telemetry.bucketFamilies) {
    yield family(name, "histogram", help, bounds);
    for (const [labels, buckets] of values) {
      yield { kind: "histogram", labels, below: buckets.below(), count: buckets.count, sum: buckets.sum };
    }
  }
}
