/**
 * StatefulSets: pods with names that stay, made and replaced in order. Volume claims are not made (nothing provides
 * volumes here), nor the history for `rollout undo`.
 *
 * Source: k8s.io/kubernetes/pkg/controller/statefulset.
 */
import { isNotFound } from "../../kube/client.ts";
import { type Pod, PODS, STATEFUL_SETS, type StatefulSet } from "../../kube/kinds.ts";
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

export function startStatefulSetController(context: ControllerContext): Controller {
  const { client } = context;

  async function reconcile(namespace: string, name: string): Promise<void> {
    let set: StatefulSet;
    try {
      set = await client.get(STATEFUL_SETS, name, namespace);
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    if (set.metadata!.deletionTimestamp !== undefined) return;
    const revision = `${name}-${templateHash(set.spec!.template, 0)}`;
    const owned = await ownedBy(client, PODS, STATEFUL_SETS, set, set.spec!.selector);
    const byOrdinal = new Map(owned.map((pod) => [ordinalOf(pod), pod]));
    await advance(set, byOrdinal, revision);
    const pods = (await ownedBy(client, PODS, STATEFUL_SETS, set, set.spec!.selector)).filter(isActive);
    await writeStatus(set, pods, revision);
  }

  /** One step towards what is wanted; the change of a pod it makes brings about the next. */
  async function advance(set: StatefulSet, pods: Map<number, Pod>, revision: string): Promise<void> {
    const replicas = set.spec!.replicas ?? 1;
    const isOrdered = set.spec!.podManagementPolicy !== "Parallel";
    for (let ordinal = 0; ordinal < replicas; ordinal++) {
      const pod = pods.get(ordinal);
      if (pod !== undefined && isTerminal(pod)) await deletePod(client, pod);
      else if (pod === undefined) await client.create(PODS, podOf(set, ordinal, revision));
      const isSettled = pod !== undefined && isActive(pod) && isReady(pod);
      if (isOrdered && !isSettled) return;
    }
    const surplus = [...pods.keys()].filter((ordinal) => ordinal >= replicas).sort((a, b) => b - a);
    for (const ordinal of surplus) {
      const pod = pods.get(ordinal)!;
      if (isActive(pod)) await deletePod(client, pod);
      if (isOrdered) return;
    }
    if (set.spec!.updateStrategy?.type === "OnDelete") return;
    const partition = set.spec!.updateStrategy?.rollingUpdate?.partition ?? 0;
    for (let ordinal = replicas - 1; ordinal >= partition; ordinal--) {
      const pod = pods.get(ordinal);
      if (pod === undefined || !isActive(pod)) return;
      if (pod.metadata!.labels?.[HASH_LABEL] !== revision) return await deletePod(client, pod);
      if (!isReady(pod)) return;
    }
  }

  function podOf(set: StatefulSet, ordinal: number, revision: string): Pod {
    const pod = podFromTemplate(STATEFUL_SETS, set, set.spec!.template);
    const name = `${set.metadata!.name}-${ordinal}`;
    delete pod.metadata!.generateName;
    pod.metadata!.name = name;
    pod.metadata!.labels = {
      ...pod.metadata!.labels,
      [HASH_LABEL]: revision,
      "statefulset.kubernetes.io/pod-name": name,
      "apps.kubernetes.io/pod-index": String(ordinal),
    };
    pod.spec!.hostname = name;
    if (set.spec!.serviceName) pod.spec!.subdomain = set.spec!.serviceName;
    return pod;
  }

  async function writeStatus(set: StatefulSet, pods: Pod[], revision: string): Promise<void> {
    const counts = countPods(pods, set.spec!.minReadySeconds ?? 0, context.now());
    const updated = pods.filter((pod) => pod.metadata!.labels?.[HASH_LABEL] === revision);
    const isDone = updated.length === pods.length && pods.length === (set.spec!.replicas ?? 1);
    const status = {
      observedGeneration: set.metadata!.generation ?? 0,
      replicas: pods.length,
      readyReplicas: counts.ready,
      availableReplicas: counts.available,
      updatedReplicas: updated.length,
      currentReplicas: isDone ? updated.length : pods.length - updated.length,
      currentRevision: isDone ? revision : set.status?.currentRevision ?? revision,
      updateRevision: revision,
      collisionCount: 0,
    };
    if (counts.nextMs !== undefined) queue.addAfter(keyOf(set), counts.nextMs);
    if (equalJson(status, set.status)) return;
    await client.replace(STATEFUL_SETS, { ...set, status } as StatefulSet, "status");
  }

  const queue = reconciler(context, "statefulset", reconcile);
  enqueueAll(context, STATEFUL_SETS, queue);
  enqueueOwners(context, PODS, "StatefulSet", queue);
  return { stop: () => queue.stop() };
}

function ordinalOf(pod: Pod): number {
  return Number(/-(\d+)$/.exec(pod.metadata!.name!)?.[1] ?? NaN);
}
