/**
 * What a Deployment tells of itself: what `kubectl rollout status` and `kubectl wait` read.
 *
 * Source: k8s.io/kubernetes/pkg/controller/deployment/progress.go and sync.go.
 */
import type { Deployment, ReplicaSet } from "../../../kube/kinds.ts";
import { findCondition, type StatusCondition, withCondition } from "../conditions.ts";
import type { Bounds } from "./rolling_update.ts";

export interface DeploymentStatus {
  observedGeneration: number;
  replicas: number;
  updatedReplicas: number;
  readyReplicas: number;
  availableReplicas: number;
  unavailableReplicas: number;
  conditions: StatusCondition[];
  collisionCount?: number;
}

function sum(sets: readonly ReplicaSet[], field: "replicas" | "readyReplicas" | "availableReplicas"): number {
  return sets.reduce((total, set) => total + (set.status?.[field] ?? 0), 0);
}

/**
 * @param failure why pods or the ReplicaSet could not be made
 */
export function statusOf(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  fresh: ReplicaSet | undefined,
  bounds: Bounds,
  now: Date,
): { status: DeploymentStatus; deadlineMs: number | undefined } {
  const available = sum(sets, "availableReplicas");
  const wanted = sets.reduce((total, set) => total + (set.spec!.replicas ?? 1), 0);
  const counts = {
    replicas: sum(sets, "replicas"),
    updatedReplicas: fresh?.status?.replicas ?? 0,
    readyReplicas: sum(sets, "readyReplicas"),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, wanted - available),
  };
  let conditions = (deployment.status?.conditions ?? []) as StatusCondition[];
  conditions = withCondition(
    conditions,
    available >= bounds.replicas - bounds.unavailable
      ? {
        type: "Available",
        status: "True",
        reason: "MinimumReplicasAvailable",
        message: "Deployment has minimum availability.",
      }
      : {
        type: "Available",
        status: "False",
        reason: "MinimumReplicasUnavailable",
        message: "Deployment does not have minimum availability.",
      },
    now,
    true,
  );
  const progress = progressOf(deployment, fresh, counts, conditions, now);
  conditions = progress.conditions;
  const failed = sets.flatMap((set) => (set.status?.conditions ?? []) as StatusCondition[])
    .find(({ type }) => type === "ReplicaFailure");
  conditions = failed === undefined
    ? conditions.filter(({ type }) => type !== "ReplicaFailure")
    : withCondition(conditions, { ...failed }, now, true);
  const { collisionCount } = deployment.status ?? {};
  return {
    status: {
      observedGeneration: deployment.metadata!.generation ?? 0,
      ...counts,
      conditions,
      ...(collisionCount === undefined ? {} : { collisionCount }),
    },
    deadlineMs: progress.deadlineMs,
  };
}

type Counts = Omit<DeploymentStatus, "conditions" | "observedGeneration" | "collisionCount">;

function progressOf(
  deployment: Deployment,
  fresh: ReplicaSet | undefined,
  counts: Counts,
  conditions: StatusCondition[],
  now: Date,
): { conditions: StatusCondition[]; deadlineMs: number | undefined } {
  const before = deployment.status ?? {};
  const replicas = deployment.spec!.replicas ?? 1;
  const what = fresh === undefined
    ? `Deployment "${deployment.metadata!.name}"`
    : `ReplicaSet "${fresh.metadata!.name}"`;
  const progressing = (status: string, reason: string, message: string) => ({
    type: "Progressing",
    status,
    reason,
    message,
  });
  const isComplete = counts.updatedReplicas === replicas && counts.replicas === replicas &&
    counts.availableReplicas === replicas;
  if (isComplete) {
    const done = progressing("True", "NewReplicaSetAvailable", `${what} has successfully progressed.`);
    return { conditions: withCondition(conditions, done, now, true), deadlineMs: undefined };
  }
  const present = findCondition(conditions, "Progressing");
  const hasMoved = counts.updatedReplicas > (before.updatedReplicas ?? 0) ||
    counts.readyReplicas > (before.readyReplicas ?? 0) ||
    counts.availableReplicas > (before.availableReplicas ?? 0) ||
    counts.replicas - counts.updatedReplicas < (before.replicas ?? 0) - (before.updatedReplicas ?? 0);
  const wasDone = present?.reason === "NewReplicaSetAvailable" &&
    counts.updatedReplicas < replicas;
  if (present === undefined || hasMoved || wasDone) {
    const isNew = present === undefined && counts.updatedReplicas === 0;
    const moving = progressing(
      "True",
      isNew ? "NewReplicaSetCreated" : "ReplicaSetUpdated",
      isNew ? `Created new replica set "${fresh?.metadata?.name}"` : `${what} is progressing.`,
    );
    const rest = conditions.filter(({ type }) => type !== "Progressing");
    // Set anew, so that its update time, which the deadline counts from, moves.
    const next = withCondition(rest, moving, now, true);
    const time = next.at(-1)!;
    if (present?.status === "True" && present.lastTransitionTime !== undefined) {
      time.lastTransitionTime = present.lastTransitionTime;
    }
    return { conditions: next, deadlineMs: deadlineOf(deployment) };
  }
  if (present.reason === "NewReplicaSetAvailable") return { conditions, deadlineMs: undefined };
  const since = Date.parse(present.lastUpdateTime ?? "") || now.getTime();
  const left = since + deadlineOf(deployment) - now.getTime();
  if (left > 0) return { conditions, deadlineMs: left };
  const late = progressing("False", "ProgressDeadlineExceeded", `${what} has timed out progressing.`);
  return { conditions: withCondition(conditions, late, now, true), deadlineMs: undefined };
}

function deadlineOf(deployment: Deployment): number {
  return (deployment.spec!.progressDeadlineSeconds ?? 600) * 1000;
}
