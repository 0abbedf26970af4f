/**
 * A route's flow: what one pod's proxy did by one route, whoever the peer was. Inbound by Server, route and
 * authorization; outbound by the parent (a Service) and the route, and once more by the backend that a request went to;
 * and by the routes of ServiceProfiles, whose parent is the service by its name.
 * Source: proxy.md §13, its labels.
 */
import type { ScrapedPod } from "./flow.ts";
import type { Labels, Place } from "./ledger.ts";
import { bucketOf, LATENCY_BOUNDS } from "./histogram.ts";
import type { Dimensions, Shape, Store } from "./store.ts";

export const ROUTE_DIMENSIONS = [
  /**
   * `inbound`, `route` (outbound, whole requests) or `backend` (outbound, what a backend was asked); of a ServiceProfile
   * `server`, `client` (whole requests) or `attempt` (what endpoints were asked).
   */
  "side",
  "namespace",
  "pod",
  "workloadKind",
  "workload",
  /** The Server, or what the route hangs on; a Server's namespace is the pod's. */
  "parentKind",
  "parentNamespace",
  "parent",
  "port",
  "routeKind",
  "routeNamespace",
  "route",
  "authorizationKind",
  "authorization",
  "backendKind",
  "backendNamespace",
  "backend",
  "backendPort",
] as const;
export type RouteDimension = typeof ROUTE_DIMENSIONS[number];
export type RouteFlow = Dimensions<RouteDimension>;

/** A request that ran out of time is no `failure` but one of the `timeouts`; `denied` ones are neither. */
export const ROUTE_COUNTERS = ["success", "failure", "timeouts", "retries", "denied"] as const;
export type RouteCounter = typeof ROUTE_COUNTERS[number];

export const ROUTES: Shape<RouteDimension, RouteCounter> = {
  prefix: "route_",
  dimensions: ROUTE_DIMENSIONS,
  counters: ROUTE_COUNTERS,
};
export type RouteStore = Store<RouteDimension, RouteCounter>;

/** Upper bounds in milliseconds, by side. */
export const ROUTE_BOUNDS = {
  inbound: LATENCY_BOUNDS,
  route: [50, 500, 1000, 10_000],
  backend: [25, 50, 100, 250, 500, 1000, 10_000],
  server: LATENCY_BOUNDS,
  client: LATENCY_BOUNDS,
  attempt: LATENCY_BOUNDS,
} as const;
export type Side = keyof typeof ROUTE_BOUNDS;
const PROFILED: ReadonlySet<Side> = new Set(["server", "client", "attempt"]);

/** What a metric of the proxy counts. */
interface Meaning {
  readonly side: Side | "profile";
  readonly what: "responses" | "statuses" | "milliseconds" | "seconds" | "retries" | "denied";
}

const OUTBOUND = ["http", "grpc"].flatMap((protocol): [string, Meaning][] => {
  const route = `outbound_${protocol}_route`;
  return [
    [`${route}_request_statuses_total`, { side: "route", what: "statuses" }],
    [`${route}_request_duration_seconds_bucket`, { side: "route", what: "seconds" }],
    [`${route}_retry_requests_total`, { side: "route", what: "retries" }],
    [`${route}_backend_response_statuses_total`, { side: "backend", what: "statuses" }],
    [`${route}_backend_response_duration_seconds_bucket`, { side: "backend", what: "seconds" }],
  ];
});
export const ROUTE_METRICS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ["response_total", { side: "inbound", what: "responses" }],
  ["response_latency_ms_bucket", { side: "inbound", what: "milliseconds" }],
  ["inbound_http_authz_deny_total", { side: "inbound", what: "denied" }],
  ...OUTBOUND,
  ["route_response_total", { side: "profile", what: "responses" }],
  ["route_response_latency_ms_bucket", { side: "profile", what: "milliseconds" }],
  ["route_actual_response_total", { side: "attempt", what: "responses" }],
]);

const TIMEOUTS = new Set(["REQUEST_TIMEOUT", "RESPONSE_HEADERS_TIMEOUT", "RESPONSE_STREAM_TIMEOUT"]);

function counterOf({ http_status: http, grpc_status: grpc, error = "" }: Labels): RouteCounter {
  if (TIMEOUTS.has(error)) return "timeouts";
  const isFailure = error !== "" || (http !== undefined && http.startsWith("5")) ||
    (grpc !== undefined && grpc !== "OK");
  return isFailure ? "failure" : "success";
}

function fieldOf(what: Meaning["what"], side: Side, labels: Labels): RouteCounter | number | undefined {
  const le = labels.le ?? "", bounds = ROUTE_BOUNDS[side];
  switch (what) {
    case "responses":
      return labels.classification === "failure" ? "failure" : "success";
    case "statuses":
      return counterOf(labels);
    case "milliseconds":
      return bucketOf(le, bounds);
    case "seconds":
      return bucketOf(le === "+Inf" ? le : String(Math.round(Number(le) * 1000)), bounds);
    default:
      return what;
  }
}

function sideOf({ side }: Meaning, { direction }: Labels): Side {
  return side !== "profile" ? side : direction === "inbound" ? "server" : "client";
}

/** Where a series of a proxy's metrics counts; undefined for one that does not. */
export function placeOf(
  name: string,
  labels: Labels,
  { namespace, name: pod, workloadKind, workload }: ScrapedPod,
  isCrowded: boolean,
): Place<RouteFlow, RouteCounter> | undefined {
  const meaning = ROUTE_METRICS.get(name);
  if (meaning === undefined) return undefined;
  const { what } = meaning, side = sideOf(meaning, labels);
  const isInbound = side === "inbound", isBackend = side === "backend", isProfiled = PROFILED.has(side);
  if (isInbound && labels.direction !== undefined && labels.direction !== "inbound") return undefined;
  // The kubelet's probes are nobody's traffic.
  if (isInbound && labels.route_kind === "default" && labels.route_name === "probe") return undefined;
  const field = fieldOf(what, side, labels);
  if (field === undefined) return undefined;
  const of = (label: string) => isCrowded ? "" : labels[label] ?? "";
  const [, service = "", servicePort = ""] = /^(.*):([0-9]+)$/.exec(of("dst")) ?? [];
  return {
    field,
    flow: {
      side,
      namespace,
      pod,
      workloadKind,
      workload,
      parentKind: isProfiled ? "ServiceProfile" : of(isInbound ? "srv_kind" : "parent_kind"),
      parentNamespace: isInbound ? "" : of("parent_namespace"),
      parent: isProfiled ? service : of(isInbound ? "srv_name" : "parent_name"),
      port: isProfiled ? servicePort : of(isInbound ? "target_port" : "parent_port"),
      routeKind: of("route_kind"),
      routeNamespace: isInbound ? "" : of("route_namespace"),
      route: of(isProfiled ? "rt_route" : "route_name"),
      authorizationKind: isInbound ? of("authz_kind") : "",
      authorization: isInbound ? of("authz_name") : "",
      backendKind: isBackend ? of("backend_kind") : "",
      backendNamespace: isBackend ? of("backend_namespace") : "",
      backend: isBackend ? of("backend_name") : "",
      backendPort: isBackend ? of("backend_port") : "",
    },
  };
}
