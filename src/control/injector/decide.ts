/** Whether a pod is meshed, and if not, why: the reasons are Linkerd's, for people, events and metrics. */
import type { PodSpec } from "../../kube/kinds.ts";
import { INJECT_ANNOTATION } from "../../mesh/annotations.ts";

export type SkipReason =
  | "host_network_enabled"
  | "sidecar_already_exists"
  | "unsupported_resource"
  | "injection_enable_annotation_absent"
  | "injection_disable_annotation_present"
  | "annotation_at_workload_invalid"
  | "annotation_at_namespace_invalid"
  | "disabled_automount_service_account_token_account";

/** The sentence an event or `linkerd inject` shows for a reason. */
export const SKIP_REASONS: Readonly<Record<SkipReason, string>> = {
  host_network_enabled: "hostNetwork is enabled",
  sidecar_already_exists: "pod has a sidecar injected already",
  unsupported_resource: "this resource kind is unsupported",
  injection_enable_annotation_absent:
    'neither the namespace nor the pod have the annotation "linkerd.io/inject:enabled"',
  injection_disable_annotation_present: 'pod has the annotation "linkerd.io/inject:disabled"',
  annotation_at_workload_invalid: 'invalid value for annotation "linkerd.io/inject" at workload',
  annotation_at_namespace_invalid: 'invalid value for annotation "linkerd.io/inject" at namespace',
  disabled_automount_service_account_token_account:
    'automountServiceAccountToken set to "false", with Values.identity.serviceAccountTokenProjection set to "false"',
};

type Annotations = Readonly<Record<string, string>>;

const VALUES = ["enabled", "ingress", "disabled"];

/** What the annotations of a pod and its namespace say; undefined to inject. */
export function annotationVerdict(
  pod: Annotations,
  namespace: Annotations,
): { reason: SkipReason; at: "workload" | "namespace" } | undefined {
  const own = pod[INJECT_ANNOTATION];
  const inherited = namespace[INJECT_ANNOTATION];
  if (own !== undefined && own !== "" && !VALUES.includes(own)) {
    return { reason: "annotation_at_workload_invalid", at: "workload" };
  }
  if (inherited !== undefined && inherited !== "" && !VALUES.includes(inherited)) {
    return { reason: "annotation_at_namespace_invalid", at: "namespace" };
  }
  if (own === "disabled") return { reason: "injection_disable_annotation_present", at: "workload" };
  if (own === "enabled" || own === "ingress" || inherited === "enabled" || inherited === "ingress") {
    return undefined;
  }
  return {
    reason: "injection_enable_annotation_absent",
    at: inherited === "disabled" ? "namespace" : "workload",
  };
}

const SIDECARS = ["linkerd-proxy", "istio-proxy"];
const SIDECAR_IMAGES = /(^|\/)(linkerd\/proxy|istio\/proxyv2|linkerd-deno\/proxy)[:@]/;
const INITS = ["linkerd-init", "istio-init"];
const INIT_IMAGES = /(^|\/)(linkerd\/proxy-init|istio\/proxy_init)[:@]/;

export function hasSidecar(spec: PodSpec): boolean {
  const all = [...spec.containers, ...spec.initContainers ?? []];
  return all.some((one) => SIDECARS.includes(one.name) || SIDECAR_IMAGES.test(one.image ?? "")) ||
    (spec.initContainers ?? []).some((one) => INITS.includes(one.name) || INIT_IMAGES.test(one.image ?? ""));
}

/** What makes a pod unfit for the mesh, whatever its annotations say. */
export function unfitness(spec: PodSpec, hasTokenProjection: boolean): SkipReason | undefined {
  if (spec.hostNetwork === true) return "host_network_enabled";
  if (hasSidecar(spec)) return "sidecar_already_exists";
  if (spec.automountServiceAccountToken === false && !hasTokenProjection) {
    return "disabled_automount_service_account_token_account";
  }
  return undefined;
}
