/**
 * ReplicaSets: keeps as many pods as asked for.
 *
 * Source: k8s.io/kubernetes/pkg/controller/replicaset. Pods are counted in the API itself, which is never behind, so
 * there is nothing to expect and wait for.
 */
import { isNotFound } from "../../kube/client.ts";
import { type Pod, PODS, REPLICA_SETS, type ReplicaSet } from "../../kube/kinds.ts";
import { type StatusCondition, withCondition } from "./conditions.ts";
import {
  type Controller,
  type ControllerContext,
  enqueueAll,
  enqueueOwners,
  keyOf,
  reconciler,
} from "./controller.ts";
import { countPods, deletePod, deletionOrder, isActive, ownedBy, podFromTemplate } from "./pods.ts";

const COMPONENT = "replicaset-controller";

export function startReplicaSetController(context: ControllerContext): Controller {
  const { client, events } = context;

  async function reconcile(namespace: string, name: string): Promise<void> {
    let set: ReplicaSet;
    try {
      set = await client.get(REPLICA_SETS, name, namespace);
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    let pods = (await ownedBy(client, PODS, REPLICA_SETS, set, set.spec!.selector)).filter(isActive);
    let failure: unknown;
    if (set.metadata!.deletionTimestamp === undefined) {
      try {
        pods = await scale(set, pods);
      } catch (error) {
        failure = error;
      }
    }
    await writeStatus(set, pods, failure);
    if (failure !== undefined) throw failure;
  }

  async function scale(set: ReplicaSet, pods: Pod[]): Promise<Pod[]> {
    const missing = (set.spec!.replicas ?? 1) - pods.length;
    if (missing > 0) {
      const template = set.spec!.template!;
      const results = await Promise.allSettled(
        Array.from(
          { length: missing },
          () => client.create(PODS, podFromTemplate(REPLICA_SETS, set, template)),
        ),
      );
      for (const result of results) {
        if (result.status === "fulfilled") {
          const message = `Created pod: ${result.value.metadata!.name}`;
          events.record(COMPONENT, REPLICA_SETS, set, "Normal", "SuccessfulCreate", message);
        }
      }
      const failed = results.find((result) => result.status === "rejected");
      if (failed !== undefined) {
        const message = `Error creating: ${(failed.reason as Error).message}`;
        events.record(COMPONENT, REPLICA_SETS, set, "Warning", "FailedCreate", message);
        throw failed.reason;
      }
      return [...pods, ...results.map((result) => (result as PromiseFulfilledResult<Pod>).value)];
    }
    const surplus = deletionOrder(pods).slice(0, -missing);
    await Promise.all(surplus.map(async (pod) => {
      await deletePod(client, pod);
      const message = `Deleted pod: ${pod.metadata!.name}`;
      events.record(COMPONENT, REPLICA_SETS, set, "Normal", "SuccessfulDelete", message);
    }));
    return pods.filter((pod) => !surplus.includes(pod));
  }

  async function writeStatus(set: ReplicaSet, pods: readonly Pod[], failure: unknown): Promise<void> {
    const minReady = set.spec!.minReadySeconds ?? 0;
    const { ready, available, nextMs } = countPods(pods, minReady, context.now());
    const labels = Object.entries(set.spec!.template?.metadata?.labels ?? {});
    const labeled = pods.filter((pod) =>
      labels.every(([key, value]) => pod.metadata?.labels?.[key] === value)
    );
    const before = (set.status?.conditions ?? []) as StatusCondition[];
    const conditions = failure === undefined
      ? before.filter(({ type }) => type !== "ReplicaFailure")
      : withCondition(before, {
        type: "ReplicaFailure",
        status: "True",
        reason: "FailedCreate",
        // Each attempt fails under another pod's name: told anew every time, it would look like a change to act upon.
        message: before.find(({ type }) => type === "ReplicaFailure")?.message ?? (failure as Error).message,
      }, context.now());
    await client.replace(REPLICA_SETS, {
      ...set,
      status: {
        replicas: pods.length,
        fullyLabeledReplicas: labeled.length,
        readyReplicas: ready,
        availableReplicas: available,
        observedGeneration: set.metadata!.generation!,
        ...(conditions.length === 0 ? {} : { conditions }),
      },
    }, "status");
    if (nextMs !== undefined) queue.addAfter(keyOf(set), nextMs);
  }

  const queue = reconciler(context, "replicaset", reconcile);
  enqueueAll(context, REPLICA_SETS, queue);
  enqueueOwners(context, PODS, "ReplicaSet", queue);
  return { stop: () => queue.stop() };
}
