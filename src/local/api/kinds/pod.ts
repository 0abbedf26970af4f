/** Pods: bound to the node as they are created, deleted gracefully, and unchangeable but for a few fields. */
import type { Container, Pod, PodSpec } from "../../../kube/kinds.ts";
import { equalJson, type IncomingObject, timeText } from "../object.ts";
import { setPodSpecDefaults } from "./pod_defaults.ts";
import { validatePodSpec } from "./pod_validation.ts";
import type { Strategy } from "./strategy.ts";

export const podStrategy: Strategy = {
  setDefaults(object) {
    const pod = object as unknown as Pod;
    if (pod.spec === undefined) return;
    setPodSpecDefaults(pod.spec);
    pod.spec.enableServiceLinks ??= true;
  },

  prepareForCreate(object, context) {
    const pod = object as unknown as Pod & { spec: PodSpec & { schedulingGates?: unknown[] } };
    const isGated = (pod.spec.schedulingGates ?? []).length > 0;
    if (!pod.spec.nodeName && context.nodeName !== undefined && !isGated) {
      pod.spec.nodeName = context.nodeName;
    }
    object["status"] = {
      phase: "Pending",
      qosClass: qualityOf(pod.spec),
      ...(pod.spec.nodeName
        ? {
          conditions: [{ type: "PodScheduled", status: "True", lastTransitionTime: timeText(context.now()) }],
        }
        : {}),
    };
  },

  validate(object, errors, old) {
    const pod = object as unknown as Pod;
    if (pod.spec === undefined) return errors.required("spec");
    validatePodSpec(pod.spec, "spec", errors);
    if (old !== undefined && !equalJson(comparable(object), comparable(old))) {
      errors.forbidden(
        "spec",
        "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`," +
          "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations)," +
          "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
      );
    }
  },

  gracePeriodSeconds(object, requested) {
    const pod = object as unknown as Pod;
    const { phase } = pod.status ?? {};
    // Nobody runs it: nobody is to be waited for.
    if (!pod.spec?.nodeName || phase === "Succeeded" || phase === "Failed") return 0;
    return Math.max(0, requested ?? pod.spec.terminationGracePeriodSeconds ?? 30);
  },
};

function qualityOf(spec: PodSpec): string {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const quantities = (kind: "requests" | "limits", container: Container) =>
    Object.entries(container.resources?.[kind] ?? {}).filter(([name, value]) =>
      (name === "cpu" || name === "memory") && value !== "0" && value !== undefined
    );
  const isAnySet = containers.some((each) =>
    quantities("requests", each).length + quantities("limits", each).length > 0
  );
  if (!isAnySet) return "BestEffort";
  const isGuaranteed = containers.every((each) => {
    const limits = Object.fromEntries(quantities("limits", each));
    const requests = Object.fromEntries(quantities("requests", each));
    return limits["cpu"] !== undefined && limits["memory"] !== undefined && equalJson(limits, requests);
  });
  return isGuaranteed ? "Guaranteed" : "Burstable";
}

/** A pod's spec without what may change. */
function comparable(object: IncomingObject | { [field: string]: unknown }): unknown {
  const { spec } = object as unknown as Pod;
  const anyImage = (container: Container) => ({ ...container, image: "", imagePullPolicy: "" });
  return {
    ...spec,
    containers: spec?.containers.map(anyImage),
    initContainers: spec?.initContainers?.map(anyImage),
    ephemeralContainers: undefined,
    activeDeadlineSeconds: undefined,
    tolerations: undefined,
    terminationGracePeriodSeconds: undefined,
    nodeName: undefined,
    schedulingGates: undefined,
  };
}
