/** The mesh without init containers: the CNI plugin on a real node, what breaks it, and its end. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  CONFIG_MAPS,
  DAEMON_SETS,
  PODS,
} from "../../../src/kube/kinds.ts";
import { roll, SHOP } from "../../e2e/meshed_shop.ts";
import { until } from "../../e2e/until.ts";
import { kubectl, linkerd, linkerdInto, runLinkerd } from "../commands.ts";
import type { KubernetesCluster } from "../harness/cluster.ts";
import { nodePaths } from "../harness/configuration.ts";
import { expectAllGreen } from "./installing.ts";
import { unharmed } from "./traffic.ts";

const NAMESPACE = "linkerd-cni", NAME = "linkerd-cni";

function installCni(cluster: KubernetesCluster, ...flags: string[]): Promise<string> {
  const { networkConfiguration, networkPlugins } = nodePaths(cluster.directory);
  const where = ["--dest-cni-net-dir", networkConfiguration, "--dest-cni-bin-dir", networkPlugins];
  return linkerdInto(cluster, "apply", "install-cni", ...where, ...flags);
}

function typesInChain(cluster: KubernetesCluster): string {
  const { networkConfiguration } = nodePaths(cluster.directory);
  const list = JSON.parse(Deno.readTextFileSync(`${networkConfiguration}/10-pods.conflist`));
  return list.plugins.map(({ type }: { type: string }) => type).join();
}

export async function installWithCni(cluster: KubernetesCluster): Promise<void> {
  await installCni(cluster);
  await expectAllGreen(cluster, "--cni");
  equal(typesInChain(cluster), "ptp,linkerd-cni");
  await expectAllGreen(cluster, "--pre", "--linkerd-cni-enabled");
  await linkerdInto(cluster, "apply", "install", "--crds");
  await linkerdInto(cluster, "apply", "install", "--linkerd-cni-enabled");
  await expectAllGreen(cluster);
}

/** No container of a pod may change its network. */
export async function expectNoInitContainers(cluster: KubernetesCluster): Promise<void> {
  const { items } = await cluster.client.list(PODS);
  const powerful = items.filter(({ spec }) =>
    [...spec?.initContainers ?? [], ...spec?.containers ?? []].some(({ name, securityContext }) =>
      name === "linkerd-init" || (securityContext?.capabilities?.add ?? []).length > 0
    )
  );
  deepEqual(powerful.map(({ metadata }) => metadata?.name), []);
  await unharmed(cluster, "roll an application", () => roll(cluster, "web"));
}

/** What `check --cni` says is wrong; undefined where nothing is. */
async function complaint(cluster: KubernetesCluster): Promise<string | undefined> {
  const { stdout } = await runLinkerd(cluster, ["check", "--cni", "--wait", "0s", "-o", "json"]);
  const { categories } = JSON.parse(stdout) as {
    categories: { checks: { result: string; error?: string }[] }[];
  };
  return categories.flatMap(({ checks }) => checks).find(({ result }) => result !== "success")?.error;
}

type Break = (cluster: KubernetesCluster) => Promise<unknown>;
const BROKEN: readonly (readonly [string, Break, RegExp])[] = [
  [
    "its ConfigMap is gone",
    ({ client }) => client.delete(CONFIG_MAPS, "linkerd-cni-config", NAMESPACE),
    /there is no ConfigMap linkerd-cni-config/,
  ],
  [
    "its role lacks the right to read pods",
    ({ client }) => client.patch(CLUSTER_ROLES, NAME, undefined, { rules: [] }, { type: "merge" }),
    /does not allow to get pods/,
  ],
  [
    "its binding is gone",
    ({ client }) => client.delete(CLUSTER_ROLE_BINDINGS, NAME),
    /no ClusterRoleBinding linkerd-cni/,
  ],
  [
    "it looks in the wrong directory",
    async (cluster) => {
      const { directory } = cluster, { networkPlugins } = nodePaths(directory);
      const where = [
        "--dest-cni-net-dir",
        `${directory}/cni/elsewhere`,
        "--dest-cni-bin-dir",
        networkPlugins,
      ];
      await linkerdInto(cluster, "apply", "install-cni", ...where);
    },
    /there is no network configuration in .*\/cni\/elsewhere.*--dest-cni-net-dir/,
  ],
  [
    "its image is not to be had",
    (cluster) => installCni(cluster, "--cni-image-version", "none", "--set", "image.pullPolicy=Never"),
    /install-cni: ErrImageNeverPull/,
  ],
  [
    "a node is left out",
    ({ client }) => {
      const body = { spec: { template: { spec: { nodeSelector: { disk: "none" } } } } };
      return client.patch(DAEMON_SETS, NAME, NAMESPACE, body, { type: "merge" });
    },
    /node node1 has no pod of linkerd-cni/,
  ],
];

export async function breakCni(cluster: KubernetesCluster): Promise<void> {
  for (const [what, breakIt, message] of BROKEN) {
    await breakIt(cluster);
    await until(
      `the check finds that ${what}`,
      () => complaint(cluster),
      (said) => message.test(said ?? "√"),
    );
    // Applying does not take back a field that another hand has added.
    await kubectl(cluster, ["-n", NAMESPACE, "delete", "daemonset", NAME, "--ignore-not-found", "--wait"]);
    await installCni(cluster);
    await until(
      `the plugin is well again after ${what}`,
      () => complaint(cluster),
      (said) => said === undefined,
    );
  }
}

/** Another CNI's installer writes its configuration again, as they do when they start. */
export async function overwriteChain(cluster: KubernetesCluster): Promise<void> {
  const path = `${nodePaths(cluster.directory).networkConfiguration}/10-pods.conflist`;
  const list = JSON.parse(Deno.readTextFileSync(path));
  const own = { ...list, plugins: list.plugins.filter(({ type }: { type: string }) => type !== NAME) };
  Deno.writeTextFileSync(path, JSON.stringify(own));
  await until("the chain is mended", () => typesInChain(cluster), (types) => types === "ptp,linkerd-cni");
  await expectAllGreen(cluster, "--cni");
}

/** Pods that start while the plugin is away fail loudly, and are made anew when it is back. */
export async function repairEarlyPods(cluster: KubernetesCluster): Promise<void> {
  await kubectl(cluster, ["-n", NAMESPACE, "delete", "daemonset", NAME, "--wait"]);
  await until("the plugin is taken away", () => typesInChain(cluster), (types) => types === "ptp");
  const selector = { namespace: SHOP, labelSelector: "app=recommend" };
  const [first] = (await cluster.client.list(PODS, selector)).items;
  const early = async () =>
    (await cluster.client.list(PODS, selector)).items.find(({ metadata }) =>
      metadata?.name !== first?.metadata?.name && metadata?.deletionTimestamp === undefined
    );
  const { code, stderr } = await kubectl(cluster, [
    "-n",
    SHOP,
    "scale",
    "deployment",
    "recommend",
    "--replicas=2",
  ]);
  equal(code, 0, stderr);
  const pod = await until(
    "the validator finds no redirection",
    early,
    (found) =>
      found?.status?.initContainerStatuses?.some(({ name, state, lastState }) =>
        name === "linkerd-network-validator" && (state?.terminated ?? lastState?.terminated)?.exitCode === 95
      ) ?? false,
  );
  ok(pod !== undefined);
  await installCni(cluster);
  await until(
    "another pod takes its place",
    early,
    (found) =>
      found !== undefined && found.metadata?.uid !== pod.metadata?.uid &&
      (found.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false),
  );
  await expectAllGreen(cluster, "--cni");
  const events = await kubectl(cluster, ["-n", SHOP, "get", "events"]);
  match(events.stdout, /LinkerdCNIRepairControllerDeletion .*network was made before the linkerd-cni plugin/);
}

/** Its end leaves the node as it was. */
export async function removeCni(cluster: KubernetesCluster): Promise<void> {
  const { networkConfiguration, networkPlugins } = nodePaths(cluster.directory);
  const manifests = await linkerd(cluster, "install-cni");
  const { code, stderr } = await kubectl(cluster, ["delete", "-f", "-", "--wait"], manifests);
  equal(code, 0, stderr);
  equal(typesInChain(cluster), "ptp");
  deepEqual([...Deno.readDirSync(networkConfiguration)].map(({ name }) => name), ["10-pods.conflist"]);
  deepEqual([...Deno.readDirSync(networkPlugins)].filter(({ name }) => name.includes("linkerd")), []);
}
