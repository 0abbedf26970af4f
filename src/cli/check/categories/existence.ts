/** Whether the parts of the control plane are there, and its pods run. */
import type { ResourceKind } from "../../../kube/resource.ts";
import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  MUTATING_WEBHOOKS,
  NAMESPACES,
  type Pod,
  REPLICA_SETS,
  SERVICE_ACCOUNTS,
  VALIDATING_WEBHOOKS,
} from "../../../kube/kinds.ts";
import { isNotFound } from "../../../kube/client.ts";
import { COMPONENT_LABEL } from "../../../mesh/labels.ts";
import { INJECTOR_WEBHOOK_CONFIGURATION, VALIDATOR_CONFIGURATIONS } from "../../../mesh/names.ts";
import { type Category, type Check, refuse } from "../check_model.ts";
import type { Facts } from "../facts.ts";
import { complaintOf, isReady } from "../pod_health.ts";
import { clusterNetworks } from "./cluster_networks.ts";
import { definitionsExist } from "./definitions.ts";

const COMPONENTS = ["destination", "identity", "proxy-injector"];

function componentProblems(pods: readonly Pod[]): string[] {
  return COMPONENTS.flatMap((component) => {
    const own = pods.filter(({ metadata }) => metadata?.labels?.[COMPONENT_LABEL] === component);
    if (own.some(isReady)) return [];
    if (own.length === 0) {
      return [`no pods of linkerd-${component}: is its Deployment there, and not scaled to 0?`];
    }
    return own.map((pod) => complaintOf(pod) ?? `${pod.metadata?.name} is not ready`);
  });
}

export const existence: Category = {
  name: "linkerd-existence",
  checks: [
    {
      description: "'linkerd-config' config map exists",
      anchor: "l5d-existence-linkerd-config",
      isFatal: true,
      run: async (facts) => void await facts.values(),
    },
    {
      description: "control plane replica sets are ready",
      anchor: "l5d-existence-replicasets",
      isFatal: true,
      isRetried: true,
      async run(facts) {
        const { items } = await facts.client.list(REPLICA_SETS, { namespace: facts.namespace });
        refuse(items.flatMap(({ metadata, status }) =>
          (status?.conditions ?? [])
            .filter(({ type, status }) => type === "ReplicaFailure" && status === "True")
            .map(({ message }) => `${metadata?.name}: ${message}`)
        ));
      },
    },
    {
      description: "no unschedulable pods",
      anchor: "l5d-existence-unschedulable-pods",
      isWarning: true,
      isRetried: true,
      async run(facts) {
        refuse((await facts.controlPlanePods()).flatMap(({ metadata, status }) =>
          (status?.conditions ?? [])
            .filter(({ type, reason }) => type === "PodScheduled" && reason === "Unschedulable")
            .map(({ message }) => `${metadata?.name}: ${message}`)
        ));
      },
    },
    {
      description: "control plane pods are ready",
      anchor: "l5d-api-control-ready",
      isFatal: true,
      isRetried: true,
      run: async (facts) => refuse(componentProblems(await facts.controlPlanePods())),
    },
    ...clusterNetworks,
  ],
};

async function missing(facts: Facts, kind: ResourceKind, names: readonly string[]): Promise<string[]> {
  const found = await Promise.all(names.map(async (name) => {
    try {
      await facts.client.get(kind, name, kind.isNamespaced ? facts.namespace : undefined);
      return undefined;
    } catch (error) {
      if (isNotFound(error)) return name;
      throw error;
    }
  }));
  return found.filter((name) => name !== undefined);
}

function exist(
  words: string,
  anchor: string,
  kind: ResourceKind,
  names: (namespace: string) => string[],
): Check {
  return {
    description: `control plane ${words}`,
    anchor,
    isFatal: true,
    run: async (facts) =>
      refuse(
        (await missing(facts, kind, names(facts.namespace))).map((name) => `missing ${kind.kind} ${name}`),
      ),
  };
}

const roles = (namespace: string) => [`linkerd-${namespace}-identity`, `linkerd-${namespace}-proxy-injector`];

export const configuration: Category = {
  name: "linkerd-config",
  checks: [
    exist("Namespace exists", "l5d-existence-ns", NAMESPACES, (namespace) => [namespace]),
    exist("ClusterRoles exist", "l5d-existence-cr", CLUSTER_ROLES, roles),
    exist("ClusterRoleBindings exist", "l5d-existence-crb", CLUSTER_ROLE_BINDINGS, roles),
    exist(
      "ServiceAccounts exist",
      "l5d-existence-sa",
      SERVICE_ACCOUNTS,
      () => COMPONENTS.map((component) => `linkerd-${component}`),
    ),
    definitionsExist,
    exist(
      "MutatingWebhookConfigurations exist",
      "l5d-existence-mwc",
      MUTATING_WEBHOOKS,
      () => [INJECTOR_WEBHOOK_CONFIGURATION],
    ),
    exist(
      "ValidatingWebhookConfigurations exist",
      "l5d-existence-vwc",
      VALIDATING_WEBHOOKS,
      () => [...VALIDATOR_CONFIGURATIONS],
    ),
  ],
};
