/** The built-in resources, one line each. */
import { builtinSchema } from "../schema/schema.ts";
import { strategyOf } from "../kinds/mod.ts";
import type { ResourceDefinition, ScalePaths, SubresourceRow } from "./definition.ts";

interface Row {
  plural: string;
  kind: string;
  isCluster?: true;
  short?: string[];
  categories?: string[];
  hasStatus?: true;
  hasScale?: true;
  isVirtual?: true;
  hasGeneration?: true;
  fields?: string[];
  name?: "label" | "path";
  others?: SubresourceRow[];
}

const ALL = ["all"];
const SCALE: ScalePaths = {
  specReplicasPath: ".spec.replicas",
  statusReplicasPath: ".status.replicas",
  labelSelectorPath: ".spec.selector",
};
const POD_SUBRESOURCES: SubresourceRow[] = [
  { name: "binding", kind: "Binding", verbs: ["create"] },
  { name: "eviction", kind: "Eviction", group: "policy", version: "v1", verbs: ["create"] },
  { name: "ephemeralcontainers", kind: "Pod", verbs: ["get", "patch", "update"] },
  { name: "log", kind: "Pod", verbs: ["get"] },
  { name: "proxy", kind: "PodProxyOptions", verbs: ["create", "delete", "get", "patch", "update"] },
];
const EVENT_FIELDS = [
  "involvedObject.kind",
  "involvedObject.namespace",
  "involvedObject.name",
  "involvedObject.uid",
  "involvedObject.apiVersion",
  "involvedObject.resourceVersion",
  "involvedObject.fieldPath",
  "reason",
  "reportingComponent",
  "source",
  "type",
];

const ROWS: Record<string, Row[]> = {
  "v1": [
    {
      plural: "pods",
      kind: "Pod",
      short: ["po"],
      categories: ALL,
      hasStatus: true,
      hasGeneration: true,
      others: POD_SUBRESOURCES,
      fields: [
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
      ],
    },
    {
      plural: "services",
      kind: "Service",
      short: ["svc"],
      categories: ALL,
      hasStatus: true,
      name: "label",
      fields: ["spec.clusterIP", "spec.type"],
      others: [
        { name: "proxy", kind: "ServiceProxyOptions", verbs: ["create", "delete", "get", "patch", "update"] },
      ],
    },
    {
      plural: "namespaces",
      kind: "Namespace",
      isCluster: true,
      short: ["ns"],
      hasStatus: true,
      name: "label",
      fields: ["status.phase"],
      others: [{ name: "finalize", kind: "Namespace", verbs: ["update"] }],
    },
    {
      plural: "nodes",
      kind: "Node",
      isCluster: true,
      short: ["no"],
      hasStatus: true,
      fields: ["spec.unschedulable"],
    },
    { plural: "secrets", kind: "Secret", fields: ["type"] },
    { plural: "configmaps", kind: "ConfigMap", short: ["cm"] },
    {
      plural: "serviceaccounts",
      kind: "ServiceAccount",
      short: ["sa"],
      others: [
        {
          name: "token",
          kind: "TokenRequest",
          group: "authentication.k8s.io",
          version: "v1",
          verbs: ["create"],
        },
      ],
    },
    { plural: "events", kind: "Event", short: ["ev"], fields: EVENT_FIELDS },
    { plural: "endpoints", kind: "Endpoints", short: ["ep"] },
    { plural: "persistentvolumeclaims", kind: "PersistentVolumeClaim", short: ["pvc"], hasStatus: true },
    {
      plural: "persistentvolumes",
      kind: "PersistentVolume",
      isCluster: true,
      short: ["pv"],
      hasStatus: true,
    },
    {
      plural: "replicationcontrollers",
      kind: "ReplicationController",
      short: ["rc"],
      categories: ALL,
      hasStatus: true,
      hasScale: true,
      hasGeneration: true,
    },
    { plural: "limitranges", kind: "LimitRange", short: ["limits"] },
    { plural: "resourcequotas", kind: "ResourceQuota", short: ["quota"], hasStatus: true },
    { plural: "podtemplates", kind: "PodTemplate" },
  ],
  "apps/v1": [
    {
      plural: "deployments",
      kind: "Deployment",
      short: ["deploy"],
      categories: ALL,
      hasStatus: true,
      hasScale: true,
      hasGeneration: true,
    },
    {
      plural: "replicasets",
      kind: "ReplicaSet",
      short: ["rs"],
      categories: ALL,
      hasStatus: true,
      hasScale: true,
      hasGeneration: true,
      fields: ["status.replicas"],
    },
    {
      plural: "daemonsets",
      kind: "DaemonSet",
      short: ["ds"],
      categories: ALL,
      hasStatus: true,
      hasGeneration: true,
    },
    {
      plural: "statefulsets",
      kind: "StatefulSet",
      short: ["sts"],
      categories: ALL,
      hasStatus: true,
      hasScale: true,
      hasGeneration: true,
    },
    { plural: "controllerrevisions", kind: "ControllerRevision" },
  ],
  "batch/v1": [
    {
      plural: "jobs",
      kind: "Job",
      categories: ALL,
      hasStatus: true,
      hasGeneration: true,
      fields: ["status.successful"],
    },
    {
      plural: "cronjobs",
      kind: "CronJob",
      short: ["cj"],
      categories: ALL,
      hasStatus: true,
      hasGeneration: true,
    },
  ],
  "discovery.k8s.io/v1": [{ plural: "endpointslices", kind: "EndpointSlice", hasGeneration: true }],
  "coordination.k8s.io/v1": [{ plural: "leases", kind: "Lease" }],
  "policy/v1": [
    {
      plural: "poddisruptionbudgets",
      kind: "PodDisruptionBudget",
      short: ["pdb"],
      hasStatus: true,
      hasGeneration: true,
    },
  ],
  "networking.k8s.io/v1": [
    { plural: "networkpolicies", kind: "NetworkPolicy", short: ["netpol"], hasGeneration: true },
    { plural: "ingresses", kind: "Ingress", short: ["ing"], hasStatus: true, hasGeneration: true },
    { plural: "ingressclasses", kind: "IngressClass", isCluster: true, hasGeneration: true },
  ],
  "autoscaling/v2": [
    {
      plural: "horizontalpodautoscalers",
      kind: "HorizontalPodAutoscaler",
      short: ["hpa"],
      categories: ALL,
      hasStatus: true,
    },
  ],
  "scheduling.k8s.io/v1": [
    { plural: "priorityclasses", kind: "PriorityClass", isCluster: true, short: ["pc"], hasGeneration: true },
  ],
  "storage.k8s.io/v1": [
    { plural: "storageclasses", kind: "StorageClass", isCluster: true, short: ["sc"] },
  ],
  "rbac.authorization.k8s.io/v1": [
    { plural: "roles", kind: "Role", name: "path" },
    { plural: "rolebindings", kind: "RoleBinding", name: "path" },
    { plural: "clusterroles", kind: "ClusterRole", isCluster: true, name: "path" },
    { plural: "clusterrolebindings", kind: "ClusterRoleBinding", isCluster: true, name: "path" },
  ],
  "admissionregistration.k8s.io/v1": [
    {
      plural: "mutatingwebhookconfigurations",
      kind: "MutatingWebhookConfiguration",
      isCluster: true,
      categories: ["api-extensions"],
      hasGeneration: true,
    },
    {
      plural: "validatingwebhookconfigurations",
      kind: "ValidatingWebhookConfiguration",
      isCluster: true,
      categories: ["api-extensions"],
      hasGeneration: true,
    },
  ],
  "apiextensions.k8s.io/v1": [
    {
      plural: "customresourcedefinitions",
      kind: "CustomResourceDefinition",
      isCluster: true,
      short: ["crd", "crds"],
      categories: ["api-extensions"],
      hasStatus: true,
      hasGeneration: true,
    },
  ],
  "authentication.k8s.io/v1": [
    { plural: "tokenreviews", kind: "TokenReview", isCluster: true, isVirtual: true },
    { plural: "selfsubjectreviews", kind: "SelfSubjectReview", isCluster: true, isVirtual: true },
  ],
  "authorization.k8s.io/v1": [
    { plural: "subjectaccessreviews", kind: "SubjectAccessReview", isCluster: true, isVirtual: true },
    { plural: "selfsubjectaccessreviews", kind: "SelfSubjectAccessReview", isCluster: true, isVirtual: true },
    { plural: "selfsubjectrulesreviews", kind: "SelfSubjectRulesReview", isCluster: true, isVirtual: true },
    { plural: "localsubjectaccessreviews", kind: "LocalSubjectAccessReview", isVirtual: true },
  ],
};

function definitionOf(groupVersion: string, row: Row): ResourceDefinition {
  const slash = groupVersion.indexOf("/");
  const group = slash === -1 ? "" : groupVersion.slice(0, slash);
  const version = groupVersion.slice(slash + 1);
  return {
    group,
    version,
    plural: row.plural,
    singular: row.kind.toLowerCase(),
    kind: row.kind,
    listKind: `${row.kind}List`,
    isNamespaced: row.isCluster !== true,
    shortNames: row.short ?? [],
    categories: row.categories ?? [],
    resource: `${group}/${row.plural}`,
    storageVersion: version,
    isStored: row.isVirtual !== true,
    isCustom: false,
    schema: builtinSchema(group, version, row.kind),
    hasStatus: row.hasStatus === true,
    scale: row.hasScale === true ? SCALE : undefined,
    otherSubresources: row.others ?? [],
    columns: undefined,
    selectableFields: row.fields ?? [],
    hasGeneration: row.hasGeneration === true,
    nameForm: row.name ?? "subdomain",
    strategy: strategyOf(`${group}/${row.plural}`),
  };
}

export function builtinDefinitions(): ResourceDefinition[] {
  return Object.entries(ROWS).flatMap(([groupVersion, rows]) =>
    rows.map((row) => definitionOf(groupVersion, row))
  );
}
