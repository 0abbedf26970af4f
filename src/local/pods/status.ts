/** A pod's status, made from what its containers are doing. Pure. Source: kubelet's generateAPIPodStatus. */
import type { ContainerStatus, Pod } from "../../kube/kinds.ts";

export type PodStatus = NonNullable<Pod["status"]>;
type Condition = NonNullable<PodStatus["conditions"]>[number];

/** A container as its pod's status needs it. */
export interface ContainerView {
  readonly status: ContainerStatus;
  /** It will not run again. */
  readonly isFinished: boolean;
  readonly hasRun: boolean;
  /** An init container that goes on running beside the others. */
  readonly isSidecar: boolean;
}

export interface PodView {
  readonly pod: Pod;
  readonly podAddress: string | undefined;
  readonly hostAddress: string;
  /** When the node took the pod. */
  readonly startTime: string;
  readonly initContainers: readonly ContainerView[];
  readonly containers: readonly ContainerView[];
  /** Every init container has done its part. */
  readonly isInitialized: boolean;
  /** Set when the pod has failed for a reason that is no container's. */
  readonly failure?: { readonly reason: string; readonly message: string } | undefined;
}

const exitCodeOf = ({ status }: ContainerView) => status.state?.terminated?.exitCode ?? 0;

/** The phase; a pod is over only when nothing of it runs any more, sidecars included. */
export function phaseOf(view: PodView): string {
  const phase = phaseOfContainers(view);
  const isOver = phase === "Succeeded" || phase === "Failed";
  const doesRun = [...view.initContainers, ...view.containers].some(({ status }) =>
    status.state?.running !== undefined
  );
  return isOver && doesRun ? "Running" : phase;
}

function phaseOfContainers({ initContainers, containers, isInitialized, failure }: PodView): string {
  if (failure !== undefined) return "Failed";
  const failedInit = initContainers.some((each) =>
    !each.isSidecar && each.isFinished && exitCodeOf(each) !== 0
  );
  if (failedInit && !isInitialized) return "Failed";
  if (!isInitialized) return "Pending";
  if (containers.every((each) => each.isFinished)) {
    if (containers.some((each) => exitCodeOf(each) !== 0)) return "Failed";
    return containers.every((each) => each.hasRun) ? "Succeeded" : "Pending";
  }
  return containers.every((each) => each.hasRun) ? "Running" : "Pending";
}

function condition(type: string, isTrue: boolean, reason?: string, message?: string): Condition {
  return {
    type,
    status: isTrue ? "True" : "False",
    ...(reason === undefined || isTrue && reason !== "PodCompleted" ? {} : { reason }),
    ...(message === undefined || isTrue ? {} : { message }),
  };
}

/** Keeps the time of the last change where nothing changed, and conditions that belong to others. */
export function mergeConditions(
  before: readonly Condition[],
  wanted: readonly Condition[],
  now: string,
): Condition[] {
  const merged = wanted.map((each) => {
    const same = before.find(({ type, status }) => type === each.type && status === each.status);
    return {
      ...each,

      lastTransitionTime: same?.lastTransitionTime ?? now,
    };
  });
  return [...merged, ...before.filter(({ type }) => !wanted.some((each) => each.type === type))];
}

/** `containers with unready status: [a b]`, as people search for it. */
function unready(views: readonly ContainerView[]): string | undefined {
  const names = views.filter(({ status }) => !status.ready).map(({ status }) => status.name);
  return names.length === 0 ? undefined : `containers with unready status: [${names.join(" ")}]`;
}

/** The whole status. @param before what the API has: others' conditions and times are kept */
export function podStatus(view: PodView, before: PodStatus, now: string): PodStatus {
  const { pod, podAddress, hostAddress, initContainers, containers, isInitialized, failure } = view;
  const phase = phaseOf(view);
  const isOver = phase === "Succeeded" || phase === "Failed";
  const sidecars = initContainers.filter(({ isSidecar }) => isSidecar);
  const missing = unready([...sidecars, ...containers]);
  const reason = phase === "Succeeded"
    ? "PodCompleted"
    : phase === "Failed"
    ? "PodFailed"
    : "ContainersNotReady";
  const gates = (pod.spec?.readinessGates ?? []).map(({ conditionType }) => conditionType);
  const closedGate = gates.find((gate) =>
    !before.conditions?.some(({ type, status }) => type === gate && status === "True")
  );
  const areReady = !isOver && isInitialized && missing === undefined;
  const readyProblem = !areReady ? reason : "ReadinessGatesNotReady";
  const readyMessage = missing ??
    (closedGate && `corresponding condition of pod readiness gate "${closedGate}" is not True`);
  return {
    phase,
    hostIP: hostAddress,
    hostIPs: [{ ip: hostAddress }],
    ...(podAddress === undefined ? {} : { podIP: podAddress, podIPs: [{ ip: podAddress }] }),
    startTime: view.startTime,
    qosClass: before.qosClass ?? "BestEffort",
    ...(failure ?? {}),
    initContainerStatuses: initContainers.map(({ status }) => status),
    containerStatuses: containers.map(({ status }) => status),
    conditions: mergeConditions(before.conditions ?? [], [
      condition("PodReadyToStartContainers", podAddress !== undefined && !isOver),
      condition(
        "Initialized",
        isInitialized,
        phase === "Succeeded" ? "PodCompleted" : "ContainersNotInitialized",
      ),
      condition("Ready", areReady && closedGate === undefined, readyProblem, readyMessage),
      condition("ContainersReady", areReady, reason, missing),
      condition("PodScheduled", true),
    ], now),
  };
}
