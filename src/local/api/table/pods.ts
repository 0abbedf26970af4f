/** Pods in a table. Source: k8s.io/kubernetes/pkg/printers/internalversion (printPod). */
import type { ContainerStatus, Pod } from "../../../kube/kinds.ts";
import type { StoredObject } from "../object.ts";
import { humanDuration, since } from "./duration.ts";
import { type Cell, columns, type Printer } from "./printer.ts";

export const podPrinter: Printer = {
  columns: columns(
    "Name",
    "Ready",
    "Status",
    "Restarts",
    "Age",
    "IP+",
    "Node+",
    "Nominated Node+",
    "Readiness Gates+",
  ),
  cells(object: StoredObject, now: Date): Cell[] {
    const pod = object as unknown as Pod;
    const { ready, total, restarts, reason, lastRestart } = summarize(pod);
    const ago = restarts > 0 && lastRestart > 0 ? ` (${humanDuration(now.getTime() - lastRestart)} ago)` : "";
    return [
      object.metadata.name,
      `${ready}/${total}`,
      reason,
      `${restarts}${ago}`,
      since(object.metadata.creationTimestamp, now),
      pod.status?.podIP ?? "<none>",
      pod.spec?.nodeName ?? "<none>",
      pod.status?.nominatedNodeName ?? "<none>",
      gates(pod),
    ];
  },
};

interface Summary {
  ready: number;
  total: number;
  restarts: number;
  reason: string;
  lastRestart: number;
}

function isSidecar(pod: Pod, name: string): boolean {
  return pod.spec?.initContainers?.find((each) => each.name === name)?.restartPolicy === "Always";
}

function summarize(pod: Pod): Summary {
  const { status, spec } = pod;
  const summary: Summary = {
    ready: 0,
    total: spec?.containers.length ?? 0,
    restarts: 0,
    reason: status?.reason ?? status?.phase ?? "",
    lastRestart: 0,
  };
  if (
    status?.conditions?.some(({ type, reason }) => type === "PodScheduled" && reason === "SchedulingGated")
  ) {
    summary.reason = "SchedulingGated";
  }
  const isInitializing = summarizeInit(pod, summary);
  if (!isInitializing || isInitialized(pod)) summarizeContainers(pod, summary);
  if (pod.metadata?.deletionTimestamp !== undefined) {
    const isDone = status?.phase === "Succeeded" || status?.phase === "Failed";
    if (status?.reason === "NodeLost") summary.reason = "Unknown";
    else if (!isDone) summary.reason = "Terminating";
  }
  return summary;
}

function isInitialized(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === "Initialized" && status === "True") ===
    true;
}

function finishedAt(status: ContainerStatus): number {
  return Date.parse(String(status.lastState?.terminated?.finishedAt ?? "")) || 0;
}

/** @returns true while an init container still has work to do */
function summarizeInit(pod: Pod, summary: Summary): boolean {
  const statuses = pod.status?.initContainerStatuses ?? [];
  const total = pod.spec?.initContainers?.length ?? 0;
  let isInitializing = false;
  for (const [index, status] of statuses.entries()) {
    const sidecar = isSidecar(pod, status.name);
    summary.lastRestart = Math.max(summary.lastRestart, finishedAt(status));
    summary.restarts += status.restartCount;
    if (sidecar) {
      summary.total++;
      if (status.started === true && status.ready) summary.ready++;
    }
    if (isInitializing) continue;
    const { terminated, waiting } = status.state ?? {};
    if (terminated?.exitCode === 0 || (sidecar && status.started === true)) continue;
    isInitializing = true;
    if (terminated !== undefined) summary.reason = `Init:${terminatedReason(terminated)}`;
    else if (waiting?.reason && waiting.reason !== "PodInitializing") {
      summary.reason = `Init:${waiting.reason}`;
    } else summary.reason = `Init:${index}/${total}`;
  }
  return isInitializing;
}

function terminatedReason(terminated: { reason?: string; signal?: number; exitCode: number }): string {
  if (terminated.reason) return terminated.reason;
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

function summarizeContainers(pod: Pod, summary: Summary): void {
  let hasRunning = false;
  for (const status of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    summary.restarts += status.restartCount;
    summary.lastRestart = Math.max(summary.lastRestart, finishedAt(status));
    const { waiting, terminated, running } = status.state ?? {};
    if (waiting?.reason) summary.reason = waiting.reason;
    else if (terminated !== undefined) summary.reason = terminatedReason(terminated);
    else if (status.ready && running !== undefined) {
      hasRunning = true;
      summary.ready++;
    }
  }
  if (summary.reason !== "Completed" || !hasRunning) return;
  const isReady = pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
  summary.reason = isReady ? "Running" : "NotReady";
}

function gates(pod: Pod): string {
  const wanted = pod.spec?.readinessGates ?? [];
  if (wanted.length === 0) return "<none>";
  const met = wanted.filter(({ conditionType }) =>
    pod.status?.conditions?.some(({ type, status }) => type === conditionType && status === "True")
  );
  return `${met.length}/${wanted.length}`;
}
