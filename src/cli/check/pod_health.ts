/** Whether pods and their proxies are well, and what they say when they are not. */
import type { Pod } from "../../kube/kinds.ts";
import { PROXY_CONTAINER } from "../../mesh/names.ts";

export function nameOf(pod: Pod): string {
  return `${pod.metadata?.namespace}/${pod.metadata?.name}`;
}

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
}

function statuses(pod: Pod) {
  return [...pod.status?.initContainerStatuses ?? [], ...pod.status?.containerStatuses ?? []];
}

/** Why a pod is not ready, by the first container that says something of itself; undefined when it is. */
export function complaintOf(pod: Pod): string | undefined {
  if (isReady(pod)) return undefined;
  const name = pod.metadata?.name ?? "", all = statuses(pod);
  for (const { name: container, state, lastState, ready } of all) {
    // A container that is well says nothing of the pod's present state by how it ended before.
    const waiting = state?.waiting, ended = state?.terminated ?? (ready ? undefined : lastState?.terminated);
    if (ended !== undefined && ended.exitCode !== 0) {
      const why = ended.message ? `: ${ended.message.trim()}` : "";
      return `${name}: container ${container} exited with ${ended.exitCode}${why}`;
    }
    if (waiting?.message) return `${name}: container ${container}: ${waiting.reason}: ${waiting.message}`;
  }
  const late = all.find(({ state, ready }) => state?.running !== undefined && !ready);
  if (late !== undefined) return `${name}: container ${late.name} runs, but is not ready`;
  const isWhole = pod.status?.phase === "Running" &&
    all.every(({ state, ready }) => ready || state?.terminated);
  if (isWhole) return `${name}: its containers are ready, its node ${pod.spec?.nodeName ?? ""} may not be`;
  return `${name} is ${pod.status?.phase ?? "Pending"}`;
}

/** Why a pod's proxy is not ready; undefined when it is. */
export function proxyComplaintOf(pod: Pod): string | undefined {
  const proxy = statuses(pod).find(({ name }) => name === PROXY_CONTAINER);
  if (proxy === undefined) return `${nameOf(pod)}: the container ${PROXY_CONTAINER} has not started`;
  if (proxy.ready) return undefined;
  const ended = proxy.state?.terminated ?? proxy.lastState?.terminated;
  if (ended !== undefined) return `${nameOf(pod)}: ${PROXY_CONTAINER} exited with ${ended.exitCode}`;
  const waiting = proxy.state?.waiting;
  if (waiting !== undefined) {
    return `${nameOf(pod)}: ${PROXY_CONTAINER} waits: ${waiting.reason ?? "unknown"}`;
  }
  return `${nameOf(pod)}: ${PROXY_CONTAINER} runs, but is not ready (it has no certificate yet, say)`;
}
