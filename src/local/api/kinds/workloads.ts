/**
 * Deployments, ReplicaSets, DaemonSets, StatefulSets: defaults, and the rule that a selector must match its template
 * and never change.
 *
 * Source: k8s.io/kubernetes/pkg/apis/apps.
 */
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from "../../../kube/kinds.ts";
import { matchLabelSelector } from "../../../kube/selector.ts";
import type { FieldErrors } from "../errors.ts";
import { equalJson, type IncomingObject, type StoredObject } from "../object.ts";
import { setPodSpecDefaults } from "./pod_defaults.ts";
import { validatePodSpec } from "./pod_validation.ts";
import type { Strategy } from "./strategy.ts";

function setTemplateDefaults(template: { spec?: Parameters<typeof setPodSpecDefaults>[0] } | undefined) {
  if (template?.spec !== undefined) setPodSpecDefaults(template.spec);
}

function validateWorkload(
  object: IncomingObject,
  errors: FieldErrors,
  old: StoredObject | undefined,
): void {
  const { spec } = object as unknown as Deployment;
  if (spec === undefined) return errors.required("spec");
  const { selector, template, replicas } = spec;
  if (replicas !== undefined && replicas < 0) {
    errors.invalid("spec.replicas", replicas, "must be greater than or equal to 0");
  }
  if (selector === undefined) return;
  if (Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0) {
    errors.invalid("spec.selector", selector, "empty selector is invalid for this kind");
  }
  if (template === undefined) return errors.required("spec.template");
  if (!matchLabelSelector(selector)(template.metadata?.labels)) {
    errors.invalid(
      "spec.template.metadata.labels",
      template.metadata?.labels ?? {},
      "`selector` does not match template `labels`",
    );
  }
  if (template.spec === undefined) errors.required("spec.template.spec.containers");
  else {
    validatePodSpec(template.spec, "spec.template.spec", errors);
    const policy = template.spec.restartPolicy;
    if (policy !== "Always") errors.unsupported("spec.template.spec.restartPolicy", policy, ["Always"]);
  }
  const before = (old as unknown as Deployment | undefined)?.spec?.selector;
  if (before !== undefined && !equalJson(before, selector)) {
    errors.invalid("spec.selector", selector, "field is immutable");
  }
}

/** An absolute number or a percentage of `total`. */
function amountProblem(value: unknown): string | undefined {
  if (typeof value === "number") return value < 0 ? "must be greater than or equal to 0" : undefined;
  return typeof value === "string" && /^\d+%$/.test(value)
    ? undefined
    : "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%', or '93%')";
}

export const deploymentStrategy: Strategy = {
  setDefaults(object) {
    const { spec } = object as unknown as Deployment;
    if (spec === undefined) return;
    spec.replicas ??= 1;
    spec.strategy ??= {};
    spec.strategy.type ??= "RollingUpdate";
    if (spec.strategy.type === "RollingUpdate") {
      spec.strategy.rollingUpdate ??= {};
      spec.strategy.rollingUpdate.maxSurge ??= "25%";
      spec.strategy.rollingUpdate.maxUnavailable ??= "25%";
    }
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
    setTemplateDefaults(spec.template);
  },
  validate(object, errors, old) {
    validateWorkload(object, errors, old);
    const strategy = (object as unknown as Deployment).spec?.strategy;
    if (strategy === undefined) return;
    if (strategy.type !== "RollingUpdate" && strategy.type !== "Recreate") {
      errors.unsupported("spec.strategy.type", strategy.type, ["Recreate", "RollingUpdate"]);
    }
    const rolling = strategy.rollingUpdate;
    if (strategy.type === "Recreate" && rolling !== undefined) {
      errors.forbidden(
        "spec.strategy.rollingUpdate",
        "may not be specified when strategy `type` is 'Recreate'",
      );
      return;
    }
    for (const field of ["maxSurge", "maxUnavailable"] as const) {
      const problem = rolling?.[field] === undefined ? undefined : amountProblem(rolling[field]);
      if (problem !== undefined) {
        errors.invalid(`spec.strategy.rollingUpdate.${field}`, rolling![field], problem);
      }
    }
    const isZero = (value: unknown) => value === 0 || value === "0%";
    if (isZero(rolling?.maxSurge) && isZero(rolling?.maxUnavailable)) {
      errors.invalid(
        "spec.strategy.rollingUpdate.maxUnavailable",
        rolling?.maxUnavailable,
        "may not be 0 when `maxSurge` is 0",
      );
    }
  },
};

export const replicaSetStrategy: Strategy = {
  setDefaults(object) {
    const { spec } = object as unknown as ReplicaSet;
    if (spec === undefined) return;
    spec.replicas ??= 1;
    setTemplateDefaults(spec.template);
  },
  validate: validateWorkload,
};

export const daemonSetStrategy: Strategy = {
  setDefaults(object) {
    const { spec } = object as unknown as DaemonSet;
    if (spec === undefined) return;
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ??= "RollingUpdate";
    if (spec.updateStrategy.type === "RollingUpdate") {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
      spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
    }
    spec.revisionHistoryLimit ??= 10;
    setTemplateDefaults(spec.template);
  },
  validate: validateWorkload,
};

export const statefulSetStrategy: Strategy = {
  setDefaults(object) {
    const { spec } = object as unknown as StatefulSet;
    if (spec === undefined) return;
    spec.replicas ??= 1;
    spec.podManagementPolicy ??= "OrderedReady";
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ??= "RollingUpdate";
    if (spec.updateStrategy.type === "RollingUpdate") {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.partition ??= 0;
    }
    spec.revisionHistoryLimit ??= 10;
    setTemplateDefaults(spec.template);
  },
  validate: validateWorkload,
};
