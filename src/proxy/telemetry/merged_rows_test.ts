import { deepEqual, equal } from "node:assert/strict";
import { Arena } from "../worker/arena.ts";
import { MergedRows } from "./merged_rows.ts";
import { rowsText } from "../testing/metrics_text.ts";
import { type Row, rowsOf } from "./rows.ts";
import { Telemetry } from "./telemetry.ts";

/** A loop that saw `latencies` (milliseconds) under the status 200. */
function loopWith(latencies: readonly number[], labels: Record<string, string>): Row[] {
  const arena = Arena.create(), telemetry = new Telemetry(arena);
  const series = telemetry.httpSeries(labels), tcp = telemetry.tcpSeries(labels);
  for (const millis of latencies) {
    series.request();
    series.response(200, undefined, millis * 1000);
  }
  tcp.connectionOpened(1);
  tcp.readBytes += 100;
  telemetry.counter("control_dns_resolutions_total", "", { result: "ok" }).value += 2;
  telemetry.gauge("newest", "", {}, "maximum").value = latencies.length;
  return [...rowsOf(telemetry, arena)];
}

function text(merged: MergedRows): string[] {
  return rowsText(merged.rows()).split("\n").filter((line) => line !== "" && line[0] !== "#");
}

function mergeOf(...loops: readonly Row[][]): MergedRows {
  const merged = new MergedRows();
  for (const rows of loops) for (const _ of merged.add(rows));
  return merged;
}

Deno.test("two loops' rows are those of one loop that had seen everything", () => {
  const one = [0.5, 3, 45, 45, 90_000], two = [1, 700, 4.2], labels = { direction: "inbound" };
  const together = text(mergeOf(loopWith(one, labels), loopWith(two, labels)));
  const alone = text(mergeOf(loopWith([...one, ...two], labels)));
  const without = (lines: string[]) => lines.filter((line) => !/^(tcp_|control_|newest)/.test(line));
  deepEqual(without(together), without(alone));
  const value = (name: string) => Number(together.find((line) => line.startsWith(name))?.split(" ").at(-1));
  equal(value("tcp_open_total"), 2);
  equal(value("tcp_read_bytes_total"), 200);
  equal(value("control_dns_resolutions_total"), 4);
  equal(value("newest"), 5, "not the sum");
});

Deno.test("series that only one loop has stay apart, and no series is told twice", () => {
  const lines = text(
    mergeOf(loopWith([1], { direction: "inbound" }), loopWith([2], { direction: "outbound" })),
  );
  const keys = lines.map((line) => line.slice(0, line.lastIndexOf(" ")));
  equal(new Set(keys).size, keys.length);
  equal(lines.filter((line) => line.startsWith("request_total")).length, 2);
});

Deno.test("of a loop that is gone the counts stay, and what it held open does not", () => {
  const rows = [...mergeOf(loopWith([1, 2], { direction: "inbound" })).lasting()];
  const families = rows.flatMap((row) => row.kind === "family" ? [row.name] : []);
  equal(families.includes("request_total"), true);
  equal(families.includes("response_latency_ms"), true);
  equal(families.includes("tcp_open_connections"), false);
});
