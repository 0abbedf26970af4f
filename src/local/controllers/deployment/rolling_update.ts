/**
 * How many replicas each ReplicaSet shall have next in a rolling update.
 *
 * Source: k8s.io/kubernetes/pkg/controller/deployment/rolling.go.
 */
import type { Deployment, ReplicaSet } from "../../../kube/kinds.ts";
import { created } from "./replica_sets.ts";

/** What a Deployment's strategy says in pods. */
export interface Bounds {
  replicas: number;
  surge: number;
  unavailable: number;
}

function amount(value: unknown, total: number, roundUp: boolean): number {
  if (typeof value === "number") return value;
  const exact = total * Number(String(value).replace("%", "")) / 100;
  return roundUp ? Math.ceil(exact) : Math.floor(exact);
}

export function boundsOf(deployment: Deployment): Bounds {
  const replicas = deployment.spec!.replicas ?? 1;
  const strategy = deployment.spec!.strategy;
  if (strategy?.type === "Recreate") return { replicas, surge: 0, unavailable: 0 };
  const surge = amount(strategy?.rollingUpdate?.maxSurge ?? "25%", replicas, true);
  let unavailable = amount(strategy?.rollingUpdate?.maxUnavailable ?? "25%", replicas, false);
  // Both zero would never move.
  if (surge === 0 && unavailable === 0) unavailable = 1;
  return { replicas, surge, unavailable: Math.min(unavailable, replicas) };
}

function wanted(set: ReplicaSet): number {
  return set.spec!.replicas ?? 1;
}

function available(set: ReplicaSet): number {
  return set.status?.availableReplicas ?? 0;
}

/** How many replicas the new ReplicaSet shall have now. */
export function newReplicas(
  bounds: Bounds,
  all: readonly ReplicaSet[],
  fresh: ReplicaSet | undefined,
): number {
  const own = fresh === undefined ? 0 : wanted(fresh);
  if (own >= bounds.replicas) return bounds.replicas;
  const total = all.reduce((sum, set) => sum + wanted(set), 0);
  const room = bounds.replicas + bounds.surge - total;
  return own + Math.max(0, Math.min(room, bounds.replicas - own));
}

/**
 * The old ReplicaSets to scale down now, and to what.
 *
 * Pods that are not available go first: they carry nothing.
 */
export function oldReplicas(
  bounds: Bounds,
  fresh: ReplicaSet,
  old: readonly ReplicaSet[],
): Map<ReplicaSet, number> {
  const next = new Map<ReplicaSet, number>();
  const live = [...old].filter((set) => wanted(set) > 0).sort((left, right) =>
    created(left) - created(right)
  );
  const total = [fresh, ...live].reduce((sum, set) => sum + wanted(set), 0);
  const minAvailable = bounds.replicas - bounds.unavailable;
  const freshUnavailable = wanted(fresh) - available(fresh);
  let budget = total - minAvailable - freshUnavailable;
  if (budget <= 0) return next;
  for (const set of live) {
    const idle = Math.max(0, wanted(set) - available(set));
    const cut = Math.min(budget, idle);
    if (cut === 0) continue;
    next.set(set, wanted(set) - cut);
    budget -= cut;
  }
  let spare = [fresh, ...live].reduce((sum, set) => sum + available(set), 0) - minAvailable;
  for (const set of live) {
    if (spare <= 0) break;
    const left = next.get(set) ?? wanted(set);
    const cut = Math.min(left, spare);
    if (cut === 0) continue;
    next.set(set, left - cut);
    spare -= cut;
  }
  return next;
}
