/** What controllers of pods share: making them from a template, judging them, owning them. */
import type { KubeClient } from "../../kube/client.ts";
import { type Pod, PODS, type PodTemplateSpec } from "../../kube/kinds.ts";
import { apiVersionOf, type KubernetesObject, type LabelSelector } from "../../kube/resource.ts";
import type { OwnerReference, ResourceKind } from "../../kube/resource.ts";
import { formatLabelSelector } from "../../kube/selector.ts";

export function ownerReference(kind: ResourceKind, owner: KubernetesObject): OwnerReference {
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    name: owner.metadata!.name!,
    uid: owner.metadata!.uid!,
    controller: true,
    blockOwnerDeletion: true,
  };
}

export function controllerOf(object: KubernetesObject): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find(({ controller }) => controller === true);
}

/** The objects of a kind an owner controls, read from the API; those that match and have no controller are adopted. */
export async function ownedBy<T extends KubernetesObject>(
  client: KubeClient,
  kind: ResourceKind<T>,
  ownerKind: ResourceKind,
  owner: KubernetesObject,
  selector: LabelSelector | undefined,
): Promise<T[]> {
  const namespace = owner.metadata!.namespace!;
  const { items } = await client.list(kind, {
    namespace,
    labelSelector: selector === undefined ? "" : formatLabelSelector(selector),
  });
  const owned: T[] = [];
  for (const item of items) {
    const controller = controllerOf(item);
    if (controller !== undefined) {
      if (controller.uid === owner.metadata!.uid) owned.push(item);
      continue;
    }
    const isOrphan = item.metadata!.deletionTimestamp === undefined &&
      owner.metadata!.deletionTimestamp === undefined;
    if (!isOrphan || selector === undefined) continue;
    const references = [...(item.metadata!.ownerReferences ?? []), ownerReference(ownerKind, owner)];
    owned.push(
      await client.patch(
        kind,
        item.metadata!.name!,
        namespace,
        { metadata: { uid: item.metadata!.uid, ownerReferences: references } },
        { type: "merge" },
      ),
    );
  }
  return owned;
}

export function podFromTemplate(
  kind: ResourceKind,
  owner: KubernetesObject,
  template: PodTemplateSpec,
): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    metadata: {
      generateName: `${owner.metadata!.name}-`,
      namespace: owner.metadata!.namespace!,
      ...(labels === undefined ? {} : { labels: { ...labels } }),
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
      ...(finalizers === undefined ? {} : { finalizers: [...finalizers] }),
      ownerReferences: [ownerReference(kind, owner)],
    },
    spec: structuredClone(template.spec!),
  };
}

export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/** Still of use to its owner. */
export function isActive(pod: Pod): boolean {
  return !isTerminal(pod) && pod.metadata?.deletionTimestamp === undefined;
}

/** Since when the pod is ready, in milliseconds since 1970; undefined when it is not. */
export function readySince(pod: Pod): number | undefined {
  const condition = pod.status?.conditions?.find(({ type }) => type === "Ready");
  if (condition?.status !== "True") return undefined;
  return condition.lastTransitionTime === undefined ? 0 : Date.parse(condition.lastTransitionTime);
}

export function isReady(pod: Pod): boolean {
  return readySince(pod) !== undefined;
}

/** Milliseconds until the pod counts as available; undefined while it is not ready. */
export function untilAvailable(pod: Pod, minReadySeconds: number, now: Date): number | undefined {
  const since = readySince(pod);
  if (since === undefined) return undefined;
  return Math.max(0, since + minReadySeconds * 1000 - now.getTime());
}

export interface PodCounts {
  ready: number;
  available: number;
  /** Milliseconds until the next ready pod becomes available. */
  nextMs: number | undefined;
}

export function countPods(pods: readonly Pod[], minReadySeconds: number, now: Date): PodCounts {
  const counts: PodCounts = { ready: 0, available: 0, nextMs: undefined };
  for (const pod of pods) {
    const wait = untilAvailable(pod, minReadySeconds, now);
    if (wait === undefined) continue;
    counts.ready++;
    if (wait === 0) counts.available++;
    else counts.nextMs = Math.min(counts.nextMs ?? Infinity, wait);
  }
  return counts;
}

/** Those to delete first come first: not yet placed, not ready, ready for a short time, young. */
export function deletionOrder(pods: readonly Pod[]): Pod[] {
  const rank = (pod: Pod) =>
    !pod.spec?.nodeName ? 0 : pod.status?.phase !== "Running" ? 1 : isReady(pod) ? 3 : 2;
  return [...pods].sort((left, right) =>
    rank(left) - rank(right) ||
    (readySince(right) ?? 0) - (readySince(left) ?? 0) ||
    Date.parse(String(right.metadata!.creationTimestamp)) -
      Date.parse(String(left.metadata!.creationTimestamp))
  );
}

export async function deletePod(client: KubeClient, pod: Pod): Promise<void> {
  try {
    await client.delete(PODS, pod.metadata!.name!, pod.metadata!.namespace);
  } catch (error) {
    if ((error as { status?: number }).status !== 404) throw error;
  }
}
