/**
 * What Servers, authorizations, authentications, rate limits and egress networks must be, beyond what a schema can say.
 *
 * Source: the rules of Linkerd's policy validator.
 */
import {
  type AuthorizationPolicy,
  type EgressNetwork,
  GATEWAY_GROUP,
  type HTTPLocalRateLimitPolicy,
  type MeshTLSAuthentication,
  type NetworkAuthentication,
  POLICY_GROUP,
  type PolicyRef,
  type Server,
  type ServerAuthorization,
} from "../../kube/kinds.ts";
import { DEFAULT_POLICIES, isDefaultPolicy } from "../../mesh/names.ts";
import { isCoreGroup } from "../state/routes.ts";
import { must } from "./invalid.ts";
import { checkNetworks } from "./networks.ts";

const PORT_NAME = /^(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/;

export function checkServer({ spec }: Server): void {
  const { port, accessPolicy } = spec;
  const isPort = typeof port === "number"
    ? Number.isInteger(port) && port > 0 && port <= 65_535
    : PORT_NAME.test(port);
  must(isPort, `spec.port: neither a port nor a name of one: ${JSON.stringify(port)}`);
  must(
    accessPolicy === undefined || isDefaultPolicy(accessPolicy),
    `spec.accessPolicy: ${JSON.stringify(accessPolicy)} is none of ${DEFAULT_POLICIES.join(", ")}`,
  );
}

export function checkServerAuthorization({ spec: { client } }: ServerAuthorization): void {
  const { meshTLS, unauthenticated, networks = [] } = client;
  must(
    unauthenticated !== true || meshTLS === undefined,
    "spec.client: unauthenticated clients have no meshTLS",
  );
  must(
    meshTLS?.unauthenticatedTLS !== true ||
      ((meshTLS.identities ?? []).length === 0 && (meshTLS.serviceAccounts ?? []).length === 0),
    "spec.client.meshTLS: with unauthenticatedTLS there are no identities and no serviceAccounts to ask for",
  );
  checkNetworks(networks, "spec.client.networks");
}

function isTarget({ group, kind }: PolicyRef): boolean {
  if (kind === "Namespace") return isCoreGroup(group);
  if (group === GATEWAY_GROUP) return kind === "HTTPRoute" || kind === "GRPCRoute";
  return group === POLICY_GROUP && (kind === "Server" || kind === "HTTPRoute");
}

export function checkAuthorizationPolicy({ spec }: AuthorizationPolicy, namespace: string): void {
  const { targetRef, requiredAuthenticationRefs } = spec;
  must(isTarget(targetRef), `spec.targetRef: ${targetRef.kind} of ${targetRef.group || "core"} is no target`);
  must(
    targetRef.kind !== "Namespace" || targetRef.name === namespace,
    `spec.targetRef: the policy is in ${namespace}, so it cannot be for the namespace ${targetRef.name}`,
  );
  const at = "spec.requiredAuthenticationRefs";
  const counts: Record<string, number> = {};
  for (const { group, kind } of requiredAuthenticationRefs) {
    const isKnown = group === POLICY_GROUP
      ? kind === "MeshTLSAuthentication" || kind === "NetworkAuthentication"
      : isCoreGroup(group) && kind === "ServiceAccount";
    must(isKnown, `${at}: ${kind} of ${group || "core"} is no authentication`);
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  for (const [kind, count] of Object.entries(counts)) {
    must(count === 1, `${at}: all must hold together, so there is at most one ${kind}`);
  }
  must(
    counts["MeshTLSAuthentication"] === undefined || counts["ServiceAccount"] === undefined,
    `${at}: a client has one identity, so a MeshTLSAuthentication and a ServiceAccount exclude each other`,
  );
}

const LABELS = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** A name, `*` for all, `*.suffix`, or a URI. */
function isIdentity(name: string): boolean {
  if (name === "*") return true;
  if (name.includes("://")) return URL.canParse(name);
  return LABELS.test(name.startsWith("*.") ? name.slice(2) : name);
}

export function checkMeshTlsAuthentication({ spec }: MeshTLSAuthentication): void {
  for (const name of spec.identities ?? []) {
    must(
      isIdentity(name),
      `spec.identities: ${JSON.stringify(name)} is no identity: a name, *, *.suffix or a URI`,
    );
  }
  for (const { group, kind, namespace } of spec.identityRefs ?? []) {
    must(
      isCoreGroup(group) && (kind === "ServiceAccount" || kind === "Namespace"),
      `spec.identityRefs: ${kind} has no identities`,
    );
    must(
      kind !== "Namespace" || namespace === undefined,
      "spec.identityRefs: a Namespace is in no namespace",
    );
  }
}

export function checkNetworkAuthentication({ spec: { networks } }: NetworkAuthentication): void {
  must(networks.length > 0, "spec.networks: at least one");
  checkNetworks(networks, "spec.networks");
}

export function checkRateLimit({ spec }: HTTPLocalRateLimitPolicy): void {
  const { targetRef, total, identity, overrides = [] } = spec;
  must(
    targetRef.group === POLICY_GROUP && targetRef.kind === "Server",
    "spec.targetRef: a rate limit is for a Server of policy.linkerd.io",
  );
  const limits = {
    total,
    identity,
    ...Object.fromEntries(overrides.map((one, at) => [`overrides[${at}]`, one])),
  };
  for (const [name, limit] of Object.entries(limits)) {
    if (limit === undefined) continue;
    must(limit.requestsPerSecond > 0, `spec.${name}.requestsPerSecond: greater than 0`);
    must(
      total === undefined || limit.requestsPerSecond <= total.requestsPerSecond,
      `spec.${name}.requestsPerSecond: not greater than spec.total's, which holds for all together`,
    );
  }
  for (const { group, kind } of overrides.flatMap(({ clientRefs }) => clientRefs)) {
    must(
      isCoreGroup(group) && kind === "ServiceAccount",
      `spec.overrides: clients are ServiceAccounts, not ${kind}`,
    );
  }
}

export function checkEgressNetwork({ spec: { networks } }: EgressNetwork): void {
  if (networks === undefined) return;
  must(
    networks.length > 0,
    "spec.networks: at least one, or leave them out for all that is not the cluster's",
  );
  checkNetworks(networks, "spec.networks");
}
