import assert from "node:assert/strict";
import { ApiDefinition } from "../../../proto/gen/viz.ts";
import { NAMESPACES, PODS, SERVICES } from "../../kube/kinds.ts";
import type {
  EdgesResponse,
  ErrorResponse,
  NamespacesResponse,
  SeriesResponse,
  StatResponse,
  StatusResponse,
  WorkloadsResponse,
} from "../../mesh/api.ts";
import { GrpcClient } from "../grpc/client.ts";
import { GrpcServer } from "../grpc/server.ts";
import { pod, service } from "../testing/objects.ts";
import { LATENCY_BOUNDS } from "./histogram.ts";
import { Harness, ISSUER_END, T0 } from "./testing/harness.ts";
import { vizHandlers } from "./viz_api.ts";

interface Traffic {
  labels: string;
  success?: number;
  failure?: number;
  /** Latency in ms of every response, all in one bucket. */
  latencyMs?: number;
}

/** A proxy's /metrics after so much traffic. */
function exposition(
  startedAt: number,
  http: Traffic[],
  tcp: { labels: string; open: number; read: number }[] = [],
) {
  const lines = [`process_start_time_seconds ${startedAt / 1000}`];
  for (const { labels, success = 0, failure = 0, latencyMs = 5 } of http) {
    lines.push(`response_total{${labels},status_code="200",classification="success"} ${success}`);
    lines.push(`response_total{${labels},status_code="500",classification="failure"} ${failure}`);
    const count = success + failure;
    for (const bound of LATENCY_BOUNDS) {
      lines.push(
        `response_latency_ms_bucket{${labels},status_code="200",le="${bound}"} ${
          bound >= latencyMs ? count : 0
        }`,
      );
    }
    lines.push(`response_latency_ms_bucket{${labels},status_code="200",le="+Inf"} ${count}`);
  }
  for (const { labels, open, read } of tcp) {
    lines.push(`tcp_open_connections{${labels}} ${open}`, `tcp_open_total{${labels}} ${open}`);
    lines.push(`tcp_read_bytes_total{${labels}} ${read}`, `tcp_write_bytes_total{${labels}} ${read * 2}`);
  }
  return lines.join("\n") + "\n";
}

const INBOUND =
  'direction="inbound",tls="true",client_id="load.shop.serviceaccount.identity.linkerd.cluster.local"';
const OUTBOUND =
  'direction="outbound",tls="true",authority="web.shop.svc.cluster.local:80",dst_namespace="shop",' +
  'dst_service="web",dst_pod="web-1",dst_deployment="web",server_id="web.shop.serviceaccount.identity.linkerd.cluster.local"';

Deno.test("stat counts what the proxies counted: rates over the window, totals since they started", async () => {
  using mesh = new Harness();
  mesh.meshed("web-1", "web");
  mesh.meshed("load-1", "load");
  mesh.kube.put(PODS, pod({ name: "plain", ip: "10.42.0.9" }));
  await mesh.start();
  for (let second = 1; second <= 60; second++) {
    mesh.answers.set("web-1", exposition(T0, [{ labels: INBOUND, success: second * 9, failure: second }]));
    mesh.answers.set("load-1", exposition(T0, [{ labels: OUTBOUND, success: second * 9, failure: second }]));
    await mesh.tick();
  }
  const answer = await mesh.json<StatResponse>("/api/v1/stat?kind=deploy&namespace=shop&window=1m");
  assert.equal(answer.coveredMs, 60_000);
  assert.deepEqual(answer.rows.map((row) => row.resource.name), ["load", "web"]);
  const [load, web] = answer.rows;
  assert.equal(load?.requests, undefined, "it only sends");
  assert.equal(web?.requests?.success, 540);
  assert.equal(web?.requests?.failure, 60);
  assert.equal(web?.requests?.successRate, 0.9);
  assert.equal(web?.requests?.rps, 10);
  assert.equal(web?.requests?.mtls, 1);
  assert.equal(web?.requests?.latencyP50, 4.5, "between 4 and 5 ms");
  assert.deepEqual(web?.total, { success: 540, failure: 60 });
  assert.deepEqual([web?.meshedPods, web?.runningPods], [1, 1]);

  const pods = await mesh.json<StatResponse>("/api/v1/stat?kind=pods&namespace=shop&window=10s");
  assert.deepEqual(pods.rows.map((row) => [row.resource.name, row.meshedPods, row.requests?.success]), [
    ["load-1", 1, undefined],
    ["plain", 0, undefined],
    ["web-1", 1, 90],
  ]);
  const to = await mesh.json<StatResponse>("/api/v1/stat?kind=deployment&toKind=deployment&to=web&window=1m");
  assert.deepEqual(to.rows.map((row) => [row.resource.name, row.requests?.success]), [["load", 540]]);
  const from = await mesh.json<StatResponse>(
    "/api/v1/stat?kind=deployment&fromKind=deployment&from=load&window=1m",
  );
  assert.deepEqual(from.rows.map((row) => [row.resource.name, row.requests?.success]), [["web", 540]]);
  mesh.kube.put(SERVICES, service({ name: "web" }));
  const services = await mesh.json<StatResponse>("/api/v1/stat?kind=svc&namespace=shop");
  assert.deepEqual(services.rows.map((row) => [row.resource.name, row.total.success]), [["web", 540]]);
  const authorities = await mesh.json<StatResponse>("/api/v1/stat?kind=au");
  assert.deepEqual(authorities.rows.map((row) => row.resource.name), ["web.shop.svc.cluster.local:80"]);
});

Deno.test("what a proxy counted before this component ran is in the totals and not in the window", async () => {
  using mesh = new Harness();
  mesh.meshed("web-1", "web");
  await mesh.start();
  const longAgo = T0 - 3_600_000;
  mesh.answers.set("web-1", exposition(longAgo, [{ labels: INBOUND, success: 1000 }]));
  await mesh.tick();
  mesh.answers.set("web-1", exposition(longAgo, [{ labels: INBOUND, success: 1007 }]));
  await mesh.tick();
  const [row] = (await mesh.json<StatResponse>("/api/v1/stat?kind=deployment")).rows;
  assert.equal(row?.requests?.success, 7);
  assert.equal(row?.total.success, 1007);
});

Deno.test("a proxy that starts anew counts on from where it was, and a pod that is gone keeps its totals", async () => {
  using mesh = new Harness();
  mesh.meshed("web-1", "web");
  await mesh.start();
  mesh.answers.set(
    "web-1",
    exposition(T0, [{ labels: INBOUND, success: 50 }], [{
      labels: 'direction="inbound",peer="src",tls="true"',
      open: 3,
      read: 100,
    }]),
  );
  await mesh.tick();
  mesh.answers.set(
    "web-1",
    exposition(mesh.now, [{ labels: INBOUND, success: 60 }], [{
      labels: 'direction="inbound",peer="src",tls="true"',
      open: 2,
      read: 10,
    }]),
  );
  await mesh.tick();
  let [row] = (await mesh.json<StatResponse>("/api/v1/stat?kind=deployment")).rows;
  assert.equal(row?.total.success, 110, "more than before, but another process");
  assert.equal(row?.tcp?.openConnections, 2);
  mesh.answers.set("web-1", new Error("away"));
  await mesh.tick();
  const { workloads } = await mesh.json<WorkloadsResponse>("/api/v1/workloads?namespace=shop");
  assert.equal(workloads[0]?.pods[0]?.scrapeError, "away");
  assert.equal(workloads[0]?.pods[0]?.scrapedAgoMs, 1_000);
  mesh.kube.remove(PODS, "web-1", "shop");
  while (mesh.context.inventory.pods().length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await mesh.tick();
  [row] = (await mesh.json<StatResponse>("/api/v1/stat?kind=deployment")).rows;
  assert.equal(row?.total.success, 110);
  assert.equal(row?.tcp?.openConnections, 0);
  assert.equal(row?.runningPods, undefined);
});

Deno.test("an hour is answered from rolled-up steps with the same sums as the scrapes", async () => {
  using mesh = new Harness();
  mesh.meshed("web-1", "web");
  await mesh.start();
  let success = 0;
  for (let step = 1; step <= 400; step++) {
    success += step % 7;
    mesh.answers.set(
      "web-1",
      exposition(T0, [{ labels: INBOUND, success, latencyMs: step % 2 === 0 ? 1 : 100 }]),
    );
    await mesh.tick(9_000);
  }
  for (const window of ["1h", "90m", "3h"]) {
    const [row] = (await mesh.json<StatResponse>(`/api/v1/stat?kind=deployment&window=${window}`)).rows;
    assert.equal(row?.requests?.success, success, window);
  }
  const { points, stepMs } = await mesh.json<SeriesResponse>(
    "/api/v1/series?kind=deployment&namespace=shop&name=web&window=1h&step=1m",
  );
  assert.equal(stepMs, 60_000);
  assert.equal(points.length, 60);
  const inPoints = points.reduce((sum, point) => sum + point.requests.success, 0);
  assert.ok(Math.abs(inPoints - success) <= 7 * 7, "all but the step that has not ended");
});

Deno.test("even traffic makes an even series, whatever its window: no step is finer than what it is read from", async () => {
  using mesh = new Harness();
  mesh.meshed("web-1", "web");
  await mesh.start();
  for (let step = 1; step <= 4_200; step++) {
    mesh.answers.set("web-1", exposition(T0, [{ labels: INBOUND, success: 10 * step }]));
    await mesh.tick(1_000);
    if (![150, 290, 600, 1_900, 4_200].includes(step)) continue;
    for (const window of ["1m", "2m", "5m", "10m", "30m", "1h", "3h", "6h"]) {
      const { points } = await mesh.json<SeriesResponse>(
        `/api/v1/series?kind=deployment&namespace=shop&name=web&window=${window}`,
      );
      const rates = points.slice(2, -1).map(({ requests }) => Math.round(requests.rps));
      assert.ok(rates.every((rate) => rate === 10), `${window} after ${step} s: ${rates}`);
      if (step === 4_200) assert.ok(rates.length > 15, `${window} has ${rates.length}`);
    }
  }
});

Deno.test("edges name both ends by identity, and say why where there is none", async () => {
  using mesh = new Harness();
  mesh.meshed("load-1", "load");
  await mesh.start();
  const plain =
    'direction="outbound",peer="dst",tls="no_identity",no_tls_reason="not_provided_by_service_discovery",' +
    'dst_namespace="shop",dst_pod="db-0",dst_statefulset="db"';
  for (const read of [1, 2]) {
    mesh.answers.set(
      "load-1",
      exposition(T0, [{ labels: OUTBOUND, success: read * 10 }], [{ labels: plain, open: 1, read }]),
    );
    await mesh.tick();
  }
  const { edges } = await mesh.json<EdgesResponse>("/api/v1/edges?namespace=shop");
  assert.deepEqual(
    edges.map((edge) => [edge.source.name, edge.destination.name, edge.isMtls, edge.noTlsReason]),
    [
      ["load", "db", false, "not_provided_by_service_discovery"],
      ["load", "web", true, ""],
    ],
  );
  assert.equal(edges[0]?.destination.kind, "statefulset");
  assert.equal(edges[0]?.tcp.openConnections, 1);
  assert.equal(edges[1]?.clientId, "load.shop.serviceaccount.identity.linkerd.cluster.local");
  assert.equal(edges[1]?.serverId, "web.shop.serviceaccount.identity.linkerd.cluster.local");
  assert.equal(edges[1]?.requests.success, 20);
});

Deno.test("namespaces tell how much of them is meshed", async () => {
  using mesh = new Harness();
  mesh.kube.put(NAMESPACES, {
    metadata: { name: "linkerd", labels: { "linkerd.io/is-control-plane": "true" } },
  });
  mesh.kube.put(NAMESPACES, { metadata: { name: "shop" } });
  mesh.meshed("web-1", "web");
  mesh.kube.put(PODS, pod({ name: "plain" }));
  await mesh.start();
  assert.deepEqual((await mesh.json<StatusResponse>("/api/v1/status")).certificates, [ISSUER_END]);
  assert.deepEqual((await mesh.json<NamespacesResponse>("/api/v1/namespaces")).namespaces, [
    { name: "linkerd", isControlPlane: true, meshedPods: 0, runningPods: 0 },
    { name: "shop", isControlPlane: false, meshedPods: 1, runningPods: 2 },
  ]);
  const stat = await mesh.json<StatResponse>("/api/v1/stat?kind=ns");
  assert.deepEqual(stat.rows.map((row) => [row.resource.name, row.meshedPods]), [["linkerd", 0], [
    "shop",
    1,
  ]]);
});

Deno.test("questions that cannot be answered are refused with a code and the known words", async () => {
  using mesh = await new Harness().start();
  for (
    const [path, status, code] of [
      ["/api/v1/stat", 400, "parameter-missing"],
      ["/api/v1/stat?kind=widget", 400, "kind-unknown"],
      ["/api/v1/stat?kind=pod&windo=1m", 400, "parameter-unknown"],
      ["/api/v1/stat?kind=pod&window=soon", 400, "window-invalid"],
      ["/api/v1/stat?kind=pod&window=1s", 400, "window-out-of-range"],
      ["/api/v1/stat?kind=pod&window=1y", 400, "window-out-of-range"],
      ["/api/v1/stat?kind=pod&to=a&from=b", 400, "to-and-from"],
      ["/api/v1/stat?kind=pod&labels=a==b==c", 400, "selector-invalid"],
      ["/api/v1/series?kind=pod", 400, "parameter-missing"],
      ["/api/v1/series?kind=pod&name=a&step=1ms", 400, "step-invalid"],
      ["/api/v1/nothing", 404, "path-unknown"],
    ] as const
  ) {
    const response = mesh.fetch(path);
    assert.equal(response.status, status, path);
    assert.equal((await response.json() as ErrorResponse).error.code, code, path);
  }
  const injection = await mesh.json<StatResponse>("/api/v1/stat?kind=pod&namespace=%27%20OR%201%3D1--");
  assert.deepEqual(injection.rows, []);
  assert.ok(
    Object.keys((await mesh.json<{ paths: object }>("/openapi.json")).paths).includes("/api/v1/stat"),
  );
});

Deno.test("a watch sends figures at once and again, and ends with its reader", async () => {
  using mesh = new Harness();
  mesh.meshed("web-1", "web");
  await mesh.start();
  const response = mesh.fetch("/api/v1/stat/watch?kind=deployment&interval=250ms");
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (let event = 0; event < 2; event++) {
    const { value } = await reader.read();
    assert.match(value ?? "", /^event: stat\ndata: \{.*"name":"web".*\}\n\n$/);
  }
  await reader.cancel();
});

Deno.test("Linkerd's own tools get the same figures over gRPC", async () => {
  using mesh = new Harness();
  mesh.meshed("web-1", "web");
  await mesh.start();
  for (const success of [10, 30]) {
    mesh.answers.set("web-1", exposition(T0, [{ labels: INBOUND, success }]));
    await mesh.tick();
  }
  const server = new GrpcServer();
  server.add(ApiDefinition, vizHandlers(mesh.context));
  const client = new GrpcClient(ApiDefinition, `127.0.0.1:${await server.listen(0, "127.0.0.1")}`);
  try {
    const selector = { resource: { namespace: "shop", type: "deployments", name: "" }, labelSelector: "" };
    const answer = await client.call("statSummary", {
      selector,
      timeWindow: "1m",
      outbound: undefined,
      skipStats: false,
      tcpStats: true,
    });
    assert.ok(answer.response?.$case === "ok");
    const [row] = answer.response.value.statTables[0]?.table?.value.rows ?? [];
    assert.equal(row?.resource?.name, "web");
    assert.equal(row?.stats?.successCount, 30n);
    assert.equal(row?.meshedPodCount, 1n);
    const { pods } = await client.call("listPods", { selector });
    assert.deepEqual(pods.map((one) => [one.name, one.owner?.value, one.added]), [[
      "shop/web-1",
      "shop/web",
      true,
    ]]);
    const check = await client.call("selfCheck", {});
    assert.deepEqual(check.results.map((one) => one.Status), [0, 0]);
    await assert.rejects(
      client.call("statSummary", {
        selector,
        timeWindow: "soon",
        outbound: undefined,
        skipStats: false,
        tcpStats: false,
      }),
      { code: 3 },
    );
    await assert.rejects(
      client.call("gateways", { remoteClusterName: "", gatewayNamespace: "", timeWindow: "" }),
      {
        code: 12,
      },
    );
  } finally {
    client.close();
    await server.stop(100);
  }
});
