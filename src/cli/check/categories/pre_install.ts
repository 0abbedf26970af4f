/** Whether the mesh may be installed: by this user, in this namespace, with clocks that agree. */
import { isNotFound } from "../../../kube/client.ts";
import { NAMESPACES, SELF_SUBJECT_ACCESS_REVIEWS } from "../../../kube/kinds.ts";
import { type Category, type Check, CheckFailure, refuse, SKIPPED } from "../check_model.ts";
import type { Facts } from "../facts.ts";

type Target = readonly [verb: string, group: string, resource: string];

/** @returns why not, undefined when it is allowed */
async function refusal(facts: Facts, [verb, group, resource]: Target, isNamespaced: boolean) {
  const resourceAttributes = {
    verb,
    group,
    resource,
    version: "v1",
    ...(isNamespaced ? { namespace: facts.namespace } : {}),
  };
  const review = await facts.client.create(SELF_SUBJECT_ACCESS_REVIEWS, { spec: { resourceAttributes } });
  if (review.status?.allowed === true) return undefined;
  const reason = review.status?.reason ? `: ${review.status.reason}` : "";
  return `not authorized to ${verb} ${resource}${group === "" ? "" : `.${group}`}${reason}`;
}

async function refusals(facts: Facts, targets: readonly Target[], isNamespaced: boolean): Promise<string[]> {
  const all = await Promise.all(targets.map((target) => refusal(facts, target, isNamespaced)));
  return all.filter((one) => one !== undefined);
}

const CLUSTER_WIDE: readonly Target[] = [
  ["create", "", "namespaces"],
  ["create", "rbac.authorization.k8s.io", "clusterroles"],
  ["create", "rbac.authorization.k8s.io", "clusterrolebindings"],
  ["create", "apiextensions.k8s.io", "customresourcedefinitions"],
  ["create", "admissionregistration.k8s.io", "mutatingwebhookconfigurations"],
];

function may(words: string, target: Target): Check {
  return {
    description: `can ${words}`,
    anchor: "pre-k8s",
    run: async (facts) => refuse(await refusals(facts, [target], true)),
  };
}

const SKEW_MS = 5 * 60_000 + 10_000;

export const preInstall: Category = {
  name: "pre-kubernetes-setup",
  checks: [
    {
      description: "control plane namespace does not already exist",
      anchor: "pre-ns",
      async run(facts) {
        try {
          await facts.client.get(NAMESPACES, facts.namespace);
        } catch (error) {
          if (isNotFound(error)) return;
          throw error;
        }
        throw new CheckFailure(`the namespace "${facts.namespace}" already exists`);
      },
    },
    {
      description: "can create non-namespaced resources",
      anchor: "pre-k8s-cluster-k8s",
      run: async (facts) => refuse(await refusals(facts, CLUSTER_WIDE, false)),
    },
    may("create ServiceAccounts", ["create", "", "serviceaccounts"]),
    may("create Services", ["create", "", "services"]),
    may("create Deployments", ["create", "apps", "deployments"]),
    may("create ConfigMaps", ["create", "", "configmaps"]),
    may("create Secrets", ["create", "", "secrets"]),
    may("read Secrets", ["get", "", "secrets"]),
    {
      description: "no clock skew detected",
      anchor: "pre-k8s-clock-skew",
      isWarning: true,
      async run(facts) {
        const response = await facts.client.raw("GET", "/version"), date = response.headers.get("date");
        await response.body?.cancel();
        if (date === null) return SKIPPED;
        const skew = Math.abs(Date.parse(date) - facts.now);
        if (skew <= SKEW_MS) return;
        throw new CheckFailure(
          `the API server's clock and this machine's differ by ${Math.round(skew / 1000)} s`,
        );
      },
    },
  ],
};
