/** A port's policy from its wire form. Source: protocol-api.md §9. */
import type { Authn, Authz, HttpRoute, Server } from "../../../proto/gen/inbound.ts";
import type { Metadata } from "../../../proto/gen/meta.ts";
import type {
  Authentication,
  Authorization,
  InboundRoute,
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

const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "HEAD", "TRACE"];

/** A route's exact paths; undefined when it has none, or asks for what the proxy does not look at. */
function routeOf(route: HttpRoute): InboundRoute | undefined {
  const authorizations = route.authorizations.map(authorizationOf);
  if (route.hosts.length > 0 || authorizations.includes(undefined)) return undefined;
  const matches: InboundRoute["matches"][number][] = [];
  for (const { matches: all, filters } of route.rules) {
    for (const { path, headers, queryParams, method } of all) {
      if (path?.kind?.$case !== "exact" || headers.length + queryParams.length + filters.length > 0) continue;
      const type = method?.type;
      matches.push({
        path: path.kind.value,
        method: type?.$case === "registered" ? METHODS[type.value] : type?.value,
      });
    }
  }
  if (matches.length === 0) return undefined;
  return {
    resource: resourceOf(route.metadata, {}),
    authorizations: authorizations.filter((authorization) => authorization !== undefined),
    matches,
  };
}

/** Undefined when it is no usable policy (the one before stays): a part that is required is missing. */
export function serverPolicyOf(server: Server): ServerPolicy | undefined {
  const kind = server.protocol?.kind, authorizations = server.authorizations.map(authorizationOf);
  if (kind === undefined || server.labels["name"] === undefined || authorizations.includes(undefined)) {
    return undefined;
  }
  const protocol: ServerProtocol = kind.$case;
  const routes = kind.$case === "detect"
    ? kind.value.httpRoutes
    : kind.$case === "http1" || kind.$case === "http2"
    ? kind.value.routes
    : [];
  return {
    routes: routes.map(routeOf).filter((route) => route !== undefined),
    protocol,
    detectTimeoutMs: kind.$case === "detect" ? millisOf(kind.value.timeout, 10_000) : 10_000,
    authorizations: authorizations.filter((authorization) => authorization !== undefined),
    server: resourceOf(undefined, server.labels),
  };
}
