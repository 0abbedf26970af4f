/**
 * Deletes pods of this node that started before the plugin was there: their network validator found no redirection and
 * will never find any, since a pod's network is made once. Their controllers make new ones, which the plugin sees.
 */
import { isNotFound, type KubeClient } from "../kube/client.ts";
import { startInformer } from "../kube/informer.ts";
import { EVENTS, type Pod, PODS } from "../kube/kinds.ts";
import { NOT_REDIRECTED } from "../init/validator.ts";
import { VALIDATOR_CONTAINER } from "../mesh/names.ts";

/** A pod without a controller would be gone for good: it is left, and told of. */
export type Verdict = "delete" | "leave" | "well";

export function verdictOn({ metadata, status }: Pod): Verdict {
  if (metadata?.deletionTimestamp !== undefined) return "well";
  const validator = status?.initContainerStatuses?.find(({ name }) => name === VALIDATOR_CONTAINER);
  const ended = validator?.state?.terminated ?? validator?.lastState?.terminated;
  if (ended?.exitCode !== NOT_REDIRECTED) return "well";
  return metadata?.ownerReferences?.some(({ controller }) => controller === true) ? "delete" : "leave";
}

export interface RepairCounts {
  deleted: number;
  failed: number;
}

export interface Repair {
  readonly counts: Readonly<RepairCounts>;
  stop(): void;
}

async function tell(client: KubeClient, pod: Pod, message: string): Promise<void> {
  const { name = "", namespace = "", uid } = pod.metadata ?? {};
  const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  await client.create(EVENTS, {
    metadata: { generateName: `${name.slice(0, 200)}.`, namespace },
    involvedObject: { apiVersion: "v1", kind: "Pod", name, namespace, ...(uid === undefined ? {} : { uid }) },
    type: "Warning",
    reason: "LinkerdCNIRepairControllerDeletion",
    message,
    source: { component: "linkerd-cni-repair-controller" },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  });
}

/** Watches the pods of one node until stopped. */
export function startRepair(
  client: KubeClient,
  node: string,
  isInstalled: () => boolean,
  log: (line: string) => void,
): Repair {
  const counts: RepairCounts = { deleted: 0, failed: 0 };
  const handled = new Set<string>();
  const informer = startInformer(client, PODS, {
    fieldSelector: `spec.nodeName=${node}`,
    labelSelector: "linkerd.io/control-plane-ns",
  });
  const look = async (pod: Pod) => {
    const verdict = verdictOn(pod), { name = "", namespace = "", uid = "" } = pod.metadata ?? {};
    // While the plugin is not in the chain a new pod would fare no better.
    if (verdict === "well" || !isInstalled() || handled.has(uid)) return;
    handled.add(uid);
    const message = verdict === "delete"
      ? "deleted, since its network was made before the linkerd-cni plugin was installed: a new pod takes its place"
      : "its network was made before the linkerd-cni plugin was installed: delete it and make it anew";
    try {
      await tell(client, pod, message);
      if (verdict === "delete") await client.delete(PODS, name, namespace);
      counts.deleted += verdict === "delete" ? 1 : 0;
      log(`pod ${namespace}/${name}: ${message}`);
    } catch (error) {
      if (isNotFound(error)) return;
      counts.failed++;
      handled.delete(uid);
      log(`pod ${namespace}/${name} could not be repaired, and will be tried again: ${error}`);
    }
  };
  const lookAtAll = () => {
    for (const pod of informer.list()) look(pod);
  };
  informer.subscribe({
    added: look,
    modified: look,
    deleted: ({ metadata }) => handled.delete(metadata?.uid ?? ""),
  });
  const timer = setInterval(lookAtAll, 10_000);
  return {
    counts,
    stop: () => {
      clearInterval(timer);
      informer.stop();
    },
  };
}
