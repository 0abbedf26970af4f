/** The built-in kinds the mesh reads or writes, typed by `kubernetes-types`; the mesh's own are re-exported. */
import type * as admission from "kubernetes-types/admissionregistration/v1.d.ts";
import type * as apiextensions from "kubernetes-types/apiextensions/v1.d.ts";
import type * as apps from "kubernetes-types/apps/v1.d.ts";
import type * as authentication from "kubernetes-types/authentication/v1.d.ts";
import type * as authorization from "kubernetes-types/authorization/v1.d.ts";
import type * as batch from "kubernetes-types/batch/v1.d.ts";
import type * as coordination from "kubernetes-types/coordination/v1.d.ts";
import type * as core from "kubernetes-types/core/v1.d.ts";
import type * as discovery from "kubernetes-types/discovery/v1.d.ts";
import type * as networking from "kubernetes-types/networking/v1.d.ts";
import type * as policy from "kubernetes-types/policy/v1.d.ts";
import type * as rbac from "kubernetes-types/rbac/v1.d.ts";
import { defineKind } from "./resource.ts";

export * from "./mesh_kinds.ts";

export type { CustomResourceDefinition } from "kubernetes-types/apiextensions/v1.d.ts";
export type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from "kubernetes-types/apps/v1.d.ts";
export type { TokenRequest, TokenReview } from "kubernetes-types/authentication/v1.d.ts";
export type { CronJob, Job } from "kubernetes-types/batch/v1.d.ts";
export type { Lease } from "kubernetes-types/coordination/v1.d.ts";
export type {
  ConfigMap,
  Container,
  ContainerStatus,
  Endpoints,
  Event,
  Namespace,
  Node,
  PersistentVolumeClaim,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Probe,
  Secret,
  Service,
  ServiceAccount,
  Volume,
} from "kubernetes-types/core/v1.d.ts";
export type { NetworkPolicy } from "kubernetes-types/networking/v1.d.ts";
export type { Endpoint, EndpointSlice } from "kubernetes-types/discovery/v1.d.ts";

export const PODS = defineKind<core.Pod>("", "v1", "pods", "Pod");
export const SERVICES = defineKind<core.Service>("", "v1", "services", "Service");
export const ENDPOINTS = defineKind<core.Endpoints>("", "v1", "endpoints", "Endpoints");
export const NAMESPACES = defineKind<core.Namespace>("", "v1", "namespaces", "Namespace", "Cluster");
export const NODES = defineKind<core.Node>("", "v1", "nodes", "Node", "Cluster");
export const SECRETS = defineKind<core.Secret>("", "v1", "secrets", "Secret");
export const CONFIG_MAPS = defineKind<core.ConfigMap>("", "v1", "configmaps", "ConfigMap");
export const SERVICE_ACCOUNTS = defineKind<core.ServiceAccount>(
  "",
  "v1",
  "serviceaccounts",
  "ServiceAccount",
);
export const EVENTS = defineKind<core.Event>("", "v1", "events", "Event");
export const PERSISTENT_VOLUME_CLAIMS = defineKind<core.PersistentVolumeClaim>(
  "",
  "v1",
  "persistentvolumeclaims",
  "PersistentVolumeClaim",
);
export const REPLICATION_CONTROLLERS = defineKind<core.ReplicationController>(
  "",
  "v1",
  "replicationcontrollers",
  "ReplicationController",
);

export const DEPLOYMENTS = defineKind<apps.Deployment>("apps", "v1", "deployments", "Deployment");
export const REPLICA_SETS = defineKind<apps.ReplicaSet>("apps", "v1", "replicasets", "ReplicaSet");
export const DAEMON_SETS = defineKind<apps.DaemonSet>("apps", "v1", "daemonsets", "DaemonSet");
export const STATEFUL_SETS = defineKind<apps.StatefulSet>("apps", "v1", "statefulsets", "StatefulSet");
export const CONTROLLER_REVISIONS = defineKind<apps.ControllerRevision>(
  "apps",
  "v1",
  "controllerrevisions",
  "ControllerRevision",
);
export const JOBS = defineKind<batch.Job>("batch", "v1", "jobs", "Job");
export const CRON_JOBS = defineKind<batch.CronJob>("batch", "v1", "cronjobs", "CronJob");

export const ENDPOINT_SLICES = defineKind<discovery.EndpointSlice>(
  "discovery.k8s.io",
  "v1",
  "endpointslices",
  "EndpointSlice",
);
export const LEASES = defineKind<coordination.Lease>("coordination.k8s.io", "v1", "leases", "Lease");
export const POD_DISRUPTION_BUDGETS = defineKind<policy.PodDisruptionBudget>(
  "policy",
  "v1",
  "poddisruptionbudgets",
  "PodDisruptionBudget",
);
export const NETWORK_POLICIES = defineKind<networking.NetworkPolicy>(
  "networking.k8s.io",
  "v1",
  "networkpolicies",
  "NetworkPolicy",
);
export const INGRESSES = defineKind<networking.Ingress>("networking.k8s.io", "v1", "ingresses", "Ingress");

export const CUSTOM_RESOURCE_DEFINITIONS = defineKind<apiextensions.CustomResourceDefinition>(
  "apiextensions.k8s.io",
  "v1",
  "customresourcedefinitions",
  "CustomResourceDefinition",
  "Cluster",
);
export const MUTATING_WEBHOOKS = defineKind<admission.MutatingWebhookConfiguration>(
  "admissionregistration.k8s.io",
  "v1",
  "mutatingwebhookconfigurations",
  "MutatingWebhookConfiguration",
  "Cluster",
);
export const VALIDATING_WEBHOOKS = defineKind<admission.ValidatingWebhookConfiguration>(
  "admissionregistration.k8s.io",
  "v1",
  "validatingwebhookconfigurations",
  "ValidatingWebhookConfiguration",
  "Cluster",
);

const RBAC = "rbac.authorization.k8s.io";
export const ROLES = defineKind<rbac.Role>(RBAC, "v1", "roles", "Role");
export const ROLE_BINDINGS = defineKind<rbac.RoleBinding>(RBAC, "v1", "rolebindings", "RoleBinding");
export const CLUSTER_ROLES = defineKind<rbac.ClusterRole>(
  RBAC,
  "v1",
  "clusterroles",
  "ClusterRole",
  "Cluster",
);
export const CLUSTER_ROLE_BINDINGS = defineKind<rbac.ClusterRoleBinding>(
  RBAC,
  "v1",
  "clusterrolebindings",
  "ClusterRoleBinding",
  "Cluster",
);

/** Virtual kinds: `create()` answers with the filled-in object, nothing is stored. */
export const TOKEN_REVIEWS = defineKind<authentication.TokenReview>(
  "authentication.k8s.io",
  "v1",
  "tokenreviews",
  "TokenReview",
  "Cluster",
);
export const SUBJECT_ACCESS_REVIEWS = defineKind<authorization.SubjectAccessReview>(
  "authorization.k8s.io",
  "v1",
  "subjectaccessreviews",
  "SubjectAccessReview",
  "Cluster",
);
export const SELF_SUBJECT_ACCESS_REVIEWS = defineKind<authorization.SelfSubjectAccessReview>(
  "authorization.k8s.io",
  "v1",
  "selfsubjectaccessreviews",
  "SelfSubjectAccessReview",
  "Cluster",
);
