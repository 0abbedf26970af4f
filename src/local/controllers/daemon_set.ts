/**
 * DaemonSets: one pod on every node. Rolling updates replace a node's pod at a time (maxUnavailable as a number);
 * maxSurge, node selectors, taints and the history for `rollout undo` are not there.
 *
 * Source: k8s.io/kubernetes/pkg/controller/daemon.
 */
import { isNotFound } from "../../kube/client.ts";
import { DAEMON_SETS, type DaemonSet, NODES, type Pod, PODS } from "../../kube/kinds.ts";
import { equalJson } from "../api/object.ts";
import {
  type Controller,
  type ControllerContext,
  enqueueAll,
  enqueueOwners,
  keyOf,
  reconciler,
} from "./controller.ts";
import { templateHash } from "./deployment/replica_sets.ts";
import { countPods, deletePod, isActive, isReady, isTerminal, ownedBy, podFromTemplate } from "./pods.ts";

const HASH_LABEL = "controller-revision-hash";

export function startDaemonSetController(context: ControllerContext): Controller {
  const { client } = context;

  async function reconcile(namespace: string, name: string): Promise<void> {
    let set: DaemonSet;
    try {
      set = await client.get(DAEMON_SETS, name, namespace);
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    if (set.metadata!.deletionTimestamp !== undefined) return;
    const hash = templateHash(set.spec!.template, 0);
    const { items: nodes } = await client.list(NODES);
    let pods = await ownedBy(client, PODS, DAEMON_SETS, set, set.spec!.selector);
    for (const pod of pods.filter(isTerminal)) await deletePod(client, pod);
    pods = pods.filter((pod) => !isTerminal(pod));
    for (const node of nodes) {
      if (pods.some((pod) => pod.spec!.nodeName === node.metadata!.name)) continue;
      const pod = podFromTemplate(DAEMON_SETS, set, set.spec!.template);
      pod.metadata!.labels = { ...pod.metadata!.labels, [HASH_LABEL]: hash };
      pod.spec!.nodeName = node.metadata!.name!;
      pods.push(await client.create(PODS, pod));
    }
    pods = await update(set, pods, hash);
    await writeStatus(set, nodes.length, pods.filter(isActive), hash);
  }

  async function update(set: DaemonSet, pods: Pod[], hash: string): Promise<Pod[]> {
    if (set.spec!.updateStrategy?.type !== "RollingUpdate") return pods;
    const old = pods.filter((pod) => isActive(pod) && pod.metadata!.labels?.[HASH_LABEL] !== hash);
    const unavailable = pods.filter((pod) => !isActive(pod) || !isReady(pod));
    const limit = Number(set.spec!.updateStrategy.rollingUpdate?.maxUnavailable ?? 1) || 1;
    const idle = old.filter((pod) => !isReady(pod));
    const spare = Math.max(0, limit - unavailable.length);
    const gone = [...idle, ...old.filter(isReady).slice(0, spare)];
    await Promise.all(gone.map((pod) => deletePod(client, pod)));
    return pods.filter((pod) => !gone.includes(pod));
  }

  async function writeStatus(set: DaemonSet, nodes: number, pods: Pod[], hash: string): Promise<void> {
    const counts = countPods(pods, set.spec!.minReadySeconds ?? 0, context.now());
    const status = {
      currentNumberScheduled: pods.length,
      desiredNumberScheduled: nodes,
      numberMisscheduled: 0,
      numberReady: counts.ready,
      numberAvailable: counts.available,
      numberUnavailable: nodes - counts.available,
      updatedNumberScheduled: pods.filter((pod) => pod.metadata!.labels?.[HASH_LABEL] === hash).length,
      observedGeneration: set.metadata!.generation ?? 0,
    };
    if (counts.nextMs !== undefined) queue.addAfter(keyOf(set), counts.nextMs);
    if (equalJson(status, set.status)) return;
    await client.replace(DAEMON_SETS, { ...set, status } as DaemonSet, "status");
  }

  const queue = reconciler(context, "daemonset", reconcile);
  enqueueAll(context, DAEMON_SETS, queue);
  enqueueOwners(context, PODS, "DaemonSet", queue);
  const all = () => {
    for (const set of context.informers.of(DAEMON_SETS).list()) queue.add(keyOf(set));
  };
  context.informers.of(NODES).subscribe({ added: all, deleted: all });
  return { stop: () => queue.stop() };
}
