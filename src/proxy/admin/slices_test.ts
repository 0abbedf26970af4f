import { equal, ok } from "node:assert/strict";
import { rowsOf } from "../telemetry/rows.ts";
import { renderRows } from "../telemetry/render.ts";
import { Telemetry } from "../telemetry/telemetry.ts";
import { Arena } from "../worker/arena.ts";
import { CHARACTERS_PER_SLICE, PIECES_PER_SLICE, slicesOf } from "./slices.ts";

Deno.test("a scrape of thousands of series is made in bounded slices, and loses nothing", () => {
  const arena = Arena.create(), telemetry = new Telemetry(arena);
  for (let i = 0; i < 2000; i++) {
    const labels = { direction: "outbound", target_addr: `10.42.0.${i}:80`, dst_pod: `pod-${i}` };
    const series = telemetry.httpSeries(labels);
    series.request();
    series.response(200, undefined, 1000 * i);
    telemetry.tcpSeries(labels).connectionOpened(1);
  }
  const whole = [...renderRows(rowsOf(telemetry, arena))].join("");
  let rows = 0, most = 0, longest = 0, text = "";
  function* counted() {
    for (const row of rowsOf(telemetry, arena)) {
      rows++;
      yield row;
    }
  }
  for (const slice of slicesOf(renderRows(counted()))) {
    most = Math.max(most, rows);
    longest = Math.max(longest, slice.length);
    rows = 0;
    text += slice;
  }
  equal(text, whole);
  equal(most, PIECES_PER_SLICE);
  ok(longest < 3 * CHARACTERS_PER_SLICE, `${longest} characters`); // the last piece may be a histogram
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
