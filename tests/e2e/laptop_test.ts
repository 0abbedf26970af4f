/**
 * The whole mesh on a laptop cluster, under load, while things happen to it. The load generator's own counts are the
 * yardstick: nothing but the deliberate failures may fail, and the mesh must have counted what it counted.
 */
import { equal, ok } from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { applyObjects } from "../../src/kube/apply.ts";
import { DEPLOYMENTS, PODS } from "../../src/kube/kinds.ts";
import type { KubernetesObject } from "../../src/kube/resource.ts";
import { getJson } from "../../src/kube/service_proxy.ts";
import { isolationObstacle } from "../../src/linux/unshare.ts";
import { type Cluster, startCluster } from "../../src/local/cluster/cluster.ts";
import type { LoadCounts } from "../../src/local/demo/load.ts";
import { installMesh } from "../../src/local/install.ts";
import { waitForWorkloads } from "../../src/local/workloads.ts";
import { apiPath, type EdgesResponse, type StatResponse } from "../../src/mesh/api.ts";

const obstacle = isolationObstacle();
if (obstacle !== undefined) console.log(`the end-to-end test is skipped: ${obstacle}`);
const METRICS_API = { namespace: "linkerd", name: "metrics-api", port: 8080 };
const TIMEOUT_MS = 60_000;

type Counts = LoadCounts & { readonly inFlight: number };

/** Asks until `enough`. @throws Error that says what was seen last */
async function until<T>(what: string, ask: () => Promise<T>, enough: (answer: T) => boolean): Promise<T> {
  const deadline = performance.now() + TIMEOUT_MS;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const answer = await ask();
      if (enough(answer)) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`${what}: not within ${TIMEOUT_MS / 1000} s; last seen: ${JSON.stringify(last)} ${last}`);
}

async function deployShop({ client }: Cluster): Promise<void> {
  const text = Deno.readTextFileSync(new URL("../../src/local/demo/shop.yaml", import.meta.url));
  const objects = parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
  await applyObjects(client, objects, { fieldManager: "test" });
  await waitForWorkloads(client, "shop", { timeoutMs: TIMEOUT_MS });
}

/** A rolling restart, as `kubectl rollout restart` does it. */
async function roll({ client }: Cluster, name: string): Promise<void> {
  const annotations = { "kubectl.kubernetes.io/restartedAt": new Date().toISOString() };
  const body = { spec: { template: { metadata: { annotations } } } };
  await client.patch(DEPLOYMENTS, name, "shop", body, { type: "strategic" });
  await until(
    `${name} is rolled`,
    () => client.get(DEPLOYMENTS, name, "shop"),
    ({ status, metadata, spec }) =>
      status?.observedGeneration === metadata?.generation &&
      status?.updatedReplicas === (spec?.replicas ?? 1) &&
      status?.replicas === status?.updatedReplicas && status?.readyReplicas === status?.replicas,
  );
}

Deno.test({
  name:
    "under load nothing fails but what is meant to, while workloads are rolled and the control plane is replaced",
  ignore: obstacle !== undefined,
  async fn() {
    const cluster = await startCluster();
    try {
      await installMesh(cluster.client);
      await waitForWorkloads(cluster.client, "linkerd", { timeoutMs: TIMEOUT_MS });
      await deployShop(cluster);
      const load = { namespace: "shop", name: "load", port: 80 };
      const counts = () => getJson<Counts>(cluster.client, load, "/counts");
      const more = async (requests: number) => {
        const { requests: before } = await counts();
        return await until("the load goes on", counts, (now) => now.requests >= before + requests);
      };
      await until("the load has begun", counts, ({ requests }) => requests > 200);

      await roll(cluster, "recommend");
      await roll(cluster, "web");
      await more(200);
      const controllers = await cluster.client.list(PODS, { namespace: "linkerd" });
      const doomed = controllers.items.filter(({ metadata }) =>
        /destination|identity/.test(metadata?.name ?? "")
      );
      equal(doomed.length, 2);
      for (const { metadata } of doomed) {
        await cluster.client.delete(PODS, metadata!.name!, "linkerd", { gracePeriodSeconds: 0 });
      }
      await more(400);
      await waitForWorkloads(cluster.client, "linkerd", { timeoutMs: TIMEOUT_MS });
      await more(200);

      await cluster.client.raw("POST", "/api/v1/namespaces/shop/services/load:80/proxy/stop");
      const final = await until("all is answered", counts, ({ inFlight }) => inFlight === 0);
      equal(final.unexpected, 0, `failed without reason: ${final.examples.join("; ")}`);
      ok((final.purchases["503"] ?? 0) > 0, "the deliberate failures are there");

      const stat = await until(
        "the last scrape is in",
        () =>
          getJson<StatResponse>(
            cluster.client,
            METRICS_API,
            apiPath("/api/v1/stat", { kind: "deployment", namespace: "shop", name: "web", window: "5m" }),
          ),
        ({ rows }) =>
          Math.abs(rows[0]!.total.success + rows[0]!.total.failure - final.requests) <= final.requests * 0.01,
      );
      const { total } = stat.rows[0]!;
      ok(
        Math.abs(total.failure - (final.statuses["503"] ?? 0)) <= final.requests * 0.01,
        JSON.stringify(total),
      );

      const edgesPath = apiPath("/api/v1/edges", { kind: "deployment", namespace: "shop", window: "5m" });
      const { edges } = await getJson<EdgesResponse>(cluster.client, METRICS_API, edgesPath);
      ok(edges.length >= 6, `${edges.length} edges`);
      const plain = edges.filter(({ isMtls }) => !isMtls).map(({ source, destination }) =>
        `${source.name}→${destination.name}`
      );
      equal(plain.join(), "", "every meshed edge is mutual TLS");
    } finally {
      await cluster.stop();
    }
    const left = [...Deno.readDirSync("/tmp")].filter(({ name }) => cluster.directory.endsWith(name));
    equal(left.length, 0, "nothing is left");
  },
});
