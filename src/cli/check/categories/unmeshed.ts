/**
 * Pods that ask for a proxy and have none: those that were there before the annotation, and those that were made while
 * the injector was away, whom the API server lets pass. Linkerd's check has no such line.
 */
import { annotationVerdict, unfitness } from "../../../control/injector/decide.ts";
import { NAMESPACES, type Pod, PODS } from "../../../kube/kinds.ts";
import { type Check, refuse } from "../check_model.ts";
import { nameOf } from "../pod_health.ts";

function isOver({ status, metadata }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed" ||
    metadata?.deletionTimestamp !== undefined;
}

export const everyPodHasItsProxy: Check = {
  description: "pods that ask for a proxy have one",
  anchor: "l5d-data-plane-unmeshed",
  isWarning: true,
  async run(facts) {
    const where = facts.dataNamespace === undefined ? {} : { namespace: facts.dataNamespace };
    const [{ items: pods }, { items: namespaces }] = await Promise.all([
      facts.client.list(PODS, where),
      facts.client.list(NAMESPACES),
    ]);
    const annotations = new Map(
      namespaces.map(({ metadata }) => [metadata?.name, metadata?.annotations ?? {}]),
    );
    const without = pods.filter((pod) => {
      const { namespace, annotations: own = {} } = pod.metadata!;
      return namespace !== facts.namespace && !isOver(pod) &&
        annotationVerdict(own, annotations.get(namespace) ?? {}) === undefined &&
        unfitness(pod.spec!, true) === undefined;
    });
    refuse(without.map(nameOf), "Some pods were made without the proxy they ask for, and must be made anew:");
  },
};
