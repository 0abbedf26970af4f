/** Labels the mesh reads and writes, by Linkerd's names. */

/** On meshed pods and on the control plane's objects: the namespace of the control plane. Marks a pod as meshed. */
export const CONTROL_PLANE_NS_LABEL = "linkerd.io/control-plane-ns";
export const WORKLOAD_NS_LABEL = "linkerd.io/workload-ns";
/** On the control plane's own objects; the injector leaves such pods alone. */
export const COMPONENT_LABEL = "linkerd.io/control-plane-component";
export const IS_CONTROL_PLANE_LABEL = "linkerd.io/is-control-plane";
export const EXTENSION_LABEL = "linkerd.io/extension";
export const CNI_RESOURCE_LABEL = "linkerd.io/cni-resource";
/** `disabled` on a namespace keeps every webhook of the mesh away from it. */
export const ADMISSION_WEBHOOKS_LABEL = "config.linkerd.io/admission-webhooks";

/** Kinds that own pods, as Kubernetes spells them. */
export const OWNER_KINDS = [
  "Deployment",
  "ReplicaSet",
  "ReplicationController",
  "DaemonSet",
  "StatefulSet",
  "Job",
  "CronJob",
] as const;
export type OwnerKind = typeof OWNER_KINDS[number];

/** `Deployment` → `linkerd.io/proxy-deployment`: the label that names a meshed pod's owner. */
export function ownerLabel(kind: OwnerKind): string {
  return `linkerd.io/proxy-${kind.toLowerCase()}`;
}

/** The label a metric carries for an owner's kind; Prometheus itself claims `job`. */
export function ownerMetricLabel(kind: OwnerKind): string {
  return kind === "Job" ? "k8s_job" : kind.toLowerCase();
}
