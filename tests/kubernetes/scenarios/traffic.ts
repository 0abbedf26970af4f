/** What happens to workloads every day, while the load goes on: nothing of it may cost a request. */
import { equal } from "node:assert/strict";
import { applyObjects } from "../../../src/kube/apply.ts";
import { DEPLOYMENTS, PODS } from "../../../src/kube/kinds.ts";
import { waitForWorkloads } from "../../../src/local/workloads.ts";
import { expectMutualTls } from "../../e2e/agreement.ts";
import { more, readCounts, roll, SHOP, shopObjects } from "../../e2e/meshed_shop.ts";
import { PATIENCE_MS, until } from "../../e2e/until.ts";
import { linkerd, linkerdInto } from "../commands.ts";
import type { KubernetesCluster } from "../harness/cluster.ts";

const SETTLING_REQUESTS = 400;

/** Runs something under load. @throws AssertionError with the requests that failed meanwhile or soon after */
export async function unharmed(
  cluster: KubernetesCluster,
  what: string,
  work: () => Promise<unknown>,
): Promise<void> {
  const before = await readCounts(cluster), started = performance.now();
  await work();
  const after = await more(cluster, SETTLING_REQUESTS);
  const requests = after.requests - before.requests, failed = after.unexpected - before.unexpected;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`    ${what}: ${failed} of ${requests} requests failed in ${seconds} s`);
  equal(failed, 0, `${what}: ${after.examples.slice(-failed).join("; ")}`);
}

export async function deployShop(cluster: KubernetesCluster): Promise<void> {
  const { client } = cluster;
  await applyObjects(client, shopObjects(), { fieldManager: "test" });
  await waitForWorkloads(client, SHOP, { timeoutMs: PATIENCE_MS });
  await until("the load has begun", () => readCounts(cluster), ({ requests }) => requests > 200);
  const pods = await client.list(PODS, { namespace: SHOP });
  const unmeshed = pods.items.filter(({ spec }) =>
    !spec?.initContainers?.some(({ name, restartPolicy }) =>
      name === "linkerd-proxy" && restartPolicy === "Always"
    )
  );
  equal(unmeshed.map(({ metadata }) => metadata?.name).join(", "), "", "pods without a native sidecar");
  await until(
    "the first scrapes are in",
    () => expectMutualTls(cluster).then(() => true),
    (isSeen) => isSeen,
  );
  await linkerd(cluster, "check", "--proxy");
}

async function scale({ client }: KubernetesCluster, name: string, replicas: number): Promise<void> {
  await client.patch(DEPLOYMENTS, name, SHOP, { spec: { replicas } }, { type: "merge" });
  await until(
    `${name} has ${replicas} replicas`,
    () => client.get(DEPLOYMENTS, name, SHOP),
    ({ status }) => status?.readyReplicas === replicas && status.replicas === replicas,
  );
  await until(
    `the others are gone`,
    () => client.list(PODS, { namespace: SHOP, labelSelector: `app=${name}` }),
    ({ items }) => items.length === replicas,
  );
}

/** As a drain does it, one pod after the other. */
async function evict({ client }: KubernetesCluster, name: string): Promise<void> {
  const selector = { namespace: SHOP, labelSelector: `app=${name}` };
  const { items } = await client.list(PODS, selector);
  for (const { metadata } of items) {
    const gone = metadata!.name!;
    await client.createSubresource(PODS, gone, SHOP, "eviction", {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name: gone, namespace: SHOP },
    });
    await until(
      `another pod stands in for ${gone}`,
      () => client.list(PODS, selector),
      (now) =>
        now.items.length === items.length &&
        now.items.every(({ metadata, status }) =>
          metadata?.name !== gone &&
          status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True")
        ),
    );
  }
}

export async function everyday(cluster: KubernetesCluster): Promise<void> {
  await unharmed(cluster, "roll two applications", async () => {
    await roll(cluster, "web");
    await roll(cluster, "recommend");
  });
  await unharmed(cluster, "scale 1 → 5 → 1", async () => {
    await scale(cluster, "recommend", 5);
    await more(cluster, 200);
    await scale(cluster, "recommend", 1);
  });
  await scale(cluster, "recommend", 2);
  await unharmed(cluster, "evict one pod after the other", () => evict(cluster, "recommend"));
}

/** Applies what `linkerd upgrade` prints with these flags, and waits until the control plane has rolled. */
export async function applyUpgrade(cluster: KubernetesCluster, ...flags: string[]): Promise<void> {
  await linkerdInto(cluster, "apply", "upgrade", ...flags);
  await until(
    "the control plane has rolled",
    () => cluster.client.list(DEPLOYMENTS, { namespace: "linkerd" }),
    ({ items }) =>
      items.every(({ metadata, spec, status }) =>
        status?.observedGeneration === metadata?.generation && status?.updatedReplicas === spec?.replicas &&
        status?.replicas === status?.readyReplicas && status?.replicas === spec?.replicas
      ),
  );
}

/** Another image tag and changed settings; the control plane rolls, applications take the new proxy when they roll. */
export async function upgrade(cluster: KubernetesCluster, version: string): Promise<void> {
  const values = [`linkerdVersion=${version}`, "proxy.logLevel=warn", "metricsApi.scrapeInterval=2s"];
  await unharmed(
    cluster,
    "upgrade",
    () => applyUpgrade(cluster, ...values.flatMap((value) => ["--set", value])),
  );
  await unharmed(cluster, "roll an application to the new proxy", () => roll(cluster, "web"));
  const { items } = await cluster.client.list(PODS, { namespace: SHOP, labelSelector: "app=web" });
  // The one that was rolled away may still be leaving.
  const staying = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  const images = staying.flatMap(({ spec }) => spec?.initContainers ?? []).map(({ image }) => image);
  equal(images.every((image) => image?.endsWith(`:${version}`)), true, images.join(", "));
}
