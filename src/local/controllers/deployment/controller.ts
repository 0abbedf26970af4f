/** Deployments: rolls from one ReplicaSet to the next within the bounds of its strategy. */
import { isNotFound } from "../../../kube/client.ts";
import { type Deployment, DEPLOYMENTS, PODS, REPLICA_SETS, type ReplicaSet } from "../../../kube/kinds.ts";
import { equalJson } from "../../api/object.ts";
import {
  type Controller,
  type ControllerContext,
  enqueueAll,
  enqueueOwners,
  keyOf,
  reconciler,
} from "../controller.ts";
import { controllerOf, isTerminal, ownedBy } from "../pods.ts";
import {
  createNew,
  findNew,
  REVISION,
  revisionOf,
  scaleAnnotations,
  updateAnnotations,
} from "./replica_sets.ts";
import { type Bounds, boundsOf, newReplicas, oldReplicas } from "./rolling_update.ts";
import { statusOf } from "./status.ts";

const COMPONENT = "deployment-controller";

export function startDeploymentController(context: ControllerContext): Controller {
  const { client, events } = context;

  async function reconcile(namespace: string, name: string): Promise<void> {
    let deployment: Deployment;
    try {
      deployment = await client.get(DEPLOYMENTS, name, namespace);
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    const { spec, metadata } = deployment;
    let sets = await ownedBy(client, REPLICA_SETS, DEPLOYMENTS, deployment, spec!.selector);
    const bounds = boundsOf(deployment);
    let fresh = findNew(deployment, sets);
    if (metadata!.deletionTimestamp === undefined) {
      if (spec!.paused === true) await scaleActive(deployment, sets, fresh, bounds);
      else {
        const next = spec!.strategy?.type === "Recreate"
          ? await recreate(deployment, sets, fresh, bounds)
          : await roll(deployment, sets, fresh, bounds);
        if (next === "collision") return await countCollision(deployment);
        fresh = next;
      }
      sets = await ownedBy(client, REPLICA_SETS, DEPLOYMENTS, deployment, spec!.selector);
      fresh = sets.find((set) => set.metadata!.uid === fresh?.metadata?.uid);
      if (fresh !== undefined) deployment = await setRevision(deployment, fresh);
    }
    await writeStatus(deployment, sets, fresh, bounds);
    if (spec!.paused !== true) await cleanUp(deployment, sets, fresh);
  }

  async function roll(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    present: ReplicaSet | undefined,
    bounds: Bounds,
  ): Promise<ReplicaSet | "collision" | undefined> {
    const replicas = newReplicas(bounds, sets, present);
    const fresh = await ensureNew(deployment, sets, present, replicas, bounds);
    if (fresh === "collision") return fresh;
    if ((fresh.spec!.replicas ?? 1) !== replicas) {
      // Old pods make room at the next turn, which this change brings about.
      return await scaleTo(deployment, fresh, replicas, bounds);
    }
    const old = sets.filter((set) => set.metadata!.uid !== fresh.metadata!.uid);
    for (const [set, count] of oldReplicas(bounds, fresh, old)) {
      await scaleTo(deployment, set, count, bounds);
    }
    return fresh;
  }

  async function recreate(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    present: ReplicaSet | undefined,
    bounds: Bounds,
  ): Promise<ReplicaSet | "collision" | undefined> {
    const old = sets.filter((set) => set.metadata!.uid !== present?.metadata?.uid);
    for (const set of old) {
      if ((set.spec!.replicas ?? 1) > 0) await scaleTo(deployment, set, 0, bounds);
    }
    if (await hasOldPods(deployment, old)) return present;
    const fresh = await ensureNew(deployment, sets, present, bounds.replicas, bounds);
    if (fresh === "collision" || (fresh.spec!.replicas ?? 1) === bounds.replicas) return fresh;
    return await scaleTo(deployment, fresh, bounds.replicas, bounds);
  }

  async function hasOldPods(deployment: Deployment, old: readonly ReplicaSet[]): Promise<boolean> {
    const uids = new Set(old.map(({ metadata }) => metadata!.uid));
    const { items } = await client.list(PODS, { namespace: deployment.metadata!.namespace! });
    return items.some((pod) => !isTerminal(pod) && uids.has(controllerOf(pod)?.uid ?? ""));
  }

  async function ensureNew(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    present: ReplicaSet | undefined,
    replicas: number,
    bounds: Bounds,
  ): Promise<ReplicaSet | "collision"> {
    if (present !== undefined) {
      return await updateAnnotations(client, deployment, present, sets, bounds.surge);
    }
    const made = await createNew(client, deployment, sets, replicas, bounds.surge);
    if (made === undefined) return "collision";
    const message = `Scaled up replica set ${made.metadata!.name} from 0 to ${replicas}`;
    events.record(COMPONENT, DEPLOYMENTS, deployment, "Normal", "ScalingReplicaSet", message);
    return made;
  }

  async function scaleTo(
    deployment: Deployment,
    set: ReplicaSet,
    replicas: number,
    bounds: Bounds,
  ): Promise<ReplicaSet> {
    const { name, namespace, uid } = set.metadata!;
    const before = set.spec!.replicas ?? 1;
    const scaled = await client.patch(REPLICA_SETS, name!, namespace, {
      metadata: { uid, annotations: scaleAnnotations(deployment, bounds.surge) },
      spec: { replicas },
    }, { type: "merge" });
    const message = `Scaled ${
      replicas > before ? "up" : "down"
    } replica set ${name} from ${before} to ${replicas}`;
    events.record(COMPONENT, DEPLOYMENTS, deployment, "Normal", "ScalingReplicaSet", message);
    return scaled;
  }

  /** A paused Deployment does not roll, but follows its number of replicas with the set that runs. */
  async function scaleActive(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    fresh: ReplicaSet | undefined,
    bounds: Bounds,
  ): Promise<void> {
    const active = sets.filter((set) => (set.spec!.replicas ?? 1) > 0);
    const only = active.length === 1 ? active[0] : active.length === 0 ? fresh : undefined;
    if (only === undefined || (only.spec!.replicas ?? 1) === bounds.replicas) return;
    await scaleTo(deployment, only, bounds.replicas, bounds);
  }

  async function setRevision(deployment: Deployment, fresh: ReplicaSet): Promise<Deployment> {
    const revision = String(revisionOf(fresh));
    if (deployment.metadata!.annotations?.[REVISION] === revision) return deployment;
    const { name, namespace, uid } = deployment.metadata!;
    const patch = { metadata: { uid, annotations: { [REVISION]: revision } } };
    return await client.patch(DEPLOYMENTS, name!, namespace, patch, { type: "merge" });
  }

  async function countCollision(deployment: Deployment): Promise<void> {
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    await client.replace(DEPLOYMENTS, {
      ...deployment,
      status: { ...deployment.status, collisionCount },
    }, "status");
    queue.add(keyOf(deployment));
  }

  async function writeStatus(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    fresh: ReplicaSet | undefined,
    bounds: Bounds,
  ): Promise<void> {
    const { status, deadlineMs } = statusOf(deployment, sets, fresh, bounds, context.now());
    // A moment after the deadline: times in the API have whole seconds.
    if (deadlineMs !== undefined) queue.addAfter(keyOf(deployment), deadlineMs + 1000);
    if (equalJson(status, deployment.status)) return;
    await client.replace(DEPLOYMENTS, { ...deployment, status } as Deployment, "status");
  }

  async function cleanUp(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    fresh: ReplicaSet | undefined,
  ): Promise<void> {
    const idle = sets
      .filter((set) =>
        set.metadata!.uid !== fresh?.metadata?.uid && (set.spec!.replicas ?? 1) === 0 &&
        (set.status?.replicas ?? 0) === 0 && set.metadata!.deletionTimestamp === undefined
      )
      .sort((left, right) => revisionOf(left) - revisionOf(right));
    const surplus = idle.length - (deployment.spec!.revisionHistoryLimit ?? 10);
    for (const set of idle.slice(0, Math.max(0, surplus))) {
      await client.delete(REPLICA_SETS, set.metadata!.name!, set.metadata!.namespace);
    }
  }

  const queue = reconciler(context, "deployment", reconcile);
  enqueueAll(context, DEPLOYMENTS, queue);
  enqueueOwners(context, REPLICA_SETS, "Deployment", queue);
  // Recreate waits for the last old pod to be gone.
  context.informers.of(PODS).subscribe({
    deleted(pod) {
      const owner = controllerOf(pod);
      if (owner?.kind !== "ReplicaSet") return;
      const set = context.informers.of(REPLICA_SETS).get(pod.metadata!.namespace, owner.name);
      const deployment = set === undefined ? undefined : controllerOf(set);
      if (deployment !== undefined) queue.add(`${pod.metadata!.namespace}/${deployment.name}`);
    },
  });
  return { stop: () => queue.stop() };
}
