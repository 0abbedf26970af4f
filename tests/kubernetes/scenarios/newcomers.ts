/**
 * Pods that are made while a part of the control plane is away: they wait or start by the rule that
 * docs/control-plane-away.md gives, and somebody says so.
 */
import { equal, match, ok } from "node:assert/strict";
import { isReady } from "../../../src/cli/check/pod_health.ts";
import { DEPLOYMENTS, type Pod, PODS } from "../../../src/kube/kinds.ts";
import { waitForWorkloads } from "../../../src/local/workloads.ts";
import { SHOP } from "../../e2e/meshed_shop.ts";
import { PATIENCE_MS, until } from "../../e2e/until.ts";
import { linkerd, runLinkerd } from "../commands.ts";
import type { KubernetesCluster } from "../harness/cluster.ts";
import { unharmed } from "./traffic.ts";

const APPLICATION = "recommend", PROXY = "linkerd-proxy";

async function scale({ client }: KubernetesCluster, namespace: string, name: string, replicas: number) {
  await client.patch(DEPLOYMENTS, name, namespace, { spec: { replicas } }, { type: "merge" });
}

/** Runs `work` while a component of the control plane has no pod. */
async function without(
  cluster: KubernetesCluster,
  component: string,
  work: () => Promise<void>,
): Promise<void> {
  const labelSelector = `linkerd.io/control-plane-component=${component}`;
  await scale(cluster, "linkerd", `linkerd-${component}`, 0);
  await until(
    `${component} is away`,
    () => cluster.client.list(PODS, { namespace: "linkerd", labelSelector }),
    ({ items }) => items.length === 0,
  );
  try {
    await work();
  } finally {
    await scale(cluster, "linkerd", `linkerd-${component}`, 1);
  }
  await waitForWorkloads(cluster.client, "linkerd", { timeoutMs: PATIENCE_MS });
}

async function applicationPods({ client }: KubernetesCluster): Promise<Pod[]> {
  return (await client.list(PODS, { namespace: SHOP, labelSelector: `app=${APPLICATION}` })).items;
}

/** One replica more. @returns the pod that is new, once `isThere` holds for it */
async function newcomer(
  cluster: KubernetesCluster,
  what: string,
  isThere: (pod: Pod) => boolean,
): Promise<Pod> {
  const before = new Set((await applicationPods(cluster)).map(({ metadata }) => metadata!.name));
  await scale(cluster, SHOP, APPLICATION, before.size + 1);
  const find = async () =>
    (await applicationPods(cluster)).find(({ metadata }) => !before.has(metadata!.name));
  return (await until(what, find, (pod) => pod !== undefined && isThere(pod)))!;
}

async function proxyLog({ client }: KubernetesCluster, pod: Pod): Promise<string> {
  const path = `/api/v1/namespaces/${SHOP}/pods/${pod.metadata!.name}/log?container=${PROXY}`;
  return await (await client.raw("GET", path)).text();
}

/** Without identity: it waits, its application is not started, and it starts by itself. */
async function withoutIdentity(cluster: KubernetesCluster): Promise<void> {
  let name = "";
  await without(cluster, "identity", async () => {
    const pod = await newcomer(
      cluster,
      "a new pod's proxy runs and waits",
      ({ status }) =>
        status?.initContainerStatuses?.some(({ name, state }) => name === PROXY && state?.running) ?? false,
    );
    name = pod.metadata!.name!;
    await until(
      "the proxy says what it waits for",
      () => proxyLog(cluster, pod),
      (log) => /waiting for a certificate/.test(log),
    );
    const now = await cluster.client.get(PODS, name, SHOP);
    equal(isReady(now), false);
    const application = now.status?.containerStatuses?.find((one) => one.name === APPLICATION);
    equal(application?.state?.running, undefined, "the application runs before its proxy is ready");
    const { code, stdout, stderr } = await runLinkerd(cluster, [
      "check",
      "--proxy",
      "-n",
      SHOP,
      "--wait",
      "0s",
    ]);
    equal(code, 1, stdout);
    ok((stdout + stderr).length > 0);
  });
  await until(`${name} is ready by itself`, () => cluster.client.get(PODS, name, SHOP), isReady);
}

/** Without destination: it starts, and its proxy is ready. */
async function withoutDestination(cluster: KubernetesCluster): Promise<void> {
  await without(cluster, "destination", async () => {
    await newcomer(cluster, "a new pod is ready though nobody tells its proxy where to", isReady);
  });
}

/** Without the injector: it starts unmeshed, and the check names it. */
async function withoutInjector(cluster: KubernetesCluster): Promise<void> {
  let name = "";
  await without(cluster, "proxy-injector", async () => {
    const pod = await newcomer(cluster, "a new pod is ready without a proxy", isReady);
    name = pod.metadata!.name!;
    equal(pod.spec!.initContainers?.some((one) => one.name === PROXY) ?? false, false);
  });
  match(
    await linkerd(cluster, "check", "--proxy", "-n", SHOP),
    new RegExp(`made anew:\\s+\\* ${SHOP}/${name}`),
  );
  await cluster.client.delete(PODS, name, SHOP);
}

export async function startWithoutControlPlane(cluster: KubernetesCluster): Promise<void> {
  const before = (await applicationPods(cluster)).length;
  await unharmed(cluster, "a new pod without identity", () => withoutIdentity(cluster));
  await unharmed(cluster, "a new pod without destination", () => withoutDestination(cluster));
  await unharmed(cluster, "a new pod without the injector", () => withoutInjector(cluster));
  await scale(cluster, SHOP, APPLICATION, before);
  await until(
    "the replicas are as before",
    () => applicationPods(cluster),
    ({ length }) => length === before,
  );
  await linkerd(cluster, "check", "--proxy");
}
