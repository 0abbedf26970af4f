/**
 * What to do with an original destination, from its outbound policy and its profile. The profile decides where it is
 * the only one to know (no policy) or forbids detection (an opaque port); else the policy stands.
 * Source: proxy.md §5; protocol-api.md §7, §10.
 */
import type { DestinationProfile } from "../../../proto/gen/destination.ts";
import type { Metadata } from "../../../proto/gen/meta.ts";
import type {
  Backend as WireBackend,
  HttpRoute,
  HttpRoute_Distribution,
  OpaqueRoute,
  OpaqueRoute_Distribution,
  OutboundPolicy,
  TlsRoute,
} from "../../../proto/gen/outbound.ts";
import { formatAddress, type SocketAddress } from "../../linux/address.ts";
import type {
  Backend,
  Distribution,
  EndpointInfo,
  OutboundDecision,
  TargetResource,
  WeightedBackend,
} from "./plane.ts";
import { endpointOf } from "./translate_endpoint.ts";
import { millisOf } from "./translate_net.ts";

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

function backendOf(backend: WireBackend | undefined): Backend {
  const resource = resourceOf(backend?.metadata), kind = backend?.kind;
  if (kind?.$case === "forward") {
    const endpoint = endpointOf(kind.value);
    return endpoint === undefined ? { kind: "none", resource } : { kind: "forward", endpoint, resource };
  }
  const path = kind?.value.discovery?.kind?.value.path ?? "";
  return path === "" ? { kind: "none", resource } : { kind: "balancer", path, resource };
}

function distributionOf(
  distribution: HttpRoute_Distribution | OpaqueRoute_Distribution | undefined,
): Distribution {
  const kind = distribution?.kind;
  switch (kind?.$case) {
    case "firstAvailable": {
      const backends = kind.value.backends.map(({ backend }) => ({ backend: backendOf(backend), weight: 1 }));
      return { kind: "first-available", backends };
    }
    case "randomAvailable": {
      const backends: WeightedBackend[] = kind.value.backends
        .map(({ backend, weight }) => ({ backend: backendOf(backend?.backend), weight }));
      return { kind: "random", backends };
    }
  }
  return { kind: "empty", reason: "its route sends nowhere" };
}

/** Where the default route leads. Routes that match by path or header are not told apart yet: the first stands. */
function httpOf(routes: readonly HttpRoute[] | undefined): Distribution {
  const rule = routes?.[0]?.rules[0];
  return rule === undefined
    ? { kind: "empty", reason: "its policy has no route" }
    : distributionOf(rule.backends);
}

function opaqueOf(routes: readonly (OpaqueRoute | TlsRoute)[] | undefined): Distribution {
  const rule = routes?.[0]?.rules[0], filter = rule?.filters[0]?.kind;
  if (rule === undefined) return { kind: "empty", reason: "its policy has no route" };
  if (filter?.$case === "forbidden") return { kind: "empty", reason: "its policy forbids the connection" };
  if (filter?.$case === "invalid") {
    return { kind: "empty", reason: `its policy is invalid: ${filter.value.message}` };
  }
  return distributionOf(rule.backends);
}

/** `web.shop.svc.cluster.local:80`, from the profile; empty when the destination is no service. */
function authorityOf(profile: DestinationProfile | undefined, address: SocketAddress): string {
  const name = profile?.fullyQualifiedName ?? "";
  return name === "" ? "" : `${name}:${address.port}`;
}

function fromPolicy(policy: OutboundPolicy): Omit<OutboundDecision, "authority"> | undefined {
  const kind = policy.protocol?.kind, parent = resourceOf(policy.metadata);
  const base = { detectTimeoutMs: DETECT_TIMEOUT_MS, parent };
  switch (kind?.$case) {
    case "detect":
      return {
        ...base,
        protocol: "detect",
        detectTimeoutMs: millisOf(kind.value.timeout, DETECT_TIMEOUT_MS),
        http: httpOf(kind.value.http1?.routes),
        opaque: opaqueOf(kind.value.opaque?.routes),
      };
    case "http1":
    case "http2": {
      const http = httpOf(kind.value.routes);
      return { ...base, protocol: kind.$case, http, opaque: http };
    }
    case "grpc": {
      const rule = kind.value.routes[0]?.rules[0];
      const http: Distribution = rule === undefined
        ? { kind: "empty", reason: "its policy has no route" }
        : distributionOf(rule.backends as HttpRoute_Distribution | undefined);
      return { ...base, protocol: "grpc", http, opaque: http };
    }
    case "opaque":
    case "tls": {
      const opaque = opaqueOf(kind.value.routes);
      return { ...base, protocol: kind.$case, http: opaque, opaque };
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
 * @param policy undefined when the control plane has none for the address (NotFound)
 * @param profile undefined when it was refused
 */
export function decisionOf(
  address: SocketAddress,
  policy: OutboundPolicy | undefined,
  profile: DestinationProfile | undefined,
): OutboundDecision {
  const authority = authorityOf(profile, address), isOpaque = profile?.opaqueProtocol ?? false;
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
  if (authority !== "") { // a service that only the profile knows
    const resource = {
      group: "core",
      kind: "Service",
      namespace: "",
      name: authority,
      port: address.port,
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
  return { ...forward(bareEndpoint(address), formatAddress(address)), authority, protocol: "detect" };
}
