/**
 * What the data plane asks of the control plane, in the data plane's own terms. The clients in this folder implement
 * it over gRPC; tests implement it with values. Updates arrive on the loop, between turns, as immutable snapshots.
 */
import { formatAddress, type SocketAddress } from "../../linux/address.ts";
import type { Balancing } from "../balance/balancing.ts";
import type { Filter } from "../route/filters.ts";
import type { MatchedRoute } from "../route/matches.ts";
import type { ProfileRoute, RequestRules, RouteResource } from "../route/request_rules.ts";
import type { ServerNameMatch } from "../tls/server_names.ts";
import type { ServerPolicy } from "../policy/server_policy.ts";

/** One replica of a service, and how to talk to it. */
export interface EndpointInfo {
  readonly address: SocketAddress;
  readonly weight: number;
  /** Its proxy's identity: the connection is mutual TLS. Undefined: not meshed, plain text. */
  readonly identity: { readonly serverName: string; readonly name: string } | undefined;
  /** `h2`: its proxy takes HTTP/1 over HTTP/2; `opaque`: it treats the port as opaque. */
  readonly hint: "none" | "h2" | "opaque";
  /** Its proxy's inbound port for the transport header; undefined when it takes none. */
  readonly transportPort: number | undefined;
  readonly authorityOverride: string | undefined;
  /** Metric labels, without the `dst_` prefix. */
  readonly labels: Readonly<Record<string, string>>;
}

export type EndpointUpdate =
  /** All there are: the first answer of a (new) stream. Those that stay keep what is known of them. */
  | { readonly kind: "replace"; readonly endpoints: readonly EndpointInfo[] }
  | { readonly kind: "add"; readonly endpoints: readonly EndpointInfo[] }
  | { readonly kind: "remove"; readonly addresses: readonly SocketAddress[] }
  /** The service has no endpoints now. */
  | { readonly kind: "reset" }
  | { readonly kind: "absent" };

/** A resource that traffic was addressed to or is sent to, as metric labels name it. */
export interface TargetResource {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  readonly section: string;
}

export type Backend =
  | {
    readonly kind: "balancer";
    readonly path: string;
    readonly resource: TargetResource;
    /** Linkerd's defaults where there is none. */
    readonly balancing?: Balancing;
  }
  | { readonly kind: "forward"; readonly endpoint: EndpointInfo; readonly resource: TargetResource }
  /** Sent without a dispatcher: what is routed here fails. */
  | { readonly kind: "none"; readonly resource: TargetResource };

export interface WeightedBackend {
  readonly backend: Backend;
  readonly weight: number;
  /** What is done to requests that go there, after what their rule does. */
  readonly filters?: readonly Filter[];
}

/** Where a route sends its traffic. */
export type Distribution =
  | { readonly kind: "first-available"; readonly backends: readonly WeightedBackend[] }
  | { readonly kind: "random"; readonly backends: readonly WeightedBackend[] }
  /** The policy forbids it, or routes to nothing. */
  | {
    readonly kind: "empty";
    readonly reason: string;
    /** The policy itself is wrong. */
    readonly isInvalid?: boolean;
  };

/** A route of connections that are passed on as they come. */
export interface ConnectionRoute {
  readonly resource: TargetResource;
  readonly distribution: Distribution;
}

/** One of TLS connections, by the name that they ask for. */
export interface TlsRoute extends ConnectionRoute {
  /** Empty: whatever name. */
  readonly names: readonly ServerNameMatch[];
}

/** What a rule of an HTTP route does with the requests it takes. */
export interface RuleTarget {
  readonly route: RouteResource;
  readonly filters: readonly Filter[];
  readonly distribution: Distribution;
  /** What it asks of the exchange; absent: nothing. */
  readonly rules?: RequestRules;
  /** It is a ServiceProfile's. */
  readonly profile?: ProfileRoute;
}

export interface HttpRoutes {
  /** They are GRPCRoutes. */
  readonly isGrpc: boolean;
  readonly routes: readonly MatchedRoute<RuleTarget>[];
}

/** What a ServiceProfile tells requests apart by. */
export type ProfileRoutes = readonly MatchedRoute<ProfileRoute>[];

/** A service by its name, where no original destination says whom traffic is for: at a gateway, at an ingress. */
export interface NamedTarget {
  /** In lower case, without a final dot. */
  readonly name: string;
  readonly port: number;
}

/** What traffic goes to. */
export type OutboundTarget = SocketAddress | NamedTarget;

/** `10.43.0.7:80`, `web.shop.svc.cluster.local:80`. */
export function formatTarget(target: OutboundTarget): string {
  return "name" in target ? `${target.name}:${target.port}` : formatAddress(target);
}

/** What the proxy does with connections to one original destination, or for one name. */
export interface OutboundDecision {
  readonly protocol: "detect" | "http1" | "http2" | "grpc" | "opaque" | "tls";
  readonly detectTimeoutMs: number;
  /** Logical name, `web.shop.svc.cluster.local:80`; empty when the destination is no service. */
  readonly authority: string;
  readonly parent: TargetResource;
  readonly http: HttpRoutes;
  readonly opaque: Distribution;
  /** The route that `opaque` is of; absent: of none that has a name. */
  readonly opaqueRoute?: TargetResource;
  /** Where connections go by the name in their ClientHello; with protocol `tls` only. */
  readonly tls?: readonly TlsRoute[];
}

/** A subscription; `cancel` ends it, after which nothing more is told. */
export interface Watch {
  cancel(): void;
}

export interface ControlPlane {
  /** The policy of a port of this workload, now and whenever it changes. Nothing is told while it is not known. */
  watchInboundPort(port: number, onUpdate: (policy: ServerPolicy) => void): Watch;
  /**
   * What to do with traffic to `target`: told as soon as both the outbound policy and the profile are known (or
   * known not to exist), and on change. `onFailed` tells that the lookup was refused, or knows no such name, and will not
   * be tried again.
   */
  watchOutbound(
    target: OutboundTarget,
    onUpdate: (decision: OutboundDecision) => void,
    onFailed: (reason: string) => void,
  ): Watch;
  /**
   * The routes of a service's ServiceProfile, by which its server's side counts requests, now and whenever they change;
   * undefined: it has none.
   */
  watchProfile(
    target: NamedTarget,
    onUpdate: (routes: ProfileRoutes | undefined) => void,
  ): Watch;
  /** The endpoints behind a name (Destination.Get), kept while the control plane is away. */
  resolve(path: string, onUpdate: (update: EndpointUpdate) => void): Watch;
}
