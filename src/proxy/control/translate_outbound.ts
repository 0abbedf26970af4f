/**
 * What to do with an original destination, from its outbound policy and its profile. The profile decides where it is
 * the only one to know (no policy) or forbids detection (an opaque port); else the policy stands.
 * Source: proxy.md §5; protocol-api.md §7, §10.
 */
import type { DestinationProfile } from "../../../proto/gen/destination.ts";
import type { Metadata } from "../../../proto/gen/meta.ts";
import type {
  Backend as WireBackend,
  FailureAccrual as WireAccrual,
  GrpcRoute,
  HttpRoute,
  HttpRoute_Distribution,
  OpaqueRoute,
  OpaqueRoute_Distribution,
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
  type OutboundDecision,
  type OutboundTarget,
  type TargetResource,
  type TlsRoute,
  type WeightedBackend,
} from "./plane.ts";
import type { ServerNameMatch } from "../tls/server_names.ts";
import { endpointOf } from "./translate_endpoint.ts";
import { millisOf } from "./translate_net.ts";
import { accrualOf, balancingOf, INVALID, requestRulesOf } from "./translate_rules.ts";

const DETECT_TIMEOUT_MS = 10_000;

function resourceOf(metadata: Metadata | undefined): TargetResource {
  const kind = metadata?.kind;
  if (kind?.$case === "resource") {
    const { group, kind: name, namespace, name: resource, port, section } = kind.value;
    return { group, kind: name, namespace, name: resource, port, section };
  }
  const name = kind?.$case === "default" ? kind.value : "unknown";
  return { group: "", kind: "default", namespace: "", name, port: 0, section: "" };
}

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

function distributionOf(
  distribution: HttpRoute_Distribution | OpaqueRoute_Distribution | undefined,
  accrual?: FailureAccrual,
): Distribution {
  const kind = distribution?.kind;
  switch (kind?.$case) {
    case "firstAvailable": {
      const backends = kind.value.backends
        .map(({ backend }) => ({ backend: backendOf(backend, accrual), weight: 1 }));
      return { kind: "first-available", backends };
    }
    case "randomAvailable": {
      const backends: WeightedBackend[] = kind.value.backends
        .map(({ backend, weight }) => ({ backend: backendOf(backend?.backend, accrual), weight }));
      return { kind: "random", backends };
    }
  }
  return { kind: "empty", reason: "its route sends nowhere" };
}

/**
 * Where the default route leads, and what it asks of requests. Routes that match by path or header are not told apart
 * yet: the first stands.
 * @returns undefined when a part of it cannot be kept
 */
function httpOf(
  { routes, failureAccrual }: {
    readonly routes: readonly (HttpRoute | GrpcRoute)[];
    readonly failureAccrual: WireAccrual | undefined;
  },
  isGrpc: boolean,
): Pick<OutboundDecision, "http" | "rules"> | undefined {
  const [route] = routes, rule = route?.rules[0], accrual = accrualOf(failureAccrual);
  if (rule === undefined) return { http: { kind: "empty", reason: "its policy has no route" } };
  const rules = requestRulesOf(rule, resourceOf(route!.metadata), isGrpc);
  if (rules === INVALID || accrual === INVALID) return undefined;
  const http = distributionOf(rule.backends as HttpRoute_Distribution | undefined, accrual);
  return rules === undefined ? { http } : { http, rules };
}

/** The first filter of the one rule decides (proxy.md §5). */
function connectionsOf(route: OpaqueRoute | WireTlsRoute | undefined): Distribution {
  const rule = route?.rules[0], filter = rule?.filters[0]?.kind;
  if (rule === undefined) return { kind: "empty", reason: "its policy has no route" };
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

function fromPolicy(policy: OutboundPolicy): Omit<OutboundDecision, "authority"> | undefined {
  const kind = policy.protocol?.kind, parent = resourceOf(policy.metadata);
  const base = { detectTimeoutMs: DETECT_TIMEOUT_MS, parent };
  switch (kind?.$case) {
    case "detect": {
      const http = httpOf(kind.value.http1 ?? { routes: [], failureAccrual: undefined }, false);
      if (http === undefined) return undefined;
      return {
        ...base,
        ...http,
        protocol: "detect",
        detectTimeoutMs: millisOf(kind.value.timeout, DETECT_TIMEOUT_MS),
        ...opaqueOf(kind.value.opaque?.routes),
      };
    }
    case "http1":
    case "http2":
    case "grpc": {
      const http = httpOf(kind.value, kind.$case === "grpc");
      return http === undefined ? undefined : { ...base, ...http, protocol: kind.$case, opaque: http.http };
    }
    case "opaque": {
      const opaque = opaqueOf(kind.value.routes);
      return { ...base, ...opaque, protocol: "opaque", http: opaque.opaque };
    }
    case "tls": {
      const other: Distribution = { kind: "empty", reason: "its policy routes TLS only" };
      const tls = kind.value.routes.map(tlsRouteOf);
      return { ...base, protocol: "tls", http: other, opaque: other, tls };
    }
  }
  return undefined;
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
  return { detectTimeoutMs: DETECT_TIMEOUT_MS, parent: resource, http: distribution, opaque: distribution };
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
  const decided = policy === undefined ? undefined : fromPolicy(policy);
  if (decided !== undefined) {
    return {
      ...decided,
      authority,
      protocol: isOpaque && decided.protocol === "detect" ? "opaque" : decided.protocol,
    };
  }
  if (policy !== undefined) {
    const reason = "its policy cannot be understood", invalid: Distribution = { kind: "empty", reason };
    const parent = resourceOf(policy.metadata);
    return {
      protocol: "detect",
      detectTimeoutMs: DETECT_TIMEOUT_MS,
      authority,
      parent,
      http: invalid,
      opaque: invalid,
    };
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
      http: distribution,
      opaque: distribution,
    };
  }
  return { ...forward(bareEndpoint(target), formatTarget(target)), authority, protocol: "detect" };
}
