import { equal, ok } from "node:assert/strict";
import { rowsOf } from "./rows.ts";
import { BYTES_PER_SLICE, renderRows, ROWS_PER_SLICE } from "./render.ts";
import { Telemetry } from "./telemetry.ts";
import { Arena } from "../worker/arena.ts";

Deno.test("a scrape of thousands of series is made in bounded slices, and loses nothing", () => {
  const arena = Arena.create(), telemetry = new Telemetry(arena);
  for (let i = 0; i < 2000; i++) {
    const labels = { direction: "outbound", target_addr: `10.42.0.${i}:80`, dst_pod: `pod-${i}` };
    const series = telemetry.httpSeries(labels);
    series.request();
    series.response(200, undefined, 1000 * i);
    telemetry.tcpSeries(labels).connectionOpened(1);
  }
  let rows = 0, most = 0, longest = 0, lines = 0;
  function* counted() {
    for (const row of rowsOf(telemetry, arena)) {
      rows++;
      lines += row.kind === "family" ? 2 : row.kind === "value" ? 1 : row.below.length + 3;
      yield row;
    }
  }
  const decoder = new TextDecoder(), names = new Set<string>();
  let text = "";
  for (const slice of renderRows(counted())) {
    most = Math.max(most, rows);
    longest = Math.max(longest, slice.length);
    rows = 0;
    text += decoder.decode(slice);
  }
  const told = text.split("\n");
  equal(told.pop(), "", "the last line has an end");
  equal(told.length, lines);
  for (const line of told) names.add(line);
  equal(names.size, lines, "no line is told twice");
  equal(most, ROWS_PER_SLICE);
  ok(longest < 3 * BYTES_PER_SLICE, `${longest} bytes`); // the last row may be a histogram
});

Deno.test("series that idle are forgotten a part at a time, and all of them in the end", () => {
  const telemetry = new Telemetry(Arena.create());
  for (let i = 0; i < 3000; i++) telemetry.httpSeries({ pod: `pod-${i}` }).request();
  const sizes: number[] = [], busy = telemetry.httpSeries({ pod: "busy" });
  for (let now = 1; now <= 12; now++) {
    busy.request();
    telemetry.forgetIdle(now, 2);
    sizes.push(telemetry.http.size);
  }
  ok(sizes[0]! >= 1900, `${sizes[0]} are left after the first time`);
  equal(sizes.at(-1), 1);
});
