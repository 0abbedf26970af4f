/**
 * The text of /metrics: Linkerd's names, labels and buckets. A generator of pieces, so that a large scrape can be
 * written in slices between turns of the loop and never shows in a request's latency.
 * Source: proxy.md §13; the Prometheus exposition format 0.0.4.
 */
import { Histogram } from "../../wasm/histogram.ts";
import type { Arena } from "../worker/arena.ts";
import { type HttpSeries, isFailure } from "./http_series.ts";
import type { TcpSeries } from "./tcp_series.ts";
import type { Telemetry } from "./telemetry.ts";

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

function header(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function line(name: string, labels: string, value: number): string {
  return labels === "" ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`;
}

function* httpResponses(series: Iterable<HttpSeries>): Generator<string> {
  for (const { labels, responses } of series) {
    for (const { status, error, count } of responses) {
      const classification = isFailure(status, error) ? "failure" : "success";
      const more = `status_code="${status}",classification="${classification}"` +
        (error === undefined ? "" : `,error="${error}"`);
      yield line("response_total", join(labels, more), count);
    }
  }
}

function* latencies(series: Iterable<HttpSeries>, arena: Arena): Generator<string> {
  for (const { labels, responses } of series) {
    const told = new Set<number>();
    for (const { status, histogram } of responses) {
      if (histogram === 0 || told.has(histogram)) continue;
      told.add(histogram);
      const base = join(labels, `status_code="${status}"`);
      const doubles = arena.memory.doubles, at = histogram >> 3;
      let text = "";
      for (const bound of LATENCY_BOUNDS) {
        const below = arena.wasm.histogramCountAtMost(histogram, bound * 1000);
        text += line("response_latency_ms_bucket", `${base},le="${bound}"`, below);
      }
      const count = doubles[at + (Histogram.Count >> 1)]!, sum = doubles[at + (Histogram.Sum >> 1)]!;
      text += line("response_latency_ms_bucket", `${base},le="+Inf"`, count);
      text += line("response_latency_ms_sum", base, Math.round(sum / 1000));
      text += line("response_latency_ms_count", base, count);
      yield text;
    }
  }
}

const TCP: readonly (readonly [string, string, string, (series: TcpSeries) => number])[] = [
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

/** All metrics, a piece of at most some kilobytes at a time. */
export function* renderMetrics(telemetry: Telemetry, arena: Arena): Generator<string> {
  const http = [...telemetry.http.values()], tcp = [...telemetry.tcp.values()];
  yield header("request_total", "counter", "Total count of HTTP requests.");
  for (const { labels, requests } of http) yield line("request_total", labels, requests);
  yield header("response_total", "counter", "Total count of HTTP responses.");
  yield* httpResponses(http);
  yield header(
    "response_latency_ms",
    "histogram",
    "Elapsed times between a request's headers being received and its response stream completing",
  );
  yield* latencies(http, arena);
  for (const [name, type, help, value] of TCP) {
    yield header(name, type, help);
    for (const series of tcp) yield line(name, series.labels, value(series));
  }
  yield header("tcp_close_total", "counter", "Total count of closed connections.");
  for (const { labels, closed } of tcp) {
    for (const [errno, count] of closed) {
      yield line("tcp_close_total", join(labels, errno === "" ? "" : `errno="${errno}"`), count);
    }
  }
  yield header(
    "process_start_time_seconds",
    "gauge",
    "Time that the process started (in seconds since the UNIX epoch)",
  );
  yield line("process_start_time_seconds", "", telemetry.startedAtMs / 1000);
  for (const [name, { help, type, values }] of telemetry.families) {
    yield header(name, type, help);
    for (const [labels, { value }] of values) yield line(name, labels, value);
  }
}
