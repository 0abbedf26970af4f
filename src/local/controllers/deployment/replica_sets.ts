/** The ReplicaSets of a Deployment: which is the new one, revisions, names. */
import type { KubeClient } from "../../../kube/client.ts";
import { isAlreadyExists } from "../../../kube/client.ts";
import {
  type Deployment,
  DEPLOYMENTS,
  type PodTemplateSpec,
  REPLICA_SETS,
  type ReplicaSet,
} from "../../../kube/kinds.ts";
import { equalJson } from "../../api/object.ts";
import { ownerReference } from "../pods.ts";

export const HASH_LABEL = "pod-template-hash";
export const REVISION = "deployment.kubernetes.io/revision";
const DESIRED = "deployment.kubernetes.io/desired-replicas";
const MAX = "deployment.kubernetes.io/max-replicas";
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

const LETTERS = "bcdfghjklmnpqrstvwxz2456789";

/** FNV-1a, in letters no word is made of. */
export function templateHash(template: PodTemplateSpec, collisions: number): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(JSON.stringify(template) + collisions)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return String(hash).split("").map((digit) => LETTERS[Number(digit) * 2]).join("");
}

function withoutHash(template: PodTemplateSpec | undefined): unknown {
  const { [HASH_LABEL]: _, ...labels } = template?.metadata?.labels ?? {};
  return { ...template, metadata: { ...template?.metadata, labels } };
}

/** The one whose template is the Deployment's; the oldest of several. */
export function findNew(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const wanted = withoutHash(deployment.spec!.template);
  return sets.filter((set) => equalJson(withoutHash(set.spec!.template), wanted))
    .sort((left, right) => created(left) - created(right))[0];
}

export function created(set: ReplicaSet): number {
  return Date.parse(String(set.metadata!.creationTimestamp));
}

export function revisionOf(object: { metadata?: { annotations?: Record<string, string> } }): number {
  return Number(object.metadata?.annotations?.[REVISION] ?? 0);
}

/** Annotations a ReplicaSet takes over from its Deployment. */
function inherited(deployment: Deployment): Record<string, string> {
  const { [LAST_APPLIED]: _, [REVISION]: __, ...rest } = deployment.metadata!.annotations ?? {};
  return rest;
}

export function scaleAnnotations(deployment: Deployment, surge: number): Record<string, string> {
  const replicas = deployment.spec!.replicas ?? 1;
  return { [DESIRED]: String(replicas), [MAX]: String(replicas + surge) };
}

/**
 * Makes the ReplicaSet of the Deployment's present template.
 *
 * @returns undefined when its name is taken by another template: the caller counts a collision and tries again
 */
export async function createNew(
  client: KubeClient,
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  replicas: number,
  surge: number,
): Promise<ReplicaSet | undefined> {
  const template = deployment.spec!.template;
  const hash = templateHash(template, deployment.status?.collisionCount ?? 0);
  const revision = Math.max(0, ...sets.map(revisionOf)) + 1;
  const selector = deployment.spec!.selector;
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  const set: ReplicaSet = {
    metadata: {
      name: `${deployment.metadata!.name}-${hash}`,
      namespace: deployment.metadata!.namespace!,
      labels,
      annotations: {
        ...inherited(deployment),
        ...scaleAnnotations(deployment, surge),
        [REVISION]: String(revision),
      },
      ownerReferences: [ownerReference(DEPLOYMENTS, deployment)],
    },
    spec: {
      replicas,
      minReadySeconds: deployment.spec!.minReadySeconds ?? 0,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
  try {
    return await client.create(REPLICA_SETS, set);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return undefined;
  }
}

/** Gives the new ReplicaSet the highest revision (after a rollback to it) and the Deployment's annotations. */
export async function updateAnnotations(
  client: KubeClient,
  deployment: Deployment,
  set: ReplicaSet,
  sets: readonly ReplicaSet[],
  surge: number,
): Promise<ReplicaSet> {
  const others = sets.filter((each) => each.metadata!.uid !== set.metadata!.uid).map(revisionOf);
  const highest = Math.max(0, ...others);
  const revision = revisionOf(set) > highest ? revisionOf(set) : highest + 1;
  const wanted = {
    ...inherited(deployment),
    ...scaleAnnotations(deployment, surge),
    [REVISION]: String(revision),
  };
  const present = set.metadata!.annotations ?? {};
  const isSame = Object.entries(wanted).every(([key, value]) => present[key] === value);
  const minReadySeconds = deployment.spec!.minReadySeconds ?? 0;
  if (isSame && (set.spec!.minReadySeconds ?? 0) === minReadySeconds) return set;
  return await client.patch(REPLICA_SETS, set.metadata!.name!, set.metadata!.namespace, {
    metadata: { uid: set.metadata!.uid, annotations: wanted },
    spec: { minReadySeconds },
  }, { type: "merge" });
}
