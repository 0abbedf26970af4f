/** Which pods a tap is about: those of a resource whose proxies were told who may tap, and why the others are not. */
import type { StatQuery } from "../../../mesh/api.ts";
import { MeshFailure } from "../../../mesh/error.ts";
import { explainUntapped, MAX_TAPPED_PODS, type UntappedPod } from "../../../mesh/tap.ts";
import type { StatisticsContext } from "../answers/context.ts";
import { podsOf, resourceOf } from "../answers/selection.ts";
import type { Inventory, PodRecord } from "../inventory.ts";

export interface TapTargets {
  readonly pods: readonly PodRecord[];
  readonly untapped: readonly UntappedPod[];
}

function reasonOf(pod: PodRecord, inventory: Inventory): UntappedPod["reason"] | undefined {
  if (!pod.isMeshed) return "not-meshed";
  if (pod.isControlPlane) return "control-plane";
  if (pod.isTapRefused || inventory.refusesTap(pod.namespace)) return "disabled";
  if (!pod.isTapEnabled) return "restart-needed";
  return pod.phase === "Running" && pod.ip !== "" ? undefined : "not-running";
}

function described({ kind, name, namespace, labels }: StatQuery): string {
  const where = kind === "namespace" || namespace === undefined ? "" : ` in namespace ${namespace}`;
  const which = labels === undefined || labels === "" ? "" : ` with labels ${labels}`;
  return `${kind}${name === undefined ? "s" : `/${name}`}${where}${which}`;
}

/** @throws MeshFailure when there is no pod to tap: with the reason of each */
export function targetsOf(context: StatisticsContext, query: StatQuery): TapTargets {
  const chosen = podsOf(context, query).filter((pod) => {
    const resource = resourceOf(pod, query.kind);
    return resource !== undefined && (query.name === undefined || query.name === resource.name);
  });
  if (chosen.length === 0) {
    throw new MeshFailure({
      code: "tap-no-pods",
      source: "cluster",
      detail: `no pods found for ${described(query)}`,
      remedy: "name another resource, or another namespace with -n",
    });
  }
  const pods: PodRecord[] = [], untapped: UntappedPod[] = [];
  for (const pod of chosen) {
    const { namespace, name } = pod, reason = reasonOf(pod, context.inventory);
    if (reason === undefined && pods.length < MAX_TAPPED_PODS) pods.push(pod);
    else untapped.push({ namespace, name, reason: reason ?? "too-many" });
  }
  if (pods.length === 0) {
    const reasons = untapped.slice(0, 20).map((pod) => `\n  * ${explainUntapped(pod)}`).join("");
    const more = untapped.length > 20 ? `\n  * and ${untapped.length - 20} more` : "";
    throw new MeshFailure({
      code: "tap-disabled",
      source: "cluster",
      detail: `none of the ${untapped.length} pods of ${described(query)} can be tapped:${reasons}${more}`,
      remedy: "see what can be with linkerd list",
    });
  }
  return { pods, untapped };
}
