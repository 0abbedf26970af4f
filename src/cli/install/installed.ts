/** Finds what belongs to an installation: objects that carry the label of its control plane. */
import { isNotFound, type KubeClient, KubeError } from "../../kube/client.ts";
import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  CONFIG_MAPS,
  CUSTOM_RESOURCE_DEFINITIONS,
  DEPLOYMENTS,
  MUTATING_WEBHOOKS,
  NAMESPACES,
  NETWORK_POLICIES,
  POD_DISRUPTION_BUDGETS,
  ROLE_BINDINGS,
  ROLES,
  SECRETS,
  SERVICE_ACCOUNTS,
  SERVICES,
  VALIDATING_WEBHOOKS,
} from "../../kube/kinds.ts";
import { apiVersionOf, defineKind, type KubernetesObject, type ResourceKind } from "../../kube/resource.ts";
import { CONTROL_PLANE_NS_LABEL } from "../../mesh/labels.ts";

const API_SERVICES = defineKind("apiregistration.k8s.io", "v1", "apiservices", "APIService", "Cluster");

/** What outlives a namespace, and the namespace: in the order in which it is safe to delete them. */
export const CLUSTER_KINDS: readonly ResourceKind[] = [
  // Webhooks first: their service goes with the namespace, and would then be called in vain.
  MUTATING_WEBHOOKS,
  VALIDATING_WEBHOOKS,
  API_SERVICES,
  CLUSTER_ROLES,
  CLUSTER_ROLE_BINDINGS,
  ROLES,
  ROLE_BINDINGS,
  CUSTOM_RESOURCE_DEFINITIONS,
  NAMESPACES,
];

/** What lives in the namespace. */
export const NAMESPACE_KINDS: readonly ResourceKind[] = [
  CONFIG_MAPS,
  DEPLOYMENTS,
  NETWORK_POLICIES,
  POD_DISRUPTION_BUDGETS,
  SECRETS,
  SERVICE_ACCOUNTS,
  SERVICES,
];

/** Apiversion, kind, name and namespace: enough to delete or to compare. */
export async function findInstalled(
  client: KubeClient,
  kinds: readonly ResourceKind[],
  namespace: string,
): Promise<{ kind: ResourceKind; object: KubernetesObject }[]> {
  const lists = await Promise.all(kinds.map(async (kind) => {
    try {
      const { items } = await client.list(kind, { labelSelector: `${CONTROL_PLANE_NS_LABEL}=${namespace}` });
      return items.map((item) => ({ kind, object: minimal(kind, item) }));
    } catch (error) {
      if (isNotFound(error)) return []; // a kind that this cluster does not serve
      if (error instanceof KubeError) {
        throw new KubeError(error.status, error.reason, `listing ${kind.plural}: ${error.message}`);
      }
      throw error;
    }
  }));
  return lists.flat();
}

function minimal(kind: ResourceKind, { metadata }: KubernetesObject): KubernetesObject {
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: {
      name: metadata?.name ?? "",
      ...(metadata?.namespace === undefined ? {} : { namespace: metadata.namespace }),
    },
  };
}
