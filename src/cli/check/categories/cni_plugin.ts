/** Whether the CNI plugin is on every node, may do its work, and does it. Source: cli.md §5.3, `linkerd-cni-plugin`. */
import { isNotFound } from "../../../kube/client.ts";
import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  CONFIG_MAPS,
  DAEMON_SETS,
  NODES,
  type Pod,
  PODS,
  SERVICE_ACCOUNTS,
} from "../../../kube/kinds.ts";
import type { KubernetesObject, ResourceKind } from "../../../kube/resource.ts";
import { CNI_CONFIG_MAP, CNI_NAME, CNI_PORT } from "../../../mesh/cni_values.ts";
import { VALIDATOR_CONTAINER } from "../../../mesh/names.ts";
import { type Category, type Check, CheckFailure, refuse, SKIPPED } from "../check_model.ts";
import type { Facts } from "../facts.ts";
import { complaintOf, isReady, nameOf } from "../pod_health.ts";

/** By which the network validator says that nothing redirects its pod. */
const NOT_REDIRECTED = 95;

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly verbs?: readonly string[];
}

function allows(rules: readonly Rule[] | undefined, resource: string, verb: string): boolean {
  const has = (list: readonly string[] | undefined, word: string) =>
    list?.some((one) => one === word || one === "*");
  return rules?.some(({ apiGroups, resources, verbs }) =>
    has(apiGroups, "") && has(resources, resource) && has(verbs, verb)
  ) ?? false;
}

async function read<T extends KubernetesObject>(
  facts: Facts,
  kind: ResourceKind<T>,
  name: string,
  namespace?: string,
): Promise<T> {
  try {
    return await facts.client.get(kind, name, namespace);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const where = namespace === undefined ? "" : ` in namespace ${namespace}`;
    throw new CheckFailure(
      `there is no ${kind.kind} ${name}${where}: linkerd install-cni | kubectl apply -f -`,
    );
  }
}

function pods({ client, global }: Facts): Promise<Pod[]> {
  return client.list(PODS, { namespace: global.cniNamespace, labelSelector: `k8s-app=${CNI_NAME}` })
    .then(({ items }) => items);
}

/** What each node's installer says, unless it is content. */
async function nodeProblems(facts: Facts): Promise<string[]> {
  const answers = (await pods(facts)).map(async (pod) => {
    const node = pod.spec?.nodeName ?? "";
    if (pod.status?.phase !== "Running") return [];
    const path =
      `/api/v1/namespaces/${facts.global.cniNamespace}/pods/${pod.metadata?.name}:${CNI_PORT}/proxy/status`;
    const response = await facts.client.raw("GET", path), text = await response.text();
    if (!response.ok) return [`node ${node}: its installer does not answer: HTTP ${response.status}`];
    const { isReady, problem } = JSON.parse(text) as { isReady: boolean; problem?: string };
    return isReady ? [] : [`node ${node}: ${problem}`];
  });
  return (await Promise.all(answers)).flat();
}

async function readiness(facts: Facts): Promise<string[]> {
  const [{ status }, all, nodes] = await Promise.all([
    read(facts, DAEMON_SETS, CNI_NAME, facts.global.cniNamespace),
    pods(facts),
    facts.client.list(NODES),
  ]);
  const { desiredNumberScheduled = 0, numberReady = 0 } = status ?? {};
  const served = new Set(all.map(({ spec }) => spec?.nodeName));
  const without = nodes.items.map(({ metadata }) => metadata?.name).filter((name) => !served.has(name));
  const problems = [
    ...all.filter((pod) => !isReady(pod)).map((pod) => complaintOf(pod) ?? nameOf(pod)),
    ...without.map((name) => `node ${name} has no pod of ${CNI_NAME}`),
  ];
  if (problems.length > 0) return problems;
  return numberReady < desiredNumberScheduled
    ? [`${numberReady} of ${desiredNumberScheduled} pods are ready`]
    : [];
}

function isUnredirected({ status }: Pod): boolean {
  const validator = status?.initContainerStatuses?.find(({ name }) => name === VALIDATOR_CONTAINER);
  return (validator?.state?.terminated ?? validator?.lastState?.terminated)?.exitCode === NOT_REDIRECTED;
}

const CHECKS: readonly Check[] = [
  {
    description: "cni plugin ConfigMap exists",
    anchor: "cni-plugin-cm-exists",
    isFatal: true,
    async run(facts) {
      const { data } = await read(facts, CONFIG_MAPS, CNI_CONFIG_MAP, facts.global.cniNamespace);
      refuse(
        ["dest_cni_net_dir", "dest_cni_bin_dir", "cni_network_config"].filter((key) => !data?.[key])
          .map((key) => `ConfigMap ${CNI_CONFIG_MAP} has no key ${key}`),
      );
    },
  },
  {
    description: "cni plugin ClusterRole exists",
    anchor: "cni-plugin-cr-exists",
    isFatal: true,
    async run(facts) {
      const { rules } = await read(facts, CLUSTER_ROLES, CNI_NAME);
      if (allows(rules, "pods", "get")) return;
      throw new CheckFailure(
        `ClusterRole ${CNI_NAME} does not allow to get pods: the plugin cannot tell which are meshed`,
      );
    },
  },
  {
    description: "cni plugin ClusterRoleBinding exists",
    anchor: "cni-plugin-crb-exists",
    isFatal: true,
    async run(facts) {
      const { subjects } = await read(facts, CLUSTER_ROLE_BINDINGS, CNI_NAME);
      const namespace = facts.global.cniNamespace;
      if (subjects?.some((one) => one.name === CNI_NAME && one.namespace === namespace)) return;
      throw new CheckFailure(
        `ClusterRoleBinding ${CNI_NAME} does not bind ServiceAccount ${namespace}/${CNI_NAME}`,
      );
    },
  },
  {
    description: "cni plugin ServiceAccount exists",
    anchor: "cni-plugin-sa-exists",
    isFatal: true,
    run: async (facts) => void await read(facts, SERVICE_ACCOUNTS, CNI_NAME, facts.global.cniNamespace),
  },
  {
    description: "cni plugin DaemonSet exists",
    anchor: "cni-plugin-ds-exists",
    isFatal: true,
    run: async (facts) => void await read(facts, DAEMON_SETS, CNI_NAME, facts.global.cniNamespace),
  },
  {
    description: "cni plugin is in every node's chain",
    anchor: "cni-plugin-chained",
    isFatal: true,
    isRetried: true,
    run: async (facts) => refuse(await nodeProblems(facts)),
  },
  {
    description: "cni plugin pod is running on all nodes",
    anchor: "cni-plugin-ready",
    isFatal: true,
    isRetried: true,
    run: async (facts) => refuse(await readiness(facts)),
  },
  {
    description: "no pod waits for redirection",
    anchor: "cni-plugin-redirects",
    isRetried: true,
    async run(facts) {
      const { items } = await facts.client.list(PODS, { labelSelector: "linkerd.io/control-plane-ns" });
      const waiting = items.filter(isUnredirected).map(nameOf);
      refuse(
        waiting,
        "pods that were started before the plugin was there; delete them, so that new ones take their place",
      );
    },
  },
];

/** The category; where the installation does not use the plugin it says nothing, unless it is asked for. */
export function cniPlugin(isAskedFor: boolean): Category {
  return {
    name: "linkerd-cni-plugin",
    checks: CHECKS.map((check) => ({
      ...check,
      run: async (facts) =>
        isAskedFor || (await facts.values()).cniEnabled ? await check.run(facts) : SKIPPED,
    })),
  };
}
