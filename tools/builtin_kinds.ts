/** The built-in kinds that the laptop cluster serves: what both generators of their schemas and fields are told. */

export interface BuiltinGroup {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kinds: readonly string[];
  /** False for what no client is known to send as protobuf: its field numbers are not needed. */
  readonly isSentAsProtobuf: boolean;
}

const group = (
  name: string,
  version: string,
  kinds: readonly string[],
  isSentAsProtobuf = true,
): BuiltinGroup => ({ group: name, version, kinds, isSentAsProtobuf });

export const BUILTIN_GROUPS: readonly BuiltinGroup[] = [
  group("", "v1", [
    "Pod",
    "Service",
    "Namespace",
    "Node",
    "Secret",
    "ConfigMap",
    "ServiceAccount",
    "Event",
    "Endpoints",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "ReplicationController",
    "LimitRange",
    "ResourceQuota",
    "Binding",
    "PodTemplate",
  ]),
  group("apps", "v1", ["Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "ControllerRevision"]),
  group("batch", "v1", ["Job", "CronJob"]),
  group("discovery.k8s.io", "v1", ["EndpointSlice"]),
  group("coordination.k8s.io", "v1", ["Lease"]),
  group("events.k8s.io", "v1", ["Event"], false),
  group("policy", "v1", ["PodDisruptionBudget", "Eviction"]),
  group("networking.k8s.io", "v1", ["NetworkPolicy", "Ingress", "IngressClass"]),
  group("autoscaling", "v1", ["Scale"]),
  group("autoscaling", "v2", ["HorizontalPodAutoscaler"]),
  group("scheduling.k8s.io", "v1", ["PriorityClass"]),
  group("storage.k8s.io", "v1", ["StorageClass"]),
  group("rbac.authorization.k8s.io", "v1", ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]),
  group("admissionregistration.k8s.io", "v1", [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
  ]),
  group("apiextensions.k8s.io", "v1", ["CustomResourceDefinition"], false),
  group("authentication.k8s.io", "v1", ["TokenRequest", "TokenReview", "SelfSubjectReview"]),
  group("authorization.k8s.io", "v1", [
    "SubjectAccessReview",
    "SelfSubjectAccessReview",
    "LocalSubjectAccessReview",
    "SelfSubjectRulesReview",
  ]),
];
