/** The rate limit of a Server: of the policies that target it the oldest. */
import type { HttpLocalRateLimit } from "../../../../proto/gen/inbound.ts";
import {
  HTTP_LOCAL_RATE_LIMIT_POLICIES,
  type HTTPLocalRateLimitPolicy,
  POLICY_GROUP,
  type Server,
} from "../../../kube/kinds.ts";
import { serviceAccountIdentity } from "../../../mesh/identity.ts";
import { byAge } from "../../state/age.ts";
import type { ClusterState } from "../../state/cluster_state.ts";
import { isCoreGroup } from "../../state/routes.ts";
import { resourceMetadata } from "../../wire/metadata.ts";
import type { PolicyConfig } from "../config.ts";

const MAX_UINT32 = 4_294_967_295;

/** Policies for a Server of the namespace, the one that counts first. */
export function rateLimitPoliciesOf(
  namespace: string,
  server: string,
  state: ClusterState,
): HTTPLocalRateLimitPolicy[] {
  return state.rateLimits.by("namespace", namespace)
    .filter(({ spec: { targetRef } }) =>
      targetRef.group === POLICY_GROUP && targetRef.kind === "Server" && targetRef.name === server
    )
    .sort(byAge);
}

function limit(spec: { requestsPerSecond: number } | undefined) {
  return spec === undefined ? undefined : { requestsPerSecond: Math.min(spec.requestsPerSecond, MAX_UINT32) };
}

export function rateLimitOf(
  server: Server,
  state: ClusterState,
  config: PolicyConfig,
): HttpLocalRateLimit | undefined {
  const { namespace = "", name: serverName = "" } = server.metadata ?? {};
  const [policy] = rateLimitPoliciesOf(namespace, serverName, state);
  if (policy === undefined) return undefined;
  const { total, identity, overrides = [] } = policy.spec;
  const name = policy.metadata?.name ?? "";
  const rates = [total, identity, ...overrides].flatMap((one) => one?.requestsPerSecond ?? []);
  // On the wire zero is no limit, which is the opposite of what it says.
  if (rates.some((rate) => !(rate > 0))) {
    console.error(`HTTPLocalRateLimitPolicy ${namespace}/${name} is ignored: a limit must be greater than 0`);
    return undefined;
  }
  const { group, kind } = HTTP_LOCAL_RATE_LIMIT_POLICIES;
  return {
    metadata: resourceMetadata({ group, kind, name, namespace }),
    total: limit(total),
    identity: limit(identity),
    overrides: overrides.map((override) => ({
      limit: limit(override),
      clients: {
        identities: override.clientRefs
          .filter((reference) => reference.kind === "ServiceAccount" && isCoreGroup(reference.group))
          .map((reference) => ({
            name: serviceAccountIdentity(reference.name, reference.namespace ?? namespace, config.domain),
          })),
      },
    })),
  };
}
