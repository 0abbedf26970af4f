/** What goes wrong with a control plane and its cluster, while the load goes on: the data plane goes on, too. */
import { equal, ok } from "node:assert/strict";
import { isReady } from "../../../src/cli/check/pod_health.ts";
import { DEPLOYMENTS, type Pod, PODS } from "../../../src/kube/kinds.ts";
import { readCounts, SHOP } from "../../e2e/meshed_shop.ts";
import { until } from "../../e2e/until.ts";
import type { KubernetesCluster } from "../harness/cluster.ts";
import { expectAllGreen } from "./installing.ts";
import { processesOf } from "../harness/processes.ts";
import { unharmed } from "./traffic.ts";

const API_SERVER_AWAY_MS = 60_000, CONTROLLERS_PATIENCE_MS = 180_000;

async function controlPlanePods({ client }: KubernetesCluster): Promise<Pod[]> {
  return (await client.list(PODS, { namespace: "linkerd" })).items;
}

/** Every process of every pod of the control plane at once, pod after pod: its containers, its proxy, its pause. */
export async function killControlPlane(cluster: KubernetesCluster): Promise<void> {
  for (const { metadata } of await controlPlanePods(cluster)) {
    const name = metadata!.name!;
    await unharmed(cluster, `kill -9 all of ${name}`, async () => {
      const pod = await cluster.client.get(PODS, name, "linkerd");
      const pids = processesOf(pod);
      ok(pids.length >= 3, `${name} has ${pids.length} processes`);
      const restartsOf = ({ status }: Pod) =>
        [...status?.containerStatuses ?? [], ...status?.initContainerStatuses ?? []]
          .reduce((sum, { restartCount }) => sum + restartCount, 0);
      for (const pid of pids) Deno.kill(pid, "SIGKILL");
      await until(
        `${name} is back`,
        () => cluster.client.get(PODS, name, "linkerd"),
        (now) => isReady(now) && restartsOf(now) > restartsOf(pod),
      );
    });
  }
  await expectAllGreen(cluster);
}

/** Kubernetes' controllers try their watches again after a while that grows: until then nothing rolls out. */
async function controllersAreBack({ client }: KubernetesCluster): Promise<void> {
  const { metadata } = await client.patch(DEPLOYMENTS, "web", SHOP, { spec: { revisionHistoryLimit: 9 } }, {
    type: "merge",
  });
  await until(
    "Kubernetes' own controllers have noticed that the API server is back",
    () => client.get(DEPLOYMENTS, "web", SHOP),
    ({ status }) => (status?.observedGeneration ?? 0) >= metadata!.generation!,
    CONTROLLERS_PATIENCE_MS,
  );
}

/** The load's own counts are read through the API server: before it goes, and when it is back. */
export async function stopApiServer(cluster: KubernetesCluster): Promise<void> {
  await unharmed(cluster, `no API server for ${API_SERVER_AWAY_MS / 1000} s, etcd restarted`, async () => {
    const before = await readCounts(cluster);
    await cluster.stopComponent("kube-apiserver", "SIGKILL");
    await cluster.stopComponent("etcd", "SIGKILL");
    await new Promise((done) => setTimeout(done, API_SERVER_AWAY_MS));
    await cluster.startComponent("etcd");
    await cluster.startComponent("kube-apiserver");
    await until("the API server is back", () => cluster.client.raw("GET", "/readyz"), ({ ok }) => ok);
    const after = await until("the load is reached", () => readCounts(cluster), () => true);
    ok(after.requests - before.requests > API_SERVER_AWAY_MS / 1000 * 50, "the load went on meanwhile");
  });
  await controllersAreBack(cluster);
  await until(
    "everything is ready",
    () => cluster.client.list(DEPLOYMENTS),
    ({ items }) => items.every(({ status, spec }) => status?.readyReplicas === spec?.replicas),
  );
  await expectAllGreen(cluster);
  const restarts = (await controlPlanePods(cluster)).map(({ metadata }) => metadata?.name);
  equal(restarts.length, 5);
}
