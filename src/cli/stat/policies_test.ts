import assert from "node:assert/strict";
import { REQUESTS as requests, runWith } from "./testing.ts";

const NOTHING = { success: 0, failure: 0, rps: 0 };
const resource = { kind: "deployment", namespace: "shop", name: "web" };
const ANSWERS: Readonly<Record<string, readonly object[]>> = {
  server: [{ namespace: "shop", name: "web-http", deniedRps: 3, requests }],
  authorizationpolicy: [{ namespace: "shop", name: "readers", requests }],
  httproute: [{ namespace: "shop", name: "reads", server: "web-http", deniedRps: 0, requests: NOTHING }],
  deployment: [{ resource, meshedPods: 1, runningPods: 1, requests, total: { success: 9, failure: 1 } }],
  serverauthorization: [],
};

const run = (...words: string[]) =>
  runWith(({ searchParams }) => ANSWERS[searchParams.get("kind")!]!, "stat", ...words);

Deno.test("a Server is told with what it refused, by any of its words", async () => {
  for (const word of ["server", "servers", "srv"]) {
    const { lines, asked } = await run(word, "-n", "shop", "-t", "5m");
    assert.deepEqual(lines, [
      "NAME  UNAUTHORIZED  SUCCESS  RPS  LATENCY_P50  LATENCY_P95  LATENCY_P99",
      "web-http  3.0rps  90.00%  2.5rps  3ms  8ms  10ms",
    ]);
    assert.equal(
      asked[0]?.pathname + asked[0]!.search,
      "/api/v1/stat-policies?kind=server&namespace=shop&window=5m",
    );
  }
});

Deno.test("several kinds are a table each, workloads first, and a route says whose it is", async () => {
  const { lines } = await run("httproute/reads", "authzpolicy", "deploy", "-n", "shop");
  assert.deepEqual(lines.filter((line) => line !== ""), [
    "NAME  MESHED  SUCCESS  RPS  LATENCY_P50  LATENCY_P95  LATENCY_P99  TCP_CONN",
    "deploy/web  1/1  90.00%  2.5rps  3ms  8ms  10ms  -",
    "NAME  SERVER  UNAUTHORIZED  SUCCESS  RPS  LATENCY_P50  LATENCY_P95  LATENCY_P99",
    "httproute/reads  web-http  0.0rps  -  0.0rps  -  -  -",
    "NAME  SUCCESS  RPS  LATENCY_P50  LATENCY_P95  LATENCY_P99",
    "authzpolicy/readers  90.00%  2.5rps  3ms  8ms  10ms",
  ]);
});

Deno.test("JSON has Linkerd's names, null where nothing was counted", async () => {
  assert.deepEqual(JSON.parse((await run("route", "-n", "shop", "-o", "json")).text), [{
    namespace: "shop",
    kind: "httproute",
    name: "reads",
    server: "web-http",
    unauthorized: 0,
    success: null,
    rps: null,
    latency_ms_p50: null,
    latency_ms_p95: null,
    latency_ms_p99: null,
  }]);
});

Deno.test("all namespaces are a column; nothing is said to be nothing; what is of workloads is refused", async () => {
  const { lines, asked } = await run("srv", "-A");
  assert.ok(lines[0]?.startsWith("NAMESPACE  NAME  UNAUTHORIZED"));
  assert.equal(asked[0]!.searchParams.has("namespace"), false);
  assert.equal((await run("saz", "-n", "shop")).told, "No traffic found.\n");
  const refused = await run("srv", "--to", "svc/web");
  assert.equal(refused.code, 2);
  assert.match(refused.told, /--to does not go with server/);
  assert.equal((await run("srv/web-http", "-A")).code, 2);
});
