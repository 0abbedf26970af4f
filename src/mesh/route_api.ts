/**
 * The part of the statistics API that tells of routes (metrics-api, port 8080): what servers admitted, and what clients
 * asked for, by route. Conventions are those of api.ts.
 */
import type { RequestStats, ResourceName, StatKind } from "./api.ts";

/** GET /api/v1/stat-inbound, /api/v1/stat-outbound and /api/v1/authz: ?kind=&namespace=&name=&window=&labels= */
export interface RoutesQuery {
  /** A workload's, `pod` or `namespace`. */
  readonly kind: StatKind;
  /** Left out: all namespaces. */
  readonly namespace?: string;
  readonly name?: string;
  /** A label selector over pods. */
  readonly labels?: string;
  /** 10 s to 6 h; default `1m`. */
  readonly window?: string;
}

/** GET /api/v1/routes: the same, and ?to=&toNamespace= */
export interface ProfileRoutesQuery extends RoutesQuery {
  /** Only what goes to this Service, as its clients see it; its namespace is `toNamespace`, or else `namespace`. */
  readonly to?: string;
  readonly toNamespace?: string;
}

export interface RouteName {
  /** `HTTPRoute`, `GRPCRoute`, or `default`. */
  readonly kind: string;
  /** Empty for a Server's, which is in the namespace of its pods, and for a default. */
  readonly namespace: string;
  readonly name: string;
}

/** What routes hang on, and what they lead to. */
export interface PortName {
  /** `Server`, `Service`, `EgressNetwork`, or `default`. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

interface RoutesResponse<Row> {
  readonly at: number;
  readonly windowMs: number;
  readonly coveredMs: number;
  /** Sorted by resource, then by what the routes hang on. */
  readonly rows: readonly Row[];
}

export interface InboundRouteRow {
  readonly resource: ResourceName;
  readonly server: PortName;
  readonly route: RouteName;
  readonly requests: RequestStats;
}

export type StatInboundResponse = RoutesResponse<InboundRouteRow>;

/** What was asked for by a route, or of a backend. */
export interface OutboundStats {
  /** Of these, `failure` includes what ran out of time. */
  readonly requests: RequestStats;
  readonly timeouts: number;
  /** Milliseconds: latencies below are not told apart by what proxies count, and those of `requests` are guessed. */
  readonly toldApartFromMs: number;
}

export interface BackendRow extends OutboundStats {
  readonly backend: PortName;
}

export interface OutboundRouteRow extends OutboundStats {
  readonly resource: ResourceName;
  readonly parent: PortName;
  readonly route: RouteName;
  /** Attempts that were made anew. */
  readonly retries: number;
  readonly backends: readonly BackendRow[];
}

export type StatOutboundResponse = RoutesResponse<OutboundRouteRow>;

export interface AuthorizationRow {
  readonly resource: ResourceName;
  readonly server: PortName;
  readonly route: RouteName;
  /** Empty where nothing allowed the requests, or the default policy did. */
  readonly authorization: { readonly kind: string; readonly name: string };
  /** Requests a second that were refused. */
  readonly deniedRps: number;
  readonly requests: RequestStats;
}

export type AuthorizationsResponse = RoutesResponse<AuthorizationRow>;

/** What one route of a ServiceProfile took, as servers count it, or their clients where `to` was asked. */
export interface ProfileRouteRow {
  readonly resource: ResourceName;
  /** Empty: none of the profile's routes. */
  readonly route: string;
  /** The service's name and port, as in `web.shop.svc.cluster.local:80`. */
  readonly service: string;
  readonly requests: RequestStats;
  /** As endpoints were asked, retries and all; only of clients. No latencies are counted. */
  readonly actual?: RequestStats;
}

export type ProfileRoutesResponse = RoutesResponse<ProfileRouteRow>;

/** Kinds of policies that requests are counted by, by the words that commands take for them. */
const POLICY_WORDS = {
  server: ["server", "servers", "srv"],
  serverauthorization: ["serverauthorization", "serverauthorizations", "saz"],
  authorizationpolicy: ["authorizationpolicy", "authorizationpolicies", "authzpolicy"],
  httproute: ["httproute", "httproutes", "route"],
  grpcroute: ["grpcroute", "grpcroutes"],
} as const;
export type PolicyKind = keyof typeof POLICY_WORDS;
export const POLICY_KINDS = Object.keys(POLICY_WORDS) as PolicyKind[];

/** The kind that a word of a command line means. */
export function policyKind(word: string): PolicyKind | undefined {
  const lower = word.toLowerCase();
  return POLICY_KINDS.find((kind) => (POLICY_WORDS[kind] as readonly string[]).includes(lower));
}

/** GET /api/v1/stat-policies: ?kind=&namespace=&name=&window= */
export interface PoliciesQuery {
  readonly kind: PolicyKind;
  /** Left out: all namespaces. */
  readonly namespace?: string;
  readonly name?: string;
  /** 10 s to 6 h; default `1m`. */
  readonly window?: string;
}

export interface PolicyRow {
  readonly namespace: string;
  readonly name: string;
  /** The Server that a route belongs to. */
  readonly server?: string;
  /** Requests a second that were refused; of what can refuse. */
  readonly deniedRps?: number;
  readonly requests: RequestStats;
}

export type PoliciesResponse = RoutesResponse<PolicyRow>;
