import assert from "node:assert/strict";
import { ApiDefinition } from "../../../proto/gen/viz.ts";
import type {
  AuthorizationsResponse,
  PoliciesResponse,
  StatInboundResponse,
  StatOutboundResponse,
} from "../../mesh/route_api.ts";
import { GrpcClient } from "../grpc/client.ts";
import { GrpcServer } from "../grpc/server.ts";
import { Harness, T0 } from "./testing/harness.ts";
import { vizHandlers } from "./viz_api.ts";

const SERVER = 'srv_group="policy.linkerd.io",srv_kind="server",srv_name="http"';
const LIST = 'route_group="gateway.networking.k8s.io",route_kind="HTTPRoute",route_name="list"';
const INBOUND =
  `direction="inbound",target_addr="10.42.0.1:8080",target_port="8080",tls="true",${SERVER},${LIST}`;
const ALLOWED = `${INBOUND},authz_kind="authorizationpolicy",authz_name="shop"`;
const PARENT =
  'parent_group="core",parent_kind="Service",parent_namespace="shop",parent_name="catalog",parent_port="80"';
const ROUTE =
  `${PARENT},route_group="gateway.networking.k8s.io",route_kind="HTTPRoute",route_namespace="shop",route_name="split"`;
const backend = (name: string) =>
  `${ROUTE},backend_group="core",backend_kind="Service",backend_namespace="shop",backend_name="${name}",backend_port="80"`;

const PREFIX = "outbound_http_route";

/** A proxy's /metrics after `n` times the same traffic. */
function exposition(n: number): string {
  const buckets = (
    name: string,
    labels: string,
    bounds: readonly (number | string)[],
    below: readonly number[],
  ) => bounds.map((le, at) => `${name}_bucket{${labels},le="${le}"} ${below[at]! * n}`);
  return [
    `process_start_time_seconds ${T0 / 1000}`,
    `response_total{${ALLOWED},status_code="200",classification="success"} ${9 * n}`,
    `response_total{${ALLOWED},status_code="500",classification="failure"} ${n}`,
    ...buckets("response_latency_ms", `${ALLOWED},status_code="200"`, [1, 10, 20, "+Inf"], [0, 10, 10, 10]),
    `response_total{direction="inbound",route_kind="default",route_name="probe",classification="success"} ${
      50 * n
    }`,
    `inbound_http_authz_deny_total{target_port="8080",tls="no_identity",${SERVER},${LIST}} ${3 * n}`,
    `${PREFIX}_request_statuses_total{${ROUTE},hostname="",http_status="200",error=""} ${6 * n}`,
    `${PREFIX}_request_statuses_total{${ROUTE},hostname="",http_status="503",error=""} ${n}`,
    `${PREFIX}_request_statuses_total{${ROUTE},hostname="",http_status="",error="RESPONSE_HEADERS_TIMEOUT"} ${n}`,
    ...buckets(`${PREFIX}_request_duration_seconds`, ROUTE, [0.05, 0.5, 1, 10, "+Inf"], [4, 8, 8, 8, 8]),
    `${PREFIX}_retry_requests_total{${ROUTE}} ${2 * n}`,
    `${PREFIX}_backend_response_statuses_total{${backend("blue")},http_status="200",error=""} ${7 * n}`,
    `${PREFIX}_backend_response_statuses_total{${backend("green")},http_status="500",error=""} ${3 * n}`,
    ...buckets(
      `${PREFIX}_backend_response_duration_seconds`,
      backend("blue"),
      [0.025, 0.05, 0.1, 0.25, 0.5, 1, 10, "+Inf"],
      [0, 0, 7, 7, 7, 7, 7, 7],
    ),
    `outbound_grpc_route_request_statuses_total{${PARENT},route_kind="default",route_name="grpc",grpc_status="OK",error=""} ${n}`,
    `outbound_grpc_route_request_statuses_total{${PARENT},route_kind="default",route_name="grpc",grpc_status="UNAVAILABLE",error=""} ${n}`,
  ].join("\n") + "\n";
}

const measured = (): Promise<Harness> => Harness.measured(exposition);

Deno.test("what a server admitted is told by route; probes and what was denied are not among it", async () => {
  using mesh = await measured();
  const { rows } = await mesh.json<StatInboundResponse>("/api/v1/stat-inbound?kind=deploy&namespace=shop");
  assert.equal(rows.length, 1);
  const [row] = rows;
  assert.deepEqual(row!.resource, { kind: "deployment", namespace: "shop", name: "web" });
  assert.deepEqual(row!.server, { kind: "server", namespace: "", name: "http", port: 8080 });
  assert.deepEqual(row!.route, { kind: "HTTPRoute", namespace: "", name: "list" });
  const { success, failure, rps, latencyP50 } = row!.requests;
  assert.deepEqual([success, failure, rps], [90, 10, 10]);
  assert.ok(latencyP50! > 1 && latencyP50! <= 10);
});

Deno.test("authorizations tell whom they let in, and beside them what nothing did", async () => {
  using mesh = await measured();
  const { rows } = await mesh.json<AuthorizationsResponse>("/api/v1/authz?kind=ns&name=shop");
  assert.deepEqual(
    rows.map(({ authorization, deniedRps, requests }) => [authorization.name, deniedRps, requests.rps]),
    [["", 3, 0], ["shop", 0, 10]],
  );
});

Deno.test("an outbound route tells its backends, what ran out of time and what was tried again", async () => {
  using mesh = await measured();
  const { rows } = await mesh.json<StatOutboundResponse>(
    "/api/v1/stat-outbound?kind=po&name=web-1&namespace=shop",
  );
  const split = rows.find(({ route }) => route.name === "split")!;
  assert.deepEqual(split.parent, { kind: "Service", namespace: "shop", name: "catalog", port: 80 });
  assert.deepEqual([split.requests.success, split.requests.failure], [60, 20]);
  assert.deepEqual([split.timeouts, split.retries], [10, 20]);
  assert.equal(split.requests.latencyP50, 50); // half of them within the first bucket
  assert.deepEqual(
    split.backends.map(({ backend, requests }) => [backend.name, requests.success, requests.failure]),
    [["blue", 70, 0], ["green", 0, 30]],
  );
  const { latencyP50 } = split.backends[0]!.requests;
  assert.ok(latencyP50! > 50 && latencyP50! <= 100);
});

Deno.test("a gRPC route counts by its calls' status", async () => {
  using mesh = await measured();
  const { rows } = await mesh.json<StatOutboundResponse>("/api/v1/stat-outbound?kind=deploy");
  const calls = rows.find(({ route }) => route.name === "grpc")!;
  assert.deepEqual([calls.requests.success, calls.requests.failure], [10, 10]);
});

Deno.test("routes of another namespace, of pods without the labels, and of services are not told", async () => {
  using mesh = await measured();
  const rowsOf = async (query: string) =>
    (await mesh.json<StatInboundResponse>(`/api/v1/stat-inbound?kind=deploy&${query}`)).rows.length;
  assert.equal(await rowsOf("namespace=bank"), 0);
  assert.equal(await rowsOf("namespace=shop&name=web"), 1);
  assert.equal(await rowsOf("namespace=shop&labels=app%3Dnothing"), 0);
  const refused = mesh.fetch("/api/v1/stat-outbound?kind=svc");
  assert.equal(refused.status, 400);
  assert.equal((await refused.json()).error.code, "kind-unsuitable");
});

Deno.test("a proxy that starts anew counts on, and an hour has the sums of its scrapes", async () => {
  using mesh = await measured();
  mesh.answers.set("web-1", exposition(2).replace(String(T0 / 1000), String((mesh.now + 500) / 1000)));
  await mesh.tick();
  await mesh.tick(60_000);
  const { rows } = await mesh.json<StatInboundResponse>("/api/v1/stat-inbound?kind=deploy&window=1h");
  assert.equal(rows[0]!.requests.success, 90 + 18);
});

Deno.test("Servers, what lets requests in and their routes are told by name, with what they refused", async () => {
  using mesh = await measured();
  const told = async (query: string) => {
    const { rows } = await mesh.json<PoliciesResponse>(`/api/v1/stat-policies?namespace=shop&${query}`);
    return rows.map(({ name, server, deniedRps, requests }) => [
      name,
      server,
      deniedRps === undefined ? undefined : deniedRps > 0,
      requests.successRate,
    ]);
  };
  assert.deepEqual(await told("kind=srv"), [["http", undefined, true, 0.9]]);
  assert.deepEqual(await told("kind=authorizationpolicy"), [["shop", undefined, undefined, 0.9]]);
  assert.deepEqual(await told("kind=httproutes"), [["list", "http", true, 0.9]]);
  assert.deepEqual(await told("kind=httproute&name=other"), []);
  assert.deepEqual(await told("kind=saz"), []);
  const refused = mesh.fetch("/api/v1/stat-policies?kind=deploy");
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /kind=deploy is no policy/);
});

Deno.test("Linkerd's own tools are told of authorizations over gRPC", async () => {
  using mesh = await measured();
  const server = new GrpcServer();
  server.add(ApiDefinition, vizHandlers(mesh.context));
  const client = new GrpcClient(ApiDefinition, `127.0.0.1:${await server.listen(0, "127.0.0.1")}`);
  try {
    const resource = { resource: { namespace: "shop", type: "deploy", name: "" }, labelSelector: "" };
    const { response } = await client.call("authz", { resource, timeWindow: "1m" });
    assert.ok(response?.$case === "ok");
    const rows = response.value.statTable?.table?.value.rows ?? [];
    const [denied, allowed] = rows.map(({ srvStats }) => srvStats);
    assert.deepEqual([denied?.allowedCount, denied?.authz?.name, denied?.srv?.name], [0n, "", "http"]);
    assert.ok(denied!.deniedCount > 0n && allowed!.deniedCount === 0n);
    assert.deepEqual([allowed?.authz?.name, allowed?.route?.name], ["shop", "list"]);
    assert.equal(allowed!.allowedCount, rows[1]!.stats!.successCount + rows[1]!.stats!.failureCount);
  } finally {
    client.close();
    await server.stop(100);
  }
});
