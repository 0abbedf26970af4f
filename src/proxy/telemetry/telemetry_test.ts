import { deepEqual, equal } from "node:assert/strict";
import { Arena } from "../worker/arena.ts";
import { EndpointSeries } from "./endpoint_series.ts";
import { metricsText } from "../testing/metrics_text.ts";
import { Telemetry } from "./telemetry.ts";

function requestsTold(telemetry: Telemetry, arena: Arena): string[] {
  return metricsText(telemetry, arena).split("\n").filter((line) => /^request_total\{/.test(line));
}

Deno.test("an endpoint's series are made when something is counted, and anew when they were forgotten", () => {
  const arena = Arena.create(), telemetry = new Telemetry(arena);
  const series = new EndpointSeries(telemetry, () => ({ target_addr: "10.42.0.1:80" }));
  equal(telemetry.http.size + telemetry.tcp.size, 0);
  series.http.request();
  series.tcp.connectionOpened(1);
  series.tcp.connectionClosed("", 1);
  telemetry.forgetIdle(1, 4);
  telemetry.forgetIdle(6, 4);
  deepEqual([telemetry.http.size, telemetry.tcp.size], [0, 0]);
  series.http.request();
  series.tcp.connectionOpened(10);
  deepEqual(requestsTold(telemetry, arena), ['request_total{target_addr="10.42.0.1:80"} 1']);
  equal([...telemetry.tcp.values()][0]!.open, 1);
});

Deno.test("a series that was forgotten while somebody held it is told again, once", () => {
  const arena = Arena.create(), telemetry = new Telemetry(arena);
  const held = telemetry.httpSeries({ pod: "a" });
  held.request();
  held.response(200, undefined, 1000);
  for (const now of [1, 6]) telemetry.forgetIdle(now, 4);
  deepEqual([...telemetry.http.keys()], []);
  held.response(200, undefined, 1000); // of a request that took longer than series are kept
  deepEqual([...telemetry.http.keys()], ['pod="a"']);
  held.request();
  for (const now of [7, 12]) telemetry.forgetIdle(now, 4);
  deepEqual([...telemetry.http.keys()], []);
  const other = telemetry.httpSeries({ pod: "a" });
  other.request();
  held.request();
  held.response(200, undefined, 1000);
  deepEqual(requestsTold(telemetry, arena), ['request_total{pod="a"} 2']);
  equal(other.responses[0]!.count, 1);
});

Deno.test("histograms of forgotten series serve the next, empty", () => {
  const arena = Arena.create(), telemetry = new Telemetry(arena), used = new Set<number>();
  for (let round = 0; round < 5; round++) {
    const series = telemetry.httpSeries({ pod: `pod-${round}` });
    series.request();
    for (const status of [200, 503]) series.response(status, undefined, 1000 * (round + 1));
    for (const { histogram } of series.responses) {
      used.add(histogram);
      equal(arena.memory.doubles[histogram >> 3], 1, "one value, its own");
    }
    for (const now of [10 * round, 10 * round + 5]) telemetry.forgetIdle(now, 4);
    equal(telemetry.http.size, 0);
  }
  equal(used.size, 2);
});

Deno.test("a series that is counted in between two looks is kept", () => {
  const telemetry = new Telemetry(Arena.create()), series = telemetry.httpSeries({ pod: "a" });
  for (const now of [10, 20, 30]) {
    series.request();
    telemetry.forgetIdle(now, 5);
  }
  equal(telemetry.http.size, 1);
  telemetry.forgetIdle(34, 5);
  equal(telemetry.http.size, 1);
  telemetry.forgetIdle(36, 5);
  equal(telemetry.http.size, 0);
});
