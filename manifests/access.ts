/** Roles of the control plane's service accounts, and what binds them. */
import type { KubernetesObject } from "../src/kube/resource.ts";
import type { Values } from "../src/mesh/values.ts";
import { componentLabels } from "./control_plane_pod.ts";

export interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

export const READ = ["get", "list", "watch"];

/** Kinds of policy.linkerd.io that the control plane follows, and is asked about before they are stored. */
export const POLICY_RESOURCES = [
  "authorizationpolicies",
  "egressnetworks",
  "httplocalratelimitpolicies",
  "httproutes",
  "meshtlsauthentications",
  "networkauthentications",
  "serverauthorizations",
  "servers",
];
const RBAC = "rbac.authorization.k8s.io";

/** A cluster-wide role of this name for one service account of the control plane. */
export function clusterAccess(
  values: Values,
  name: string,
  account: string,
  component: string,
  rules: readonly Rule[],
): KubernetesObject[] {
  const metadata = { name, labels: componentLabels(values, component) };
  return [
    { apiVersion: `${RBAC}/v1`, kind: "ClusterRole", metadata, rules } as KubernetesObject,
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRoleBinding",
      metadata,
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name },
      subjects: [{ kind: "ServiceAccount", name: account, namespace: values.namespace }],
    } as KubernetesObject,
  ];
}

/** A role in the control plane's namespace. */
export function namespacedAccess(
  values: Values,
  name: string,
  account: string,
  component: string,
  rules: readonly Rule[],
): KubernetesObject[] {
  const metadata = { name, namespace: values.namespace, labels: componentLabels(values, component) };
  return [
    { apiVersion: `${RBAC}/v1`, kind: "Role", metadata, rules } as KubernetesObject,
    {
      apiVersion: `${RBAC}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: RBAC, kind: "Role", name },
      subjects: [{ kind: "ServiceAccount", name: account, namespace: values.namespace }],
    } as KubernetesObject,
  ];
}
