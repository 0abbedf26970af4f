/** Which Server speaks for a pod's port, by age where several do. */
import type { Server } from "../../kube/kinds.ts";
import { matchLabelSelector } from "../../kube/selector.ts";
import { byAge } from "./age.ts";
import type { ClusterState } from "./cluster_state.ts";
import type { PodFacts } from "./pod_facts.ts";

/** The port a name means in this pod. */
export function portNamed(pod: PodFacts, name: string): number | undefined {
  return pod.ports.find((port) => port.name === name)?.port;
}

/** Whether a Server speaks for this pod's port. */
export function selectsPort(server: Server, pod: PodFacts, port: number): boolean {
  const wanted = server.spec.port;
  const numbers = typeof wanted === "number"
    ? [wanted]
    : /^\d+$/.test(wanted)
    ? [Number(wanted)]
    : pod.ports.filter((one) => one.name === wanted).map((one) => one.port);
  return numbers.includes(port) && server.spec.podSelector !== undefined &&
    matchLabelSelector(server.spec.podSelector)(pod.labels);
}

/** The Server of a pod's port: the oldest of those that select it, then the first by name. */
export function serverOf(state: ClusterState, pod: PodFacts, port: number): Server | undefined {
  return state.servers.by("namespace", pod.namespace)
    .filter((server) => selectsPort(server, pod, port))
    .sort(byAge)[0];
}
