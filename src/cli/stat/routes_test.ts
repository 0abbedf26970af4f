import assert from "node:assert/strict";
import { REQUESTS, runWith } from "./testing.ts";

const RESOURCE = { kind: "deployment", namespace: "shop", name: "web" };
const NOTHING = { success: 0, failure: 0, rps: 0 };
const LIST = { kind: "HTTPRoute", namespace: "shop", name: "list" };
const DEFAULT = { kind: "default", namespace: "", name: "http" };

const service = (name: string) => ({ kind: "Service", namespace: "shop", name, port: 80 });
const server = { kind: "server", namespace: "", name: "http", port: 8080 };
const unnamed = { kind: "default", namespace: "", name: "all-unauthenticated", port: 9090 };

const ANSWERS: Readonly<Record<string, readonly object[]>> = {
  "/api/v1/stat-inbound": [
    { resource: RESOURCE, server, route: LIST, requests: REQUESTS },
    { resource: RESOURCE, server: unnamed, route: DEFAULT, requests: NOTHING },
  ],
  "/api/v1/stat-outbound": [{
    resource: RESOURCE,
    parent: service("catalog"),
    route: LIST,
    requests: REQUESTS,
    timeouts: 1,
    toldApartFromMs: 5,
    retries: 10,
    backends: ["blue", "green"].map((name) => ({
      backend: service(name),
      requests: REQUESTS,
      timeouts: 0,
      toldApartFromMs: 1,
    })),
  }],
  "/api/v1/authz": [
    {
      resource: RESOURCE,
      server,
      route: LIST,
      authorization: { kind: "", name: "" },
      deniedRps: 3,
      requests: NOTHING,
    },
    {
      resource: RESOURCE,
      server,
      route: LIST,
      authorization: { kind: "authorizationpolicy", name: "shop" },
      deniedRps: 0,
      requests: REQUESTS,
    },
  ],
};

async function run(...words: string[]) {
  const { code, ...rest } = await runWith(({ pathname }) => ANSWERS[pathname]!, ...words, "-n", "shop");
  assert.equal(code, 0, rest.told);
  return rest;
}

Deno.test("stat-inbound has a line for each Server and route, and names what is nobody's default", async () => {
  const { lines, asked } = await run("stat-inbound", "deploy/web", "-t", "5m");
  assert.deepEqual(lines, [
    "NAME  SERVER  ROUTE  TYPE  SUCCESS  RPS  LATENCY_P50  LATENCY_P95  LATENCY_P99",
    "web  http:8080  list  HTTPRoute  90.00%  2.5rps  3ms  8ms  10ms",
    "web  [default]  [default]  -  0.0rps  -  -  -",
  ]);
  assert.equal(asked[0]?.search, "?kind=deployment&name=web&namespace=shop&window=5m");
});

Deno.test("stat-outbound draws the backends of a route under it", async () => {
  const { lines } = await run("viz", "stat-outbound", "deploy");
  assert.deepEqual(lines, [
    "NAME  SERVICE  ROUTE  TYPE  BACKEND  SUCCESS  RPS  LATENCY_P50  LATENCY_P95  LATENCY_P99  TIMEOUTS  RETRIES",
    "web  catalog:80  list  HTTPRoute  90.00%  2.5rps  <5ms  8ms  10ms  10.00%  50.00%",
    "  ├─► blue:80  90.00%  2.5rps  3ms  8ms  10ms  0.00%",
    "  └─► green:80  90.00%  2.5rps  3ms  8ms  10ms  0.00%",
  ]);
});

Deno.test("viz authz leaves the authorization blank where there was none", async () => {
  const { lines } = await run("viz", "authz", "deploy");
  assert.deepEqual(lines.slice(1), [
    "web  list  http  3.0rps  -  0.0rps  -  -  -",
    "web  list  http  authorizationpolicy/shop  0.0rps  90.00%  2.5rps  3ms  8ms  10ms",
  ]);
});

Deno.test("JSON has what the tables have, null where nothing was counted", async () => {
  const [inbound] = JSON.parse((await run("stat-inbound", "deploy", "-o", "json")).text);
  assert.deepEqual(inbound, {
    namespace: "shop",
    kind: "deployment",
    name: "web",
    route: "list",
    route_kind: "HTTPRoute",
    server: "http",
    server_kind: "server",
    server_port: 8080,
    success: 0.9,
    rps: 2.5,
    latency_ms_p50: 3,
    latency_ms_p95: 8,
    latency_ms_p99: 9.6,
  });
  const [outbound] = JSON.parse((await run("stat-outbound", "deploy", "-o", "json")).text);
  assert.deepEqual(outbound.backends[0].backend, "blue");
  assert.deepEqual([outbound.timeouts, outbound.retries], [1, 10]);
  const [denied] = JSON.parse((await run("viz", "authz", "deploy", "-o", "json")).text);
  assert.deepEqual([denied.unauthorized_rps, denied.success, denied.authorization], [3, null, ""]);
});
