/** Waiting for workloads of a cluster to be ready, and saying why they are not. */
import type { KubeClient } from "../kube/client.ts";
import { startInformer } from "../kube/informer.ts";
import {
  type Deployment,
  DEPLOYMENTS,
  type Pod,
  PODS,
  STATEFUL_SETS,
  type StatefulSet,
} from "../kube/kinds.ts";
import { MeshFailure } from "../mesh/error.ts";

function isReady(workload: Deployment | StatefulSet): boolean {
  const wanted = workload.spec?.replicas ?? 1, { status, metadata } = workload;
  return (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0) &&
    (status?.readyReplicas ?? 0) >= wanted;
}

/** Why a pod is not ready: the first container that says something of itself. */
function complaintOf(pod: Pod): string | undefined {
  if (pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True")) {
    return undefined;
  }
  const name = pod.metadata?.name ?? "";
  const statuses = [...pod.status?.initContainerStatuses ?? [], ...pod.status?.containerStatuses ?? []];
  for (const { name: container, state, lastState, ready } of statuses) {
    const waiting = state?.waiting, ended = state?.terminated ?? lastState?.terminated;
    if (waiting?.message) return `${name}/${container}: ${waiting.reason}: ${waiting.message}`;
    if (ended !== undefined && ended.exitCode !== 0) {
      return `${name}/${container}: exited with ${ended.exitCode}${
        ended.message ? `: ${ended.message}` : ""
      }`;
    }
    if (state?.running !== undefined && !ready) return `${name}/${container}: runs, but is not ready`;
  }
  return `${name}: ${pod.status?.phase ?? "Pending"}`;
}

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly onProgress?: (ready: number, total: number) => void;
}

/**
 * Resolves when every Deployment and StatefulSet of `namespace` is ready.
 * @throws MeshFailure that names each pod that is not, and why
 */
export async function waitForWorkloads(
  client: KubeClient,
  namespace: string,
  options: WaitOptions,
): Promise<void> {
  const deployments = startInformer(client, DEPLOYMENTS, { namespace });
  const sets = startInformer(client, STATEFUL_SETS, { namespace });
  const pods = startInformer(client, PODS, { namespace });
  const informers = [deployments, sets, pods];
  try {
    await Promise.all(informers.map(({ synced }) => synced));
    await new Promise<void>((done, failed) => {
      const timer = setTimeout(
        () => failed(notReady(namespace, pods.list(), options.timeoutMs)),
        options.timeoutMs,
      );
      const look = () => {
        const all = [...deployments.list(), ...sets.list()], ready = all.filter(isReady).length;
        options.onProgress?.(ready, all.length);
        if (ready < all.length || all.length === 0) return;
        clearTimeout(timer);
        done();
      };
      for (const informer of [deployments, sets]) {
        informer.subscribe({ added: look, modified: look, deleted: look });
      }
      look();
    });
  } finally {
    for (const informer of informers) informer.stop();
  }
}

function notReady(namespace: string, pods: Iterable<Pod>, timeoutMs: number): MeshFailure {
  const complaints = [...pods].map(complaintOf).filter((complaint) => complaint !== undefined);
  return new MeshFailure({
    code: "workloads-not-ready",
    source: "cluster",
    detail: `namespace ${namespace} is not ready after ${Math.round(timeoutMs / 1000)} s: ${
      complaints.join("; ") || "no pods"
    }`,
    remedy: `look at their logs: kubectl -n ${namespace} logs POD -c CONTAINER`,
  });
}
