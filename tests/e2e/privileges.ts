/**
 * What the control plane's accounts may do, held against what they did: nothing was denied, and nothing is granted that
 * is not used, save what is named here.
 */
import { equal, ok } from "node:assert/strict";
import { CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES } from "../../src/kube/kinds.ts";
import { type Access, readAccessLog } from "../../src/local/access_log.ts";
import type { Cluster } from "../../src/local/cluster/cluster.ts";
import { MESH } from "./meshed_shop.ts";

/** Used by what a soak does not do. Account, then group/resource. */
const NOT_USED_HERE: readonly (readonly [string, RegExp])[] = [
  // Written once there is one: the test of routes has some.
  [
    "linkerd-destination",
    /^policy\.linkerd\.io\/(httproutes|httplocalratelimitpolicies|egressnetworks)\/status$/,
  ],
  ["linkerd-destination", /^gateway\.networking\.k8s\.io\/(http|grpc|tls|tcp)routes\/status$/],
  // Asked only when somebody taps.
  ["metrics-api", /^authentication\.k8s\.io\/tokenreviews$/],
  // Asked only for pods that belong to a Job.
  ["linkerd-proxy-injector", /^batch\/jobs$/],
  // Asked only when somebody makes a Server.
  ["linkerd-proxy-injector", /^policy\.linkerd\.io\/servers$/],
];

const ACCOUNTS = ["linkerd-identity", "linkerd-destination", "linkerd-proxy-injector", "metrics-api", "web"];

/** `group/resource`, the core group's without a slash in front. */
const nameOf = (group: string, resource: string) => group === "" ? resource : `${group}/${resource}`;

/** Resources that the roles of an account grant, cluster-wide and in the mesh's namespace. */
async function grantedTo({ client }: Cluster, account: string): Promise<Set<string>> {
  const bindings = [
    ...(await client.list(CLUSTER_ROLE_BINDINGS)).items,
    ...(await client.list(ROLE_BINDINGS, { namespace: MESH })).items,
  ].filter(({ subjects }) => subjects?.some(({ name, namespace }) => name === account && namespace === MESH));
  const granted = new Set<string>();
  for (const { roleRef } of bindings) {
    const role = roleRef.kind === "ClusterRole"
      ? await client.get(CLUSTER_ROLES, roleRef.name)
      : await client.get(ROLES, roleRef.name, MESH);
    for (const rule of role.rules ?? []) {
      for (const group of rule.apiGroups ?? []) {
        for (const resource of rule.resources ?? []) granted.add(nameOf(group, resource));
      }
    }
  }
  return granted;
}

const describe = ({ user, verb, group, resource, namespace }: Access) =>
  `${user}: ${verb} ${nameOf(group, resource)} in ${namespace ?? "all namespaces"}`;

/** What was asked for, each once. @throws AssertionError that names each request that was denied */
export function expectNothingDenied(cluster: Cluster): Access[] {
  const log = readAccessLog(`${cluster.directory}/access.log`);
  const denied = log.filter(({ isAllowed }) => !isAllowed).map(describe);
  equal(denied.length, 0, `denied: ${denied.join("; ")}`);
  return log;
}

/** @throws AssertionError that names each request that was denied, and each grant that nobody needs */
export async function expectLeastPrivilege(cluster: Cluster): Promise<void> {
  const log = expectNothingDenied(cluster);
  ok(log.length > 20, `${log.length} different requests`);
  for (const account of ACCOUNTS) {
    const user = `system:serviceaccount:${MESH}:${account}`;
    const used = new Set(
      log.filter((access) => access.user === user).map(({ group, resource }) => nameOf(group, resource)),
    );
    const needless = [...await grantedTo(cluster, account)].filter((grant) =>
      !used.has(grant) && !NOT_USED_HERE.some(([who, what]) => who === account && what.test(grant))
    );
    equal(needless.length, 0, `${account} may, and never does: ${needless.join(", ")}`);
  }
}
