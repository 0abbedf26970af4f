/** A laptop cluster with the mesh, and the pods of the test of routes: `web`, `web-v2`, and a client. */
import { fromFileUrl } from "../../../tools/build/paths.ts";
import { applyObjects } from "../../../src/kube/apply.ts";
import type { KubernetesObject } from "../../../src/kube/resource.ts";
import { getJson } from "../../../src/kube/service_proxy.ts";
import { type Cluster, startCluster } from "../../../src/local/cluster/cluster.ts";
import { installMesh } from "../../../src/local/install.ts";
import { waitForWorkloads } from "../../../src/local/workloads.ts";
import { MESH } from "../meshed_shop.ts";
import { PATIENCE_MS } from "../until.ts";
import { type Answers, PORT, type Question } from "./application.ts";

export const SHOP = "shop";

const SCRIPT = fromFileUrl(new URL("./application.ts", import.meta.url).href);

function workload(name: string, ...args: readonly string[]): KubernetesObject[] {
  const labels = { app: name };
  const container = {
    name: "app",
    image: "application",
    command: [Deno.execPath(), "run", "--no-config", "--no-lock", "--quiet", "-A", SCRIPT, ...args],
    ports: [{ name: "http", containerPort: PORT }],
    readinessProbe: { httpGet: { path: "/ready", port: PORT }, periodSeconds: 1 },
  };
  const metadata = { name, namespace: SHOP };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { selector: labels, ports: [{ name: "http", port: 80, targetPort: PORT }] },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { serviceAccountName: name, containers: [container] } },
      },
    },
  ] as KubernetesObject[];
}

/** Stop it in the end. */
export async function startRoutedShop(): Promise<Cluster> {
  const cluster = await startCluster();
  try {
    const { client } = cluster;
    await installMesh(client);
    await waitForWorkloads(client, MESH, { timeoutMs: PATIENCE_MS });
    const namespace = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: SHOP, annotations: { "linkerd.io/inject": "enabled" } },
    };
    await apply(cluster, [
      namespace,
      ...workload("web", "serve", "web"),
      ...workload("web-v2", "serve", "web-v2"),
      ...workload("client", "ask"),
    ]);
    await waitForWorkloads(client, SHOP, { timeoutMs: PATIENCE_MS });
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

export async function apply({ client }: Cluster, objects: readonly KubernetesObject[]): Promise<void> {
  await applyObjects(client, objects, { fieldManager: "test" });
}

/** What the client's requests are answered. */
export function ask({ client }: Cluster, question: Question): Promise<Answers> {
  const query = new URLSearchParams({ question: JSON.stringify(question) });
  return getJson<Answers>(client, { namespace: SHOP, name: "client", port: 80 }, `/?${query}`);
}
