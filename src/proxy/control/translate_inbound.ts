/** A port's policy from its wire form. Source: protocol-api.md §9. */
import type { Authn, Authz, Server } from "../../../proto/gen/inbound.ts";
import type { Metadata } from "../../../proto/gen/meta.ts";
import type {
  Authentication,
  Authorization,
  ResourceName,
  ServerPolicy,
  ServerProtocol,
} from "../policy/server_policy.ts";
import { millisOf, networkOf } from "./translate_net.ts";

function authenticationOf(authn: Authn | undefined): Authentication | undefined {
  const permit = authn?.permit;
  if (permit === undefined) return undefined;
  if (permit.$case === "unauthenticated") return { kind: "none" };
  const clients = permit.value.clients;
  if (clients === undefined) return undefined;
  if (clients.$case === "unauthenticated") return { kind: "tls" };
  const { identities, suffixes } = clients.value;
  return {
    kind: "identity",
    names: new Set(identities.map(({ name }) => name)),
    suffixes: suffixes.map(({ parts }) => parts.length === 0 ? "" : `.${parts.join(".")}`),
  };
}

function resourceOf(metadata: Metadata | undefined, labels: Readonly<Record<string, string>>): ResourceName {
  const kind = metadata?.kind;
  if (kind?.$case === "default") return { group: "", kind: "default", name: kind.value };
  if (kind?.$case === "resource") {
    return { group: kind.value.group, kind: kind.value.kind, name: kind.value.name };
  }
  return { group: labels["group"] ?? "", kind: labels["kind"] ?? "default", name: labels["name"] ?? "" };
}

function authorizationOf(authz: Authz): Authorization | undefined {
  const authentication = authenticationOf(authz.authentication);
  if (authentication === undefined || authz.networks.length === 0) return undefined;
  const networks: Authorization["networks"][number][] = [];
  for (const { net, except } of authz.networks) {
    const network = networkOf(net), excluded = except.map(networkOf);
    if (network === undefined || excluded.includes(undefined)) return undefined;
    networks.push({ network, except: excluded.filter((one) => one !== undefined) });
  }
  return { networks, authentication, resource: resourceOf(authz.metadata, authz.labels) };
}

/** Undefined when it is no usable policy (the one before stays): a part that is required is missing. */
export function serverPolicyOf(server: Server): ServerPolicy | undefined {
  const kind = server.protocol?.kind, authorizations = server.authorizations.map(authorizationOf);
  if (kind === undefined || server.labels["name"] === undefined || authorizations.includes(undefined)) {
    return undefined;
  }
  const protocol: ServerProtocol = kind.$case;
  return {
    protocol,
    detectTimeoutMs: kind.$case === "detect" ? millisOf(kind.value.timeout, 10_000) : 10_000,
    authorizations: authorizations.filter((authorization) => authorization !== undefined),
    server: resourceOf(undefined, server.labels),
  };
}
