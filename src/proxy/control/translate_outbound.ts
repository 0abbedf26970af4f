/**
 * What to do with an original destination, from its outbound policy and its profile. The profile decides where it is
 * the only one to know (no policy) or forbids detection (an opaque port); else the policy stands.
 * Source: proxy.md §5; protocol-api.md §7, §10.
 */
import type { DestinationProfile } from "../../../proto/gen/destination.ts";
import type {
  Backend as WireBackend,
  FailureAccrual as WireAccrual,
  GrpcRoute,
  GrpcRoute_Distribution,
  GrpcRoute_RouteBackend,
  GrpcRoute_Rule,
  HttpRoute,
  HttpRoute_Distribution,
  HttpRoute_RouteBackend,
  HttpRoute_Rule,
  OpaqueRoute,
  OpaqueRoute_Distribution,
  OpaqueRoute_RouteBackend,
  OutboundPolicy,
  TlsRoute as WireTlsRoute,
} from "../../../proto/gen/outbound.ts";
import type { SniMatch } from "../../../proto/gen/tls_route.ts";
import type { SocketAddress } from "../../linux/address.ts";
import type { FailureAccrual } from "../balance/balancing.ts";
import {
  type Backend,
  type Distribution,
  type EndpointInfo,
  formatTarget,
  type HttpRoutes,
  type OutboundDecision,
  type OutboundTarget,
  type RuleTarget,
  type TlsRoute,
  type WeightedBackend,
} from "./plane.ts";
import { everyRequestTo } from "../route/default_route.ts";
import type { Filter } from "../route/filters.ts";
import type { MatchedRule } from "../route/matches.ts";
import type { RouteResource } from "../route/request_rules.ts";
import type { ServerNameMatch } from "../tls/server_names.ts";
import { endpointOf } from "./translate_endpoint.ts";
import { millisOf } from "./translate_net.ts";
import { profiledTraffic } from "./translate_profile.ts";
import { resourceOf } from "./translate_resource.ts";
import { filtersOf, hostsOf, InvalidRoute, matchOf } from "./translate_route.ts";
import { accrualOf, balancingOf, INVALID, requestRulesOf } from "./translate_rules.ts";

const DETECT_TIMEOUT_MS = 10_000;

function backendOf(backend: WireBackend | undefined, accrual?: FailureAccrual): Backend {
  const resource = resourceOf(backend?.metadata), kind = backend?.kind;
  if (kind?.$case === "forward") {
    const endpoint = endpointOf(kind.value);
    return endpoint === undefined ? { kind: "none", resource } : { kind: "forward", endpoint, resource };
  }
  const path = kind?.value.discovery?.kind?.value.path ?? "";
  if (kind === undefined || path === "") return { kind: "none", resource };
  return { kind: "balancer", path, resource, balancing: balancingOf(kind.value, accrual) };
}

type WireRouteBackend = HttpRoute_RouteBackend | GrpcRoute_RouteBackend | OpaqueRoute_RouteBackend;

function weighted(
  route: WireRouteBackend | undefined,
  weight: number,
  accrual: FailureAccrual | undefined,
): WeightedBackend {
  const filters = route?.filters ?? [], backend = backendOf(route?.backend, accrual);
  return filters.length === 0
    ? { backend, weight }
    : { backend, weight, filters: filters.flatMap(backendFilter) };
}

/** A backend's filter, which for connections that are no HTTP can only refuse. */
function backendFilter(filter: WireRouteBackend["filters"][number]): Filter[] {
  const { kind } = filter;
  if (kind?.$case === "forbidden") return [{ kind: "invalid", message: "the backend is forbidden" }];
  if (kind?.$case === "invalid") return [{ kind: "invalid", message: kind.value.message }];
  return filtersOf([{ kind }]);
}

function distributionOf(
  distribution: HttpRoute_Distribution | GrpcRoute_Distribution | OpaqueRoute_Distribution | undefined,
  accrual?: FailureAccrual,
): Distribution {
  const kind = distribution?.kind;
  switch (kind?.$case) {
    case "firstAvailable":
      return {
        kind: "first-available",
        backends: kind.value.backends.map((backend) => weighted(backend, 1, accrual)),
      };
    case "randomAvailable":
      return {
        kind: "random",
        backends: kind.value.backends.map(({ backend, weight }) => weighted(backend, weight, accrual)),
      };
  }
  return { kind: "empty", reason: "its route sends nowhere" };
}

const NO_ROUTE: Distribution = { kind: "empty", reason: "its policy has no route" };

/**
 * What the routes do with requests, and connections that turn out to be no HTTP where they may be none.
 * @throws InvalidRoute
 */
function httpOf(
  { routes, failureAccrual }: {
    readonly routes: readonly (HttpRoute | GrpcRoute)[];
    readonly failureAccrual: WireAccrual | undefined;
  },
  isGrpc: boolean,
): HttpRoutes {
  const accrual = accrualOf(failureAccrual);
  if (accrual === INVALID) throw new InvalidRoute("its failure accrual cannot be kept");
  return {
    isGrpc,
    routes: routes.map(({ metadata, hosts, rules }) => {
      const { group, kind, namespace, name } = resourceOf(metadata), route = { group, kind, namespace, name };
      return { hosts: hostsOf(hosts), rules: rules.map((rule) => ruleOf(rule, route, isGrpc, accrual)) };
    }),
  };
}

function ruleOf(
  rule: HttpRoute_Rule | GrpcRoute_Rule,
  route: RouteResource,
  isGrpc: boolean,
  accrual: FailureAccrual | undefined,
): MatchedRule<RuleTarget> {
  const rules = requestRulesOf(rule, route, isGrpc), matches = rule.matches.map(matchOf);
  if (rules === INVALID) throw new InvalidRoute(`timeouts or retries of ${route.name} cannot be kept`);
  const target: RuleTarget = {
    route,
    filters: filtersOf(rule.filters),
    distribution: distributionOf(rule.backends, accrual),
    ...(rules === undefined ? {} : { rules }),
  };
  return { matches, target };
}

/** Where connections go that are no HTTP though only HTTP is spoken of: as its first rule. */
function firstOf({ routes }: HttpRoutes): Distribution {
  return routes[0]?.rules[0]?.target.distribution ?? NO_ROUTE;
}

/** The first filter of the one rule decides (proxy.md §5). */
function connectionsOf(route: OpaqueRoute | WireTlsRoute | undefined): Distribution {
  const rule = route?.rules[0], filter = rule?.filters[0]?.kind;
  if (rule === undefined) return NO_ROUTE;
  if (filter?.$case === "forbidden") return { kind: "empty", reason: "its policy forbids the connection" };
  if (filter?.$case === "invalid") {
    return { kind: "empty", reason: `its policy is invalid: ${filter.value.message}`, isInvalid: true };
  }
  return distributionOf(rule.backends);
}

function opaqueOf(routes: readonly OpaqueRoute[] = []): Pick<OutboundDecision, "opaque" | "opaqueRoute"> {
  const [route] = routes, opaque = connectionsOf(route);
  return route === undefined ? { opaque } : { opaque, opaqueRoute: resourceOf(route.metadata) };
}

/** A name that is no match of a kind we know matches nothing. */
function serverNamesOf(snis: readonly SniMatch[]): ServerNameMatch[] {
  return snis.map(({ match }) =>
    match?.$case === "suffix"
      ? { kind: "suffix", value: `.${match.value.reverseLabels.toReversed().join(".").toLowerCase()}` }
      : { kind: "exact", value: match?.value.toLowerCase() ?? "" }
  );
}

function tlsRouteOf(route: WireTlsRoute): TlsRoute {
  return {
    resource: resourceOf(route.metadata),
    names: serverNamesOf(route.snis),
    distribution: connectionsOf(route),
  };
}

/** `web.shop.svc.cluster.local:80`, from the profile; empty when the destination is no service. */
function authorityOf(profile: DestinationProfile | undefined, target: OutboundTarget): string {
  const name = profile?.fullyQualifiedName || ("name" in target ? target.name : "");
  return name === "" ? "" : `${name}:${target.port}`;
}

/** A policy that cannot be understood fails every request and every connection. */
function invalidPolicy(policy: OutboundPolicy, why: string): Omit<OutboundDecision, "authority"> {
  const distribution: Distribution = { kind: "empty", reason: `its policy is invalid: ${why}` };
  const filters: Filter[] = [{ kind: "invalid", message: why }];
  return {
    protocol: "detect",
    detectTimeoutMs: DETECT_TIMEOUT_MS,
    parent: resourceOf(policy.metadata),
    http: everyRequestTo(distribution, { filters, name: "invalid" }),
    opaque: distribution,
  };
}

function fromPolicy(policy: OutboundPolicy): Omit<OutboundDecision, "authority"> {
  try {
    return understood(policy);
  } catch (error) {
    if (error instanceof InvalidRoute) return invalidPolicy(policy, error.message);
    throw error;
  }
}

/** @throws InvalidRoute */
function understood(policy: OutboundPolicy): Omit<OutboundDecision, "authority"> {
  const kind = policy.protocol?.kind, parent = resourceOf(policy.metadata);
  const base = { detectTimeoutMs: DETECT_TIMEOUT_MS, parent };
  switch (kind?.$case) {
    case "detect": {
      // The same routes are told for both versions.
      const http = kind.value.http1 ?? kind.value.http2 ?? { routes: [], failureAccrual: undefined };
      return {
        ...base,
        protocol: "detect",
        http: httpOf(http, false),
        detectTimeoutMs: millisOf(kind.value.timeout, DETECT_TIMEOUT_MS),
        ...opaqueOf(kind.value.opaque?.routes),
      };
    }
    case "http1":
    case "http2":
    case "grpc": {
      const http = httpOf(kind.value, kind.$case === "grpc");
      return { ...base, protocol: kind.$case, http, opaque: firstOf(http) };
    }
    case "opaque": {
      const opaque = opaqueOf(kind.value.routes);
      return { ...base, ...opaque, protocol: "opaque", http: everyRequestTo(opaque.opaque) };
    }
    case "tls": {
      const other: Distribution = { kind: "empty", reason: "its policy routes TLS only" };
      const tls = kind.value.routes.map(tlsRouteOf);
      return { ...base, protocol: "tls", http: everyRequestTo(other), opaque: other, tls };
    }
  }
  throw new InvalidRoute("it names no protocol");
}

function forward(endpoint: EndpointInfo, name: string): Omit<OutboundDecision, "authority" | "protocol"> {
  const resource = {
    group: "",
    kind: "default",
    namespace: "",
    name,
    port: endpoint.address.port,
    section: "",
  };
  const backends: WeightedBackend[] = [{ backend: { kind: "forward", endpoint, resource }, weight: 1 }];
  const distribution: Distribution = { kind: "first-available", backends };
  return {
    detectTimeoutMs: DETECT_TIMEOUT_MS,
    parent: resource,
    http: everyRequestTo(distribution, { name }),
    opaque: distribution,
  };
}

/** A destination that discovery knows nothing of: plain text, to where it was going. */
function bareEndpoint(address: SocketAddress): EndpointInfo {
  return {
    address,
    weight: 1,
    identity: undefined,
    hint: "none",
    transportPort: undefined,
    authorityOverride: undefined,
    labels: {},
  };
}

/**
 * @param policy undefined when the control plane has none for the target (NotFound)
 * @param profile undefined when it was refused
 */
export function decisionOf(
  target: OutboundTarget,
  policy: OutboundPolicy | undefined,
  profile: DestinationProfile | undefined,
): OutboundDecision {
  const authority = authorityOf(profile, target), isOpaque = profile?.opaqueProtocol ?? false;
  const profiled = profile === undefined || authority === ""
    ? undefined
    : profiledTraffic(profile, authority);
  if (policy !== undefined) {
    const decided = fromPolicy(policy);
    const protocol = isOpaque && decided.protocol === "detect" ? "opaque" : decided.protocol;
    return { ...decided, ...profiled, authority, protocol };
  }
  const endpoint = profile?.endpoint === undefined ? undefined : endpointOf(profile.endpoint);
  if (endpoint !== undefined) {
    return { ...forward(endpoint, "endpoint"), authority, protocol: isOpaque ? "opaque" : "detect" };
  }
  if ("name" in target || authority !== "") { // a service that only the profile knows
    const resource = {
      group: "core",
      kind: "Service",
      namespace: "",
      name: authority,
      port: target.port,
      section: "",
    };
    const backends: WeightedBackend[] = [{
      backend: { kind: "balancer", path: authority, resource },
      weight: 1,
    }];
    const distribution: Distribution = { kind: "first-available", backends };
    return {
      protocol: isOpaque ? "opaque" : "detect",
      detectTimeoutMs: DETECT_TIMEOUT_MS,
      authority,
      parent: resource,
      http: everyRequestTo(distribution, { name: "profile" }),
      opaque: distribution,
      ...profiled,
    };
  }
  return { ...forward(bareEndpoint(target), formatTarget(target)), authority, protocol: "detect" };
}
