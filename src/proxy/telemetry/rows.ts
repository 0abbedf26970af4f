/**
 * What a loop has counted, as rows: the head of a family, then its values. One form for the text of /metrics and for
 * adding up several loops, so that a series says once what it tells. Rows are made one at a time: whoever takes them
 * may let the data path have its turn between two.
 * Source: proxy.md §13.
 */
import type { Arena } from "../worker/arena.ts";
import { balancerRows } from "./balancer_series.ts";
import { family, join } from "./family.ts";
import { httpRows, told } from "./http_rows.ts";
import { profileRows } from "./profile_series.ts";
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

function value(labels: string, value: number): ValueRow {
  return { kind: "value", labels, value };
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
  const http = [...telemetry.http.values()].map((one) => told(one)), tcp = [...telemetry.tcp.values()];
  yield* httpRows("", http, arena);
  yield* profileRows(telemetry.profiles.values(), arena);
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
