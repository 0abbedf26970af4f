/** Servers that may select the same port of a pod. The older counts there, and the newer does nothing: worth a warning. */
import type { Server } from "../../kube/kinds.ts";
import type { LabelSelector } from "../../kube/resource.ts";

/** Whether a label is asked to have two different values: then no pod is selected by both. */
function excludes(one: LabelSelector, other: LabelSelector): boolean {
  const others = other.matchLabels ?? {};
  return Object.entries(one.matchLabels ?? {}).some(([label, value]) =>
    others[label] !== undefined && others[label] !== value
  );
}

/** @param others the Servers of the namespace, with or without itself */
export function overlapWarnings(server: Server, others: readonly Server[]): string[] {
  const { podSelector, port } = server.spec;
  if (podSelector === undefined) return [];
  return others
    .filter((other) =>
      other.metadata?.name !== server.metadata?.name && other.spec.port === port &&
      other.spec.podSelector !== undefined && !excludes(podSelector, other.spec.podSelector)
    )
    .map((other) =>
      `Server ${other.metadata?.name} is for port ${port} too: on pods that both select the older of them counts`
    );
}
