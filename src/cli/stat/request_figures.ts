/** What is told of requests: the columns that every table of statistics has, and the same by Linkerd's names as JSON. */
import type { RequestStats } from "../../mesh/api.ts";
import { type Column, formatLatency, formatRate, formatRps } from "../../mesh/table.ts";

/**
 * @param stats undefined where nothing was ever counted
 * @param apartFromMs latencies of a row below so many milliseconds are a guess, and not told
 */
export function requestColumns<Row>(
  stats: (row: Row) => RequestStats | undefined,
  apartFromMs: (row: Row) => number = () => 0,
): Column<Row>[] {
  const latency = (title: string, of: (requests: RequestStats) => number | undefined): Column<Row> => ({
    title,
    align: "right",
    value: (row) => {
      const requests = stats(row), milliseconds = requests && of(requests), least = apartFromMs(row);
      return milliseconds !== undefined && milliseconds < least ? `<${least}ms` : formatLatency(milliseconds);
    },
  });
  return [
    { title: "SUCCESS", align: "right", value: (row) => formatRate(stats(row)?.successRate) },
    { title: "RPS", align: "right", value: (row) => formatRps(stats(row)?.rps) },
    latency("LATENCY_P50", ({ latencyP50 }) => latencyP50),
    latency("LATENCY_P95", ({ latencyP95 }) => latencyP95),
    latency("LATENCY_P99", ({ latencyP99 }) => latencyP99),
  ];
}

/** null where nothing was counted. */
export function requestRecord(requests: RequestStats | undefined) {
  return {
    success: requests?.successRate ?? null,
    rps: requests?.successRate === undefined ? null : requests.rps,
    latency_ms_p50: requests?.latencyP50 ?? null,
    latency_ms_p95: requests?.latencyP95 ?? null,
    latency_ms_p99: requests?.latencyP99 ?? null,
  };
}
