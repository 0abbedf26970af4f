import assert from "node:assert/strict";
import { ApiDefinition } from "../../../proto/gen/viz.ts";
import type { ProfileRoutesResponse } from "../../mesh/route_api.ts";
import { GrpcClient } from "../grpc/client.ts";
import { GrpcServer } from "../grpc/server.ts";
import { Harness, T0 } from "./testing/harness.ts";
import { vizHandlers } from "./viz_api.ts";

const WEB = 'dst="web.shop.svc.cluster.local:80"', CART = 'dst="cart.shop.svc.cluster.local:8080"';
const ITEMS = 'rt_route="GET /items"';

/** A proxy's /metrics after `n` times the same traffic. */
function exposition(n: number): string {
  const responses = (family: string, labels: string, success: number, failure: number) => [
    `${family}_total{${labels},status_code="200",classification="success"} ${success * n}`,
    `${family}_total{${labels},status_code="500",classification="failure"} ${failure * n}`,
  ];
  const inbound = `direction="inbound",${WEB}`, outbound = `direction="outbound",${CART},${ITEMS}`;
  const latency = (labels: string, below: readonly number[]) =>
    [1, 10, 20, "+Inf"].map((le, at) =>
      `route_response_latency_ms_bucket{${labels},status_code="200",le="${le}"} ${below[at]! * n}`
    );
  return [
    `process_start_time_seconds ${T0 / 1000}`,
    ...responses("route_response", `${inbound},${ITEMS}`, 9, 1),
    ...latency(`${inbound},${ITEMS}`, [0, 10, 10, 10]),
    ...responses("route_response", inbound, 1, 0),
    ...responses("route_response", outbound, 4, 0),
    ...latency(outbound, [4, 4, 4, 4]),
    ...responses("route_actual_response", outbound, 4, 4),
    ...responses("route_response", `direction="outbound",dst="cart.shopping.svc.cluster.local:80"`, 50, 0),
  ].join("\n") + "\n";
}

const measured = (): Promise<Harness> => Harness.measured(exposition);

Deno.test("a workload's routes are told as its own proxies counted them, and what no route took", async () => {
  using mesh = await measured();
  const { rows } = await mesh.json<ProfileRoutesResponse>("/api/v1/routes?kind=deploy&namespace=shop");
  assert.deepEqual(rows.map(({ resource, route, service }) => [resource.name, route, service]), [
    ["web", "", "web.shop.svc.cluster.local:80"],
    ["web", "GET /items", "web.shop.svc.cluster.local:80"],
  ]);
  const { requests, actual } = rows[1]!;
  assert.deepEqual([requests.successRate, actual], [0.9, undefined]);
  assert.ok(requests.latencyP50! > 1 && requests.latencyP50! < 10);
});

Deno.test("what a workload asked of a service is told as it saw it, and as endpoints were asked", async () => {
  using mesh = await measured();
  const of = (more: string) =>
    mesh.json<ProfileRoutesResponse>(`/api/v1/routes?kind=deploy&namespace=shop&name=web&to=cart${more}`);
  const { rows } = await of("");
  assert.deepEqual(
    rows.map(({ route, service, requests, actual }) => [
      route,
      service,
      requests.successRate,
      actual?.successRate,
      actual!.rps / requests.rps,
    ]),
    [["GET /items", "cart.shop.svc.cluster.local:8080", 1, 0.5, 2]],
  );
  const elsewhere = await of("&toNamespace=shopping");
  assert.deepEqual(elsewhere.rows.map(({ service }) => service), ["cart.shopping.svc.cluster.local:80"]);
});

Deno.test("Linkerd's own tools get the same routes over gRPC", async () => {
  using mesh = await measured();
  const server = new GrpcServer();
  server.add(ApiDefinition, vizHandlers(mesh.context));
  const client = new GrpcClient(ApiDefinition, `127.0.0.1:${await server.listen(0, "127.0.0.1")}`);
  try {
    const resource = { namespace: "shop", type: "deployments", name: "web" };
    const selector = { resource, labelSelector: "" }, timeWindow = "1m";
    const ask = async (to?: { type: string; name: string }) => {
      const outbound = to && { $case: "toResource" as const, value: { namespace: "", ...to } };
      const answer = await client.call("topRoutes", { selector, timeWindow, outbound });
      assert.ok(answer.response?.$case === "ok");
      return answer.response.value.routes;
    };
    const [served] = await ask();
    assert.equal(served?.resource, "deployment/web");
    assert.deepEqual(served.rows.map(({ route, authority }) => [route, authority]), [
      ["[DEFAULT]", "web.shop.svc.cluster.local:80"],
      ["GET /items", "web.shop.svc.cluster.local:80"],
    ]);
    const [asked] = await ask({ type: "service", name: "cart" });
    const { successCount = 0n, failureCount, actualSuccessCount, actualFailureCount } =
      asked?.rows[0]?.stats ?? {};
    assert.ok(successCount > 0n);
    assert.deepEqual([failureCount, actualSuccessCount, actualFailureCount], [
      0n,
      successCount,
      successCount,
    ]);
    await assert.rejects(ask({ type: "deployment", name: "cart" }), { code: 3 });
  } finally {
    client.close();
    await server.stop(100);
  }
});

Deno.test("a service whose namespace nobody says is asked for", async () => {
  using mesh = await measured();
  const response = mesh.fetch("/api/v1/routes?kind=deploy&to=cart");
  assert.equal(response.status, 400);
  assert.match(await response.text(), /toNamespace is missing/);
});
