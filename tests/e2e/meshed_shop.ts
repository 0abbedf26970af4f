/** The mesh and the demo shop on a laptop cluster, and what tests do to them. */
import { parseAllDocuments } from "yaml";
import { applyObjects } from "../../src/kube/apply.ts";
import { DEPLOYMENTS, PODS } from "../../src/kube/kinds.ts";
import type { KubernetesObject } from "../../src/kube/resource.ts";
import { getJson } from "../../src/kube/service_proxy.ts";
import { type Cluster, startCluster } from "../../src/local/cluster/cluster.ts";
import type { LoadCounts } from "../../src/local/demo/load.ts";
import { installMesh } from "../../src/local/install.ts";
import { waitForWorkloads } from "../../src/local/workloads.ts";
import type { PartialValues } from "../../src/mesh/values.ts";
import { PATIENCE_MS, until } from "./until.ts";

export type Counts = LoadCounts & { readonly inFlight: number };
export const SHOP = "shop", MESH = "linkerd";
const DESTINATION_ADMIN = 9996;
const LOAD = { namespace: SHOP, name: "load", port: 80 };

/** The demo's manifest. */
export function shopText(): string {
  return Deno.readTextFileSync(new URL("../../src/local/demo/shop.yaml", import.meta.url));
}

/** The objects of the demo, as `linkerd demo` applies them. */
export function shopObjects(): KubernetesObject[] {
  return parseAllDocuments(shopText()).map((document) => document.toJS() as KubernetesObject);
}

/** A cluster with the mesh and the shop in it, under load. Stop it in the end. */
export async function startMeshedShop(values: PartialValues = {}): Promise<Cluster> {
  const cluster = await startCluster();
  try {
    const { client } = cluster;
    await installMesh(client, () => {}, values);
    await waitForWorkloads(client, MESH, { timeoutMs: PATIENCE_MS });
    await applyObjects(client, shopObjects(), { fieldManager: "test" });
    await waitForWorkloads(client, SHOP, { timeoutMs: PATIENCE_MS });
    await until("the load has begun", () => readCounts(cluster), ({ requests }) => requests > 200);
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** What the load generator has counted so far. */
export function readCounts({ client }: Cluster): Promise<Counts> {
  return getJson<Counts>(client, LOAD, "/counts");
}

/** Waits until so many more requests are answered. */
export async function more(cluster: Cluster, requests: number): Promise<Counts> {
  const { requests: before } = await readCounts(cluster);
  return await until(
    "the load goes on",
    () => readCounts(cluster),
    (now) => now.requests >= before + requests,
  );
}

/** Ends the load, and waits for the last answers. */
export async function stopLoad(cluster: Cluster): Promise<Counts> {
  await cluster.client.raw("POST", `/api/v1/namespaces/${SHOP}/services/load:80/proxy/stop`);
  return await until("all is answered", () => readCounts(cluster), ({ inFlight }) => inFlight === 0);
}

/** A rolling restart, as `kubectl rollout restart` does it. */
export async function roll({ client }: Cluster, name: string): Promise<void> {
  const annotations = { "kubectl.kubernetes.io/restartedAt": new Date().toISOString() };
  const body = { spec: { template: { metadata: { annotations } } } };
  await client.patch(DEPLOYMENTS, name, SHOP, body, { type: "strategic" });
  await until(
    `${name} is rolled`,
    () => client.get(DEPLOYMENTS, name, SHOP),
    ({ status, metadata, spec }) =>
      status?.observedGeneration === metadata?.generation &&
      status?.updatedReplicas === (spec?.replicas ?? 1) &&
      status?.replicas === status?.updatedReplicas && status?.readyReplicas === status?.replicas,
  );
}

/** By kind, the streams by which proxies follow discovery and policy now; none while nobody answers. */
async function openStreams({ client }: Cluster): Promise<Map<string, number>> {
  const path = `/api/v1/namespaces/${MESH}/pods`;
  const pod = (await client.list(PODS, { namespace: MESH })).items.find(({ metadata }) =>
    metadata?.name?.startsWith("linkerd-destination-")
  );
  const response = await client.raw(
    "GET",
    `${path}/${pod?.metadata?.name}:${DESTINATION_ADMIN}/proxy/metrics`,
  );
  const text = await response.text();
  const lines = response.ok ? text.matchAll(/^grpc_server_open_calls\{(.*)\} (\d+)$/gm) : [];
  return new Map([...lines].map(([, labels, count]) => [labels!, Number(count)]));
}

/** Takes a part of the control plane away, whole, while `meanwhile` runs; and waits until it serves as before. */
export async function without(
  cluster: Cluster,
  deployment: string,
  meanwhile: () => Promise<unknown>,
): Promise<void> {
  const { client } = cluster, followed = await openStreams(cluster);
  const scale = (replicas: number) =>
    client.patch(DEPLOYMENTS, deployment, MESH, { spec: { replicas } }, { type: "merge" });
  const pods = async () =>
    (await client.list(PODS, { namespace: MESH })).items.filter(({ metadata }) =>
      metadata?.name?.startsWith(`${deployment}-`)
    );
  await scale(0);
  await until(`${deployment} is gone`, pods, (found) => found.length === 0);
  await meanwhile();
  await scale(1);
  await until(
    `${deployment} is back`,
    () => client.get(DEPLOYMENTS, deployment, MESH),
    ({ status }) => status?.readyReplicas === 1,
  );
  // A roll before that would be news that reaches nobody.
  await until(
    "the proxies follow it again",
    async () => [...await openStreams(cluster)],
    (now) => [...followed].every(([kind, count]) => (new Map(now).get(kind) ?? 0) >= count),
  );
}
