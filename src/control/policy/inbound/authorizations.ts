/** Authorizations of a Server: what ServerAuthorizations and AuthorizationPolicies in its namespace grant. */
import type { Authn, Authz, Network } from "../../../../proto/gen/inbound.ts";
import type { AuthorizationPolicy, PolicyRef, Server, ServerAuthorization } from "../../../kube/kinds.ts";
import { POLICY_GROUP } from "../../../kube/kinds.ts";
import { matchLabelSelector } from "../../../kube/selector.ts";
import { serviceAccountIdentity } from "../../../mesh/identity.ts";
import type { ClusterState } from "../../state/cluster_state.ts";
import { isCoreGroup, type RouteOf } from "../../state/routes.ts";
import type { PolicyConfig } from "../config.ts";
import {
  ANY_TLS,
  EVERYWHERE,
  networkMessages,
  permitIdentities,
  policyNetworks,
  resourceAuthorization,
  UNAUTHENTICATED,
} from "./authentication.ts";

/** In the order ServerAuthorizations by name, AuthorizationPolicies by name: the first that covers a client wins. */
export function authorizationsOf(server: Server, state: ClusterState, config: PolicyConfig): Authz[] {
  const namespace = server.metadata?.namespace ?? "";
  const older = state.serverAuthorizations.by("namespace", namespace)
    .filter((one) => authorizes(one, server))
    .flatMap((one) => fromServerAuthorization(one, config) ?? []);
  return [...older, ...granted(namespace, (target) => targetsServer(target, server), state, config)];
}

/** What AuthorizationPolicies grant to requests of a route; what they grant to its Server is granted beside it. */
export function routeAuthorizationsOf(
  route: RouteOf<"HTTPRoute"> | RouteOf<"GRPCRoute">,
  state: ClusterState,
  config: PolicyConfig,
): Authz[] {
  const { namespace, name, kind, resource: { group } } = route;
  const targets = (target: PolicyRef) =>
    target.group === group && target.kind === kind && target.name === name;
  return granted(namespace, targets, state, config);
}

function granted(
  namespace: string,
  isTarget: (target: PolicyRef) => boolean,
  state: ClusterState,
  config: PolicyConfig,
): Authz[] {
  return state.authorizationPolicies.by("namespace", namespace)
    .filter((one) => isTarget(one.spec.targetRef))
    .flatMap((one) => fromAuthorizationPolicy(one, state, config) ?? []);
}

/** Whether a ServerAuthorization is for a Server of its namespace. */
export function authorizes(authorization: ServerAuthorization, server: Server): boolean {
  const { name, selector } = authorization.spec.server;
  if (name !== undefined && name !== "") return name === server.metadata?.name;
  return selector !== undefined && matchLabelSelector(selector)(server.metadata?.labels);
}

/** A policy for a namespace counts for every Server in it. */
export function targetsServer({ group, kind, name }: PolicyRef, server: Server): boolean {
  if (kind === "Namespace" && isCoreGroup(group)) return name === server.metadata?.namespace;
  return kind === "Server" && group === POLICY_GROUP && name === server.metadata?.name;
}

function ignore(kind: string, object: { metadata?: { namespace?: string; name?: string } }, reason: string) {
  console.error(`${kind} ${object.metadata?.namespace}/${object.metadata?.name} is ignored: ${reason}`);
  return undefined;
}

function fromServerAuthorization(
  authorization: ServerAuthorization,
  config: PolicyConfig,
): Authz | undefined {
  const { name = "", namespace = "" } = authorization.metadata ?? {};
  const { client } = authorization.spec;
  const networks = client.networks === undefined || client.networks.length === 0
    ? networkMessages(config.clusterNetworks)
    : policyNetworks(client.networks);
  if (networks === undefined) return ignore("ServerAuthorization", authorization, "a network cannot be read");
  let authentication: Authn;
  if (client.unauthenticated === true) authentication = UNAUTHENTICATED;
  else if (client.meshTLS?.unauthenticatedTLS === true) authentication = ANY_TLS;
  else if (client.meshTLS !== undefined) {
    authentication = permitIdentities([
      ...client.meshTLS.identities ?? [],
      ...(client.meshTLS.serviceAccounts ?? []).map((account) =>
        serviceAccountIdentity(account.name, account.namespace ?? namespace, config.domain)
      ),
    ]);
  } else return ignore("ServerAuthorization", authorization, "it names no clients");
  return resourceAuthorization({ kind: "serverauthorization", name, namespace }, networks, authentication);
}

/** All references must hold; one that leads nowhere makes the policy grant nothing. */
function fromAuthorizationPolicy(
  policy: AuthorizationPolicy,
  state: ClusterState,
  config: PolicyConfig,
): Authz | undefined {
  const { name = "", namespace = "" } = policy.metadata ?? {};
  const refuse = (reason: string) => ignore("AuthorizationPolicy", policy, reason);
  let networks: Network[] | undefined;
  let authentication: Authn | undefined;
  for (const reference of policy.spec.requiredAuthenticationRefs) {
    if (reference.group === POLICY_GROUP && reference.kind === "NetworkAuthentication") {
      if (networks !== undefined) return refuse("it names more than one NetworkAuthentication");
      const found = state.networkAuthentications.get(reference.namespace ?? namespace, reference.name);
      networks = found === undefined ? undefined : policyNetworks(found.spec.networks);
      if (networks === undefined) {
        return refuse(`NetworkAuthentication ${reference.name} is missing or unreadable`);
      }
      continue;
    }
    const identities = identitiesOf(reference, namespace, state, config);
    if (identities === undefined) {
      return refuse(`${reference.kind} ${reference.name} is missing or not supported`);
    }
    if (authentication !== undefined) return refuse("it names more than one authentication of identities");
    authentication = permitIdentities(identities);
  }
  return resourceAuthorization(
    { kind: "authorizationpolicy", name, namespace },
    networks ?? EVERYWHERE,
    authentication ?? UNAUTHENTICATED,
  );
}

function identitiesOf(
  reference: PolicyRef,
  policyNamespace: string,
  state: ClusterState,
  config: PolicyConfig,
): string[] | undefined {
  const namespace = reference.namespace ?? policyNamespace;
  if (reference.kind === "ServiceAccount" && isCoreGroup(reference.group)) {
    return [serviceAccountIdentity(reference.name, namespace, config.domain)];
  }
  if (reference.kind !== "MeshTLSAuthentication" || reference.group !== POLICY_GROUP) return undefined;
  const found = state.meshTlsAuthentications.get(namespace, reference.name);
  if (found === undefined) return undefined;
  const referred = (found.spec.identityRefs ?? []).map((one) => {
    if (one.kind === "Namespace") return serviceAccountIdentity("*", one.name ?? namespace, config.domain);
    return serviceAccountIdentity(one.name ?? "*", one.namespace ?? namespace, config.domain);
  });
  return [...found.spec.identities ?? [], ...referred];
}
