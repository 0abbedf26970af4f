/** A port's policy from its wire form. Source: protocol-api.md §9. */
import type {
  Authn,
  Authz,
  GrpcRoute,
  HttpLocalRateLimit,
  HttpRoute,
  Server,
} from "../../../proto/gen/inbound.ts";
import type { Metadata } from "../../../proto/gen/meta.ts";
import type { RateLimit } from "../policy/rate_limit.ts";
import {
  type Authentication,
  type Authorization,
  DEFAULT_ROUTE,
  type InboundRoute,
  type ResourceName,
  type ServerPolicy,
  type ServerProtocol,
} from "../policy/server_policy.ts";
import { millisOf, networkOf } from "./translate_net.ts";
import { filtersOf, hostsOf, InvalidRoute, matchOf } from "./translate_route.ts";

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

/** @throws InvalidRoute */
function routeOf({ metadata, hosts, authorizations, rules }: HttpRoute | GrpcRoute): InboundRoute {
  const allowed = authorizations.map(authorizationOf);
  return {
    resource: resourceOf(metadata, {}),
    authorizations: allowed.map((authorization) => {
      if (authorization === undefined) throw new InvalidRoute("an authorization lacks what is required");
      return authorization;
    }),
    hosts: hostsOf(hosts),
    rules: rules.map(({ matches, filters }) => ({
      matches: matches.map(matchOf),
      filters: filtersOf(filters),
    })),
  };
}

/** A policy whose routes cannot be understood fails every request: which of them it was to protect nobody can say. */
function routesOf(routes: readonly (HttpRoute | GrpcRoute)[]): readonly InboundRoute[] {
  try {
    return routes.map(routeOf);
  } catch (error) {
    if (!(error instanceof InvalidRoute)) throw error;
    const filters = [{ kind: "invalid" as const, message: error.message }];
    const resource = { group: "", kind: "default", name: "invalid" };
    return [{ ...DEFAULT_ROUTE, resource, rules: [{ matches: [], filters }] }];
  }
}

function rateLimitOf(
  { metadata, total, identity, overrides }: HttpLocalRateLimit,
  cells: bigint | undefined,
): RateLimit {
  return {
    resource: resourceOf(metadata, {}),
    total: total?.requestsPerSecond ?? 0,
    identity: identity?.requestsPerSecond ?? 0,
    overrides: overrides.map(({ limit, clients }) => ({
      requestsPerSecond: limit?.requestsPerSecond ?? 0,
      identities: (clients?.identities ?? []).map(({ name }) => name),
    })),
    ...(cells === undefined ? {} : { cells }),
  };
}

/** The parts of a protocol that are about HTTP. */
function httpOf(kind: NonNullable<NonNullable<Server["protocol"]>["kind"]>) {
  switch (kind.$case) {
    case "detect":
      return { routes: kind.value.httpRoutes, limit: kind.value.httpLocalRateLimit };
    case "http1":
    case "http2":
      return { routes: kind.value.routes, limit: kind.value.localRateLimit };
    case "grpc":
      return { routes: kind.value.routes, limit: undefined };
    default:
      return { routes: [], limit: undefined };
  }
}

/**
 * @param cellsOf where the loops of the process keep a rate limit together; left out: each by itself
 * @returns undefined when it is no usable policy (the one before stays): a part that is required is missing
 */
export function serverPolicyOf(server: Server, cellsOf?: () => bigint): ServerPolicy | undefined {
  const kind = server.protocol?.kind, authorizations = server.authorizations.map(authorizationOf);
  if (kind === undefined || server.labels["name"] === undefined || authorizations.includes(undefined)) {
    return undefined;
  }
  const protocol: ServerProtocol = kind.$case, { routes, limit } = httpOf(kind);
  return {
    routes: routesOf(routes),
    protocol,
    detectTimeoutMs: kind.$case === "detect" ? millisOf(kind.value.timeout, 10_000) : 10_000,
    authorizations: authorizations.filter((authorization) => authorization !== undefined),
    server: resourceOf(undefined, server.labels),
    ...(limit === undefined ? {} : { rateLimit: rateLimitOf(limit, cellsOf?.()) }),
  };
}
