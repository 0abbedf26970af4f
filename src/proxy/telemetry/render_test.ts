import { deepEqual, equal, ok } from "node:assert/strict";
import { Arena } from "../worker/arena.ts";
import { metricsText } from "../testing/metrics_text.ts";
import { Telemetry } from "./telemetry.ts";

function lines(telemetry: Telemetry, arena: Arena): string[] {
  return metricsText(telemetry, arena).split("\n").filter((line) => line !== "" && line[0] !== "#");
}

Deno.test("no series is told twice, though one status may end in several ways", () => {
  const arena = Arena.create(), telemetry = new Telemetry(arena);
  const series = telemetry.httpSeries({ direction: "outbound", tls: "true" });
  series.response(502, "i/o", 1000);
  series.response(502, "unexpected", 3000);
  series.response(200, undefined, 2000);
  series.response(504, "request-timeout", 2000);
  series.response(504, "response-timeout", 2000);
  const keys = lines(telemetry, arena).map((line) => line.slice(0, line.lastIndexOf(" ")));
  equal(new Set(keys).size, keys.length, keys.filter((key, i) => keys.indexOf(key) !== i).join());
  const count = lines(telemetry, arena).find((line) => /latency_ms_count.*502/.test(line));
  ok(count?.endsWith(" 2"), String(count));
  deepEqual(
    series.responses.map(({ status, count }) => [status, count]),
    [502, 502, 200, 504, 504].map((status) => [status, 1]),
  );
});

Deno.test("buckets are Linkerd's, cumulative, and end with everything", () => {
  const arena = Arena.create(), telemetry = new Telemetry(arena);
  const series = telemetry.httpSeries({ direction: "inbound" });
  for (const millis of [0.5, 3, 45, 700, 90_000]) series.response(200, undefined, millis * 1000);
  const below = new Map(
    lines(telemetry, arena).filter((line) => line.includes("_bucket"))
      .map((line) => [/le="([^"]+)"/.exec(line)![1]!, Number(line.split(" ").at(-1))]),
  );
  deepEqual([
    below.get("1"),
    below.get("5"),
    below.get("50"),
    below.get("1000"),
    below.get("50000"),
    below.get("+Inf"),
  ], [
    1,
    2,
    3,
    4,
    4,
    5,
  ]);
  equal(below.size, 26);
});

Deno.test("a gRPC failure inside a 200 is a failure, and NOT_FOUND is none", () => {
  const arena = Arena.create(), telemetry = new Telemetry(arena);
  const series = telemetry.httpSeries({ direction: "inbound" });
  for (const grpcStatus of [0, 5, 14, 14]) series.response(200, undefined, 10, grpcStatus);
  series.response(200, undefined, 10);
  const told = lines(telemetry, arena).filter((line) => line.startsWith("response_total"))
    .map((line) => line.replace(/^.*status_code="200",/, ""));
  deepEqual(told, [
    'classification="success",grpc_status="0"} 1',
    'classification="success",grpc_status="5"} 1',
    'classification="failure",grpc_status="14"} 2',
    'classification="success"} 1',
  ]);
});
