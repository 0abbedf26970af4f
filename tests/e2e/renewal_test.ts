/**
 * Certificates that last seconds, renewed again and again under load: no request fails, and a connection that was
 * opened with a certificate that has long expired goes on.
 */
import { equal, ok } from "node:assert/strict";
import { applyObjects } from "../../src/kube/apply.ts";
import { type Deployment, PODS, type Service } from "../../src/kube/kinds.ts";
import type { KubernetesObject } from "../../src/kube/resource.ts";
import { getJson } from "../../src/kube/service_proxy.ts";
import { isolationObstacle } from "../../src/linux/unshare.ts";
import type { Cluster } from "../../src/local/cluster/cluster.ts";
import { waitForWorkloads } from "../../src/local/workloads.ts";
import { readCounts, SHOP, startMeshedShop, stopLoad } from "./meshed_shop.ts";
import { PATIENCE_MS, until } from "./until.ts";

const obstacle = isolationObstacle();
/** A certificate counts for 8 s, and is renewed when 70 % of that is over. */
const SHORT_LIVED = {
  identity: { issuer: { issuanceLifetime: "6s", clockSkewAllowance: "2s" } },
  proxy: { additionalEnv: [{ name: "LINKERD2_PROXY_IDENTITY_MIN_REFRESH", value: "1s" }] },
};
const RENEWALS = 3;

/** One connection to the store, for ever: it ends itself when that breaks. */
const STEADY_CLIENT = `
const connection = await Deno.connect({ hostname: "store", port: 6379 }), buffer = new Uint8Array(256);
const line = async () => { if (await connection.read(buffer) === null) { console.error("closed"); Deno.exit(1); } };
let answers = 0;
Deno.serve({ port: 8080, hostname: "0.0.0.0" }, () => Response.json({ answers }));
await line();
for (;; answers++) {
  await connection.write(new TextEncoder().encode("INCR steady\\n"));
  await line();
  await new Promise((done) => setTimeout(done, 50));
}`;

function steadyClient(): KubernetesObject[] {
  const metadata = { name: "steady", namespace: SHOP }, labels = { app: "steady" };
  const container = {
    name: "steady",
    image: "linkerd-deno/demo",
    command: [Deno.execPath(), "eval", STEADY_CLIENT],
    ports: [{ containerPort: 8080 }],
    readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
  };
  const template = { metadata: { labels }, spec: { containers: [container] } };
  const objects: (Service | Deployment)[] = [
    { apiVersion: "v1", kind: "Service", metadata, spec: { selector: labels, ports: [{ port: 8080 }] } },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    },
  ];
  return objects;
}

/** The lines of a metric of each of the shop's proxies, by pod and labels. */
async function proxyCounters({ client }: Cluster, pattern: RegExp): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const { metadata } of (await client.list(PODS, { namespace: SHOP })).items) {
    const path = `/api/v1/namespaces/${SHOP}/pods/${metadata?.name}:4191/proxy/metrics`;
    const text = await (await client.raw("GET", path)).text();
    for (const [, labels, value] of text.matchAll(pattern)) {
      found.set(`${metadata?.name} ${labels}`, Number(value));
    }
  }
  return found;
}

const REFRESHES = /^control_identity_cert_refreshes_total\{(result="ok")\} (\d+)$/gm;
const FAILED_REFRESHES = /^control_identity_cert_refreshes_total\{(result="error")\} (\d+)$/gm;
/** Between proxies: what applications and probes do with theirs is their own affair. */
const BROKEN = /^tcp_close_total\{(.*tls="true".*errno="[^"]+".*)\} (\d+)$/gm;

Deno.test({
  name: "certificates are renewed several times under load, and no request or connection notices",
  ignore: obstacle !== undefined,
  async fn() {
    const cluster = await startMeshedShop(SHORT_LIVED), { client } = cluster;
    try {
      await applyObjects(client, steadyClient(), { fieldManager: "test" });
      await waitForWorkloads(client, SHOP, { timeoutMs: PATIENCE_MS });
      const service = { namespace: SHOP, name: "steady", port: 8080 };
      const answers = async () => (await getJson<{ answers: number }>(client, service, "/")).answers;
      await until("the steady client has its connection", answers, (count) => count > 0);
      const [renewed, broken] = [
        await proxyCounters(cluster, REFRESHES),
        await proxyCounters(cluster, BROKEN),
      ];
      ok(renewed.size >= 8, `${renewed.size} proxies`);
      await until(
        "every proxy has renewed its certificate several times",
        async () => [...await proxyCounters(cluster, REFRESHES)],
        (now) => now.every(([pod, count]) => count >= (renewed.get(pod) ?? 0) + RENEWALS),
      );
      const before = await answers();
      await until("the steady client goes on", answers, (count) => count > before);
      const counts = await stopLoad(cluster);
      equal(counts.unexpected, 0, counts.examples.join("; "));
      ok(counts.requests > 1000, `${counts.requests} requests`);
      const [steady] = (await client.list(PODS, { namespace: SHOP, labelSelector: "app=steady" })).items;
      equal(steady?.status?.containerStatuses?.[0]?.restartCount, 0, "its one connection never broke");
      for (const [pod, count] of await proxyCounters(cluster, BROKEN)) {
        equal(count, broken.get(pod) ?? 0, `connections that broke: ${pod}`);
      }
      for (const [pod, count] of await proxyCounters(cluster, FAILED_REFRESHES)) {
        equal(count, 0, `renewals that failed at ${pod}`);
      }
      equal((await readCounts(cluster)).inFlight, 0);
    } finally {
      await cluster.stop();
    }
  },
});
