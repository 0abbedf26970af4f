/** A laptop cluster with the mesh, and the pods of the test of routes: `web`, `web-v2`, and a client. */
import { fromFileUrl } from "../../../tools/build/paths.ts";
import { applyObjects } from "../../../src/kube/apply.ts";
import type { KubernetesObject } from "../../../src/kube/resource.ts";
import { getJson } from "../../../src/kube/service_proxy.ts";
import { type Cluster, startCluster } from "../../../src/local/cluster/cluster.ts";
import { installMesh } from "../../../src/local/install.ts";
import { waitForWorkloads } from "../../../src/local/workloads.ts";
import type { PartialValues } from "../../../src/mesh/values.ts";
import { MESH } from "../meshed_shop.ts";
import { PATIENCE_MS } from "../until.ts";
import { type Answers, PORT, type Question } from "./application.ts";

export const SHOP = "shop";

const SCRIPT = fromFileUrl(new URL("./application.ts", import.meta.url).href);

/** A namespace whose pods get a proxy. */
export function meshed(namespace: string): KubernetesObject {
  const metadata = { name: namespace, annotations: { "linkerd.io/inject": "enabled" } };
  return { apiVersion: "v1", kind: "Namespace", metadata };
}

/** What runs `args` of the application, with a Service of the same name. */
function workload(namespace: string, name: string, ...args: readonly string[]): KubernetesObject[] {
  const labels = { app: name };
  const container = {
    name: "app",
    image: "application",
    command: [Deno.execPath(), "run", "--no-config", "--no-lock", "--quiet", "-A", SCRIPT, ...args],
    ports: [{ name: "http", containerPort: PORT }],
    readinessProbe: { httpGet: { path: "/ready", port: PORT }, periodSeconds: 1 },
  };
  const metadata = { name, namespace };
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

/** Stop it in the end. @param values of the installation that differ from a laptop's */
export async function startRoutedShop(values: PartialValues = {}): Promise<Cluster> {
  const cluster = await startCluster();
  try {
    const { client } = cluster;
    await installMesh(client, () => {}, values);
    await waitForWorkloads(client, MESH, { timeoutMs: PATIENCE_MS });
    await apply(cluster, [
      meshed(SHOP),
      ...workload(SHOP, "web", "serve", "web"),
      ...workload(SHOP, "web-v2", "serve", "web-v2"),
      ...workload(SHOP, "client", "ask"),
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

/** Another client, in a namespace of its own. */
export async function addClient(cluster: Cluster, namespace: string): Promise<void> {
  await apply(cluster, [meshed(namespace), ...workload(namespace, "client", "ask")]);
  await waitForWorkloads(cluster.client, namespace, { timeoutMs: PATIENCE_MS });
}

/** What the requests of a namespace's client are answered. */
export function ask({ client }: Cluster, question: Question, namespace = SHOP): Promise<Answers> {
  const query = new URLSearchParams({ question: JSON.stringify(question) });
  return getJson<Answers>(client, { namespace, name: "client", port: 80 }, `/?${query}`);
}
