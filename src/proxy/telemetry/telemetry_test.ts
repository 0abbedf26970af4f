import { deepEqual, equal } from "node:assert/strict";
import { Arena } from "../worker/arena.ts";
import { EndpointSeries } from "./endpoint_series.ts";
import { renderMetrics } from "./render.ts";
import { Telemetry } from "./telemetry.ts";

function requestsTold(telemetry: Telemetry, arena: Arena): string[] {
  return [...renderMetrics(telemetry, arena)].join("").split("\n").filter((line) =>
    /^request_total\{/.test(line)
  );
}

Deno.test("an endpoint's series are made when something is counted, and anew when they were forgotten", () => {
  const arena = Arena.create(), telemetry = new Telemetry(arena);
  const series = new EndpointSeries(telemetry, () => ({ target_addr: "10.42.0.1:80" }));
  equal(telemetry.http.size + telemetry.tcp.size, 0);
  series.http.request(1);
  series.tcp.connectionOpened(1);
  series.tcp.connectionClosed("", 1);
  telemetry.forgetIdle(5);
  deepEqual([telemetry.http.size, telemetry.tcp.size], [0, 0]);
  series.http.request(10);
  series.tcp.connectionOpened(10);
  deepEqual(requestsTold(telemetry, arena), ['request_total{target_addr="10.42.0.1:80"} 1']);
  equal([...telemetry.tcp.values()][0]!.open, 1);
});

Deno.test("a series that was forgotten while somebody held it is told again, once", () => {
  const arena = Arena.create(), telemetry = new Telemetry(arena);
  const held = telemetry.httpSeries({ pod: "a" });
  held.request(1);
  held.response(200, undefined, 1000);
  telemetry.forgetIdle(5);
  held.response(200, undefined, 1000); // of a request that took longer than series are kept
  deepEqual([...telemetry.http.keys()], ['pod="a"']);
  held.request(6);
  telemetry.forgetIdle(10);
  const other = telemetry.httpSeries({ pod: "a" });
  other.request(11);
  held.request(12);
  held.response(200, undefined, 1000);
  deepEqual(requestsTold(telemetry, arena), ['request_total{pod="a"} 2']);
  equal(other.responses[0]!.count, 1);
});

Deno.test("histograms of forgotten series serve the next, empty", () => {
  const arena = Arena.create(), telemetry = new Telemetry(arena), used = new Set<number>();
  for (let round = 0; round < 5; round++) {
    const series = telemetry.httpSeries({ pod: `pod-${round}` });
    series.request(round);
    for (const status of [200, 503]) series.response(status, undefined, 1000 * (round + 1));
    for (const { histogram } of series.responses) {
      used.add(histogram);
      equal(arena.memory.doubles[histogram >> 3], 1, "one value, its own");
    }
    telemetry.forgetIdle(round + 1);
  }
  equal(used.size, 2);
});
