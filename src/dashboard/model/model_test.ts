import assert from "node:assert/strict";
import type { Edge, RequestStats } from "../../mesh/api.ts";
import { startFixtureApi } from "../../../tests/browser/fixture_api.ts";
import { connectMetricsApi } from "../metrics_api.ts";
import { mergeEdges, sumRequests } from "./edges.ts";
import { healthOf } from "./health.ts";
import { loadOverview } from "./overview.ts";
import { chartOf, resourcePath, shortKinds, statCommand, withWindow } from "./resource.ts";
import { MeshFailure } from "../../mesh/error.ts";
import { chartFrom, loadWorkload } from "./workload.ts";

const requests = (success: number, failure: number, latencyP99: number, mtls = 1): RequestStats => ({
  success,
  failure,
  rps: (success + failure) / 60,
  successRate: success / (success + failure),
  latencyP99,
  mtls,
});

Deno.test("sums weigh rates by their requests and keep the highest of each quantile", () => {
  const sum = sumRequests([requests(90, 10, 20, 1), requests(300, 0, 50, 0.5)]);
  assert.equal(sum.successRate, 390 / 400);
  assert.equal(sum.mtls, (100 * 1 + 300 * 0.5) / 400);
  assert.equal(sum.latencyP99, 50);
  assert.equal(sum.latencyP50, undefined);
  assert.equal(sumRequests([]).successRate, undefined);
});

Deno.test("edges of the same two resources are one, and mixed where only some are secured", () => {
  const edge = (isMtls: boolean): Edge => ({
    source: { kind: "deployment", namespace: "a", name: "web" },
    destination: { kind: "deployment", namespace: "a", name: "cart" },
    clientId: "",
    serverId: "",
    isMtls,
    noTlsReason: isMtls ? "" : "loopback",
    requests: requests(10, 0, 1),
    tcp: { openConnections: 2, readBytesPerSecond: 1, writeBytesPerSecond: 1 },
  });
  assert.deepEqual(
    mergeEdges([edge(true), edge(false)]).map((one) => [one.security, one.tcp.openConnections]),
    [
      ["mixed", 4],
    ],
  );
  assert.equal(mergeEdges([edge(false)])[0]!.security, "plain");
});

Deno.test("health is judged by success, and nothing asked is idle", () => {
  const judged = [0.999, 0.99, 0.98, 0.95, 0.9].map((successRate) => healthOf({ successRate }));
  assert.deepEqual(judged, ["good", "good", "warn", "warn", "bad"]);
  assert.equal(healthOf({}), "idle");
});

Deno.test("paths and commands name resources as Linkerd does", () => {
  assert.equal(
    resourcePath({ kind: "statefulset", namespace: "a b", name: "x/y" }),
    "/namespaces/a%20b/statefulsets/x%2Fy",
  );
  assert.equal(resourcePath({ kind: "namespace", namespace: "", name: "shop" }), "/namespaces/shop");
  assert.equal(statCommand("deploy", { window: "1m" }), "linkerd stat deploy -A");
  assert.equal(
    statCommand("deploy", { namespace: "shop", window: "10m", more: "--to deploy/web" }),
    "linkerd stat deploy -n shop --to deploy/web -t 10m",
  );
  assert.deepEqual(shortKinds([{ kind: "statefulset" }, { kind: "deployment" }]), ["deploy", "sts"]);
  assert.deepEqual(shortKinds([]), ["deploy"]);
  assert.equal(withWindow("/", "1m"), "/");
  assert.equal(withWindow("/", "10m"), "/?window=10m");
});

Deno.test("a chart has null where nothing was measured, and its whole span", () => {
  const tcp = { openConnections: 1, readBytesPerSecond: 2.4, writeBytesPerSecond: 3.6 };
  const chart = chartFrom({
    resource: { kind: "deployment", namespace: "a", name: "web" },
    stepMs: 1000,
    points: [
      { at: 1_000, requests: { success: 0, failure: 0, rps: 0 }, tcp },
      { at: 2_000, requests: requests(99, 1, 12.34), tcp },
    ],
  }, 60_000);
  assert.deepEqual([chart.at, chart.span], [[1, 2], 60]);
  assert.deepEqual(chart.successPercent, [null, 99]);
  assert.deepEqual(chart.latencyP99, [null, 12.3]);
  assert.deepEqual(chart.readBytesPerSecond, [2, 2]);
});

Deno.test("charts of a mesh that is watched for two minutes do not show ten", async () => {
  const fixture = startFixtureApi({ ageMs: 100_000 });
  const view = await loadWorkload(connectMetricsApi(fixture.url), {
    kind: "deployment",
    namespace: "shop",
    name: "web",
  }, "1m");
  assert.deepEqual([view.chart.span, view.chartTitle], [120, "2 minutes"]);
  await fixture.stop();
  assert.deepEqual(chartOf("1m", 0), { chart: "1m", chartTitle: "minute" });
  assert.deepEqual(chartOf("1m", 300_001), { chart: "10m", chartTitle: "10 minutes" });
  assert.deepEqual(chartOf("1h", 400_000), { chart: "1h", chartTitle: "hour" }, "the window at least");
  assert.deepEqual(chartOf("30m", 400_000), { chart: "30m", chartTitle: "30m" });
});

Deno.test("the overview counts applications, shows them first, and keeps the control plane out of the topology", async () => {
  const fixture = startFixtureApi();
  const { view } = await loadOverview(connectMetricsApi(fixture.url), { window: "1m" });
  const namespaces = [...new Set(view.rows.map((row) => row.resource.namespace))];
  assert.deepEqual(namespaces, ["logistics", "shop", "linkerd", "kube-system"]);
  assert.deepEqual([view.summary.meshedPods, view.summary.runningPods], [17, 18]);
  assert.equal(view.summary.slowest?.resource.name, "carriers");
  assert.ok(view.topology.nodes.every((node) => node.resource.namespace !== "linkerd"));
  const one = await loadOverview(connectMetricsApi(fixture.url), { window: "1m", namespace: "linkerd" });
  assert.deepEqual(one.view.topology.nodes.map((node) => node.label).sort(), ["metrics-api", "web"]);
  await fixture.stop();
});

Deno.test("a metrics-api that does not know of routes has none, and the page all else", async () => {
  const fixture = startFixtureApi(), api = connectMetricsApi(fixture.url);
  const unknown = () =>
    Promise.reject(new MeshFailure({ code: "path-unknown", source: "usage", detail: "" }));
  const web = { kind: "deployment", namespace: "shop", name: "web" } as const;
  const view = await loadWorkload({ ...api, statInbound: unknown, statOutbound: unknown }, web, "1m");
  assert.deepEqual([view.inboundRoutes, view.outboundRoutes, view.pods.length], [[], [], 2]);
  const failing = () =>
    Promise.reject(new MeshFailure({ code: "unexpected", source: "mesh", detail: "out of order" }));
  await assert.rejects(() => loadWorkload({ ...api, statInbound: failing }, web, "1m"), /out of order/);
  await fixture.stop();
});

Deno.test("a workload has its own edges and pods only; one that is not there is said to be missing", async () => {
  const fixture = startFixtureApi();
  const api = connectMetricsApi(fixture.url);
  const web = { kind: "deployment", namespace: "shop", name: "web" } as const;
  const view = await loadWorkload(api, web, "1m");
  assert.deepEqual(view.inbound.map((edge) => edge.source.name), ["load"]);
  assert.deepEqual(view.outbound.map((edge) => edge.destination.name).sort(), [
    "cart",
    "catalog",
    "payment",
    "recommend",
  ]);
  assert.deepEqual(view.inboundRoutes.map(({ server }) => server.port), [8080]);
  const catalog = view.outboundRoutes.find(({ route }) => route.name === "catalog-canary");
  assert.deepEqual(catalog?.backends.map(({ backend }) => backend.name), ["catalog", "catalog-v2"]);
  assert.equal(view.outboundRoutes.length, 4);
  assert.equal(view.pods.length, 2);
  assert.ok(view.pods.every((pod) => pod.requests !== undefined));
  assert.equal(view.chart.span, 600);
  await assert.rejects(
    () => loadWorkload(api, { ...web, name: "nobody" }, "1m"),
    /no Deployment nobody in the namespace shop/,
  );
  await assert.rejects(
    () => loadWorkload(api, { ...web, namespace: "nowhere" }, "1m"),
    /no namespace nowhere/,
  );
  await fixture.stop();
});
