/** What the statuses of HTTPLocalRateLimitPolicies and EgressNetworks say. */
import { type EgressNetwork, type HTTPLocalRateLimitPolicy, POLICY_GROUP } from "../../../kube/kinds.ts";
import type { ClusterState } from "../../state/cluster_state.ts";
import type { PolicyConfig } from "../config.ts";
import { rateLimitPoliciesOf } from "../inbound/rate_limit.ts";
import { overlapsCluster } from "../outbound/egress.ts";
import { accepted, type Finding, notAccepted, written } from "./conditions.ts";

function rateLimitFinding(policy: HTTPLocalRateLimitPolicy, state: ClusterState): Finding {
  const { namespace = "", name } = policy.metadata ?? {};
  const { group, kind, name: server } = policy.spec.targetRef;
  const isServer = group === POLICY_GROUP && kind === "Server";
  if (!isServer || state.servers.get(namespace, server) === undefined) return notAccepted("NoMatchingTarget");
  const [first] = rateLimitPoliciesOf(namespace, server, state);
  if (first?.metadata?.name === name) return accepted();
  return notAccepted("RateLimitReasonAlreadyExists", `${first?.metadata?.name} targets the same Server`);
}

export function rateLimitStatus(
  policy: HTTPLocalRateLimitPolicy,
  state: ClusterState,
  now: string,
): HTTPLocalRateLimitPolicy["status"] {
  const { generation } = policy.metadata ?? {};
  const condition = written(rateLimitFinding(policy, state), policy.status?.conditions, generation, now);
  return { conditions: [condition], targetRef: policy.spec.targetRef };
}

export function egressStatus(
  egress: EgressNetwork,
  config: PolicyConfig,
  now: string,
): EgressNetwork["status"] {
  const finding = overlapsCluster(egress, config)
    ? notAccepted("EgressReasonNetworkOverlap", "networks overlap with the cluster's")
    : accepted();
  return { conditions: [written(finding, egress.status?.conditions, egress.metadata?.generation, now)] };
}
