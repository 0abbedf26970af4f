/** Who may come in, as the messages of inbound.proto: networks, TLS, identities. */
import type { Authn, Authz, Network as NetworkMessage } from "../../../../proto/gen/inbound.ts";
import type { PolicyNetwork } from "../../../kube/kinds.ts";
import type { DefaultPolicy } from "../../../mesh/names.ts";
import { Network } from "../../wire/address.ts";
import { defaultMetadata, resourceMetadata } from "../../wire/metadata.ts";
import { ALL_NETWORKS, type PolicyConfig } from "../config.ts";

export const UNAUTHENTICATED: Authn = { permit: { $case: "unauthenticated", value: {} } };
/** TLS, from whomever. */
export const ANY_TLS: Authn = {
  permit: { $case: "meshTLS", value: { clients: { $case: "unauthenticated", value: {} } } },
};
/** Any identity of the mesh. */
export const ANY_IDENTITY: Authn = permitIdentities(["*"]);

/** Names, `*.suffix` or `*` for all. */
export function permitIdentities(names: readonly string[]): Authn {
  const identities: { name: string }[] = [];
  const suffixes: { parts: string[] }[] = [];
  for (const name of names) {
    if (name === "*") suffixes.push({ parts: [] });
    else if (name.startsWith("*.")) suffixes.push({ parts: name.slice(2).split(".") });
    else identities.push({ name });
  }
  return {
    permit: {
      $case: "meshTLS",
      value: { clients: { $case: "identities", value: { identities, suffixes } } },
    },
  };
}

export function networkMessages(networks: readonly Network[]): NetworkMessage[] {
  return networks.map((network) => ({ net: network.message, except: [] }));
}

export const EVERYWHERE: NetworkMessage[] = networkMessages(Network.parseList(ALL_NETWORKS));

/** Undefined when one of them is no network: half a list would admit or refuse the wrong clients. */
export function policyNetworks(networks: readonly PolicyNetwork[]): NetworkMessage[] | undefined {
  const messages: NetworkMessage[] = [];
  for (const { cidr, except = [] } of networks) {
    const net = Network.parse(cidr);
    const exceptions = except.map((one) => Network.parse(one));
    if (net === undefined || exceptions.includes(undefined)) return undefined;
    messages.push({ net: net.message, except: exceptions.map((one) => one!.message) });
  }
  return messages;
}

/** An authorization that is built in, under a name of its own: a default policy's, or `probe`. */
export function builtInAuthorization(
  name: string,
  networks: NetworkMessage[],
  authentication: Authn,
): Authz {
  return {
    networks,
    authentication,
    labels: { group: "", kind: "default", name },
    metadata: defaultMetadata(name),
  };
}

/** An authorization a resource of policy.linkerd.io grants. */
export function resourceAuthorization(
  resource: { kind: "serverauthorization" | "authorizationpolicy"; name: string; namespace: string },
  networks: NetworkMessage[],
  authentication: Authn,
): Authz {
  const group = "policy.linkerd.io";
  return {
    networks,
    authentication,
    labels: { group, kind: resource.kind, name: resource.name },
    metadata: resourceMetadata({ group, ...resource }),
  };
}

/** What one of the six default policies grants. `deny` grants nothing. */
export function defaultAuthorizations(policy: DefaultPolicy, config: PolicyConfig): Authz[] {
  const cluster = () => networkMessages(config.clusterNetworks);
  switch (policy) {
    case "all-unauthenticated":
    case "audit":
      return [builtInAuthorization(policy, EVERYWHERE, UNAUTHENTICATED)];
    case "all-authenticated":
      return [builtInAuthorization(policy, EVERYWHERE, ANY_IDENTITY)];
    case "cluster-unauthenticated":
      return [builtInAuthorization(policy, cluster(), UNAUTHENTICATED)];
    case "cluster-authenticated":
      return [builtInAuthorization(policy, cluster(), ANY_IDENTITY)];
    case "deny":
      return [];
  }
}

/** The same policy with an identity asked for. */
export function requireIdentity(policy: DefaultPolicy): DefaultPolicy {
  if (policy === "all-unauthenticated") return "all-authenticated";
  return policy === "cluster-unauthenticated" ? "cluster-authenticated" : policy;
}
