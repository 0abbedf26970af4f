/** `linkerd stat-inbound`, `stat-outbound` and `authz`: what was counted by route. */
import type {
  AuthorizationsResponse,
  BackendRow,
  OutboundRouteRow,
  OutboundStats,
  PortName,
  RouteName,
  RoutesQuery,
  StatInboundResponse,
  StatOutboundResponse,
} from "../../../mesh/route_api.ts";
import { ROUTE_BOUNDS } from "../route_flow.ts";
import type { StatisticsContext } from "./context.ts";
import { keyOf, RouteSums } from "./route_sums.ts";
import { requestStats, type Row } from "./rows.ts";

/** What tells rows of a side apart beside the resource, as columns of a route's flow. */
const INBOUND = ["parentKind", "parent", "port", "routeKind", "route"] as const;
const AUTHORIZATION = [...INBOUND, "authorizationKind", "authorization"] as const;
const ROUTE = [
  "parentKind",
  "parentNamespace",
  "parent",
  "port",
  "routeKind",
  "routeNamespace",
  "route",
] as const;
const BACKEND = [...ROUTE, "backendKind", "backendNamespace", "backend", "backendPort"] as const;

function port(row: Row, kind: string, namespace: string, name: string, number: string): PortName {
  return {
    kind: String(row[kind]),
    namespace: String(row[namespace] ?? ""),
    name: String(row[name]),
    port: Number(row[number]),
  };
}

const parentOf = (row: Row) => port(row, "parentKind", "parentNamespace", "parent", "port");

function routeOf(row: Row): RouteName {
  return {
    kind: String(row.routeKind),
    namespace: String(row.routeNamespace ?? ""),
    name: String(row.route),
  };
}

export function statInbound(context: StatisticsContext, query: RoutesQuery): StatInboundResponse {
  const sums = new RouteSums(context, query);
  return sums.answer(
    sums.rows("inbound", INBOUND).map((row) => ({
      resource: sums.resource(row),
      server: parentOf(row),
      route: routeOf(row),
      requests: requestStats(row, sums.seconds, ROUTE_BOUNDS.inbound),
    })),
  );
}

export function authorizations(context: StatisticsContext, query: RoutesQuery): AuthorizationsResponse {
  const sums = new RouteSums(context, query);
  return sums.answer(
    sums.rows("inbound", AUTHORIZATION).map((row) => ({
      resource: sums.resource(row),
      server: parentOf(row),
      route: routeOf(row),
      authorization: { kind: String(row.authorizationKind), name: String(row.authorization) },
      deniedRps: sums.seconds > 0 ? Number(row.denied) / sums.seconds : 0,
      requests: requestStats(row, sums.seconds, ROUTE_BOUNDS.inbound),
    })),
  );
}

function outboundStats(row: Row, side: "route" | "backend", seconds: number): OutboundStats {
  const timeouts = Number(row.timeouts), failure = Number(row.failure) + timeouts;
  const bounds = ROUTE_BOUNDS[side];
  return {
    requests: requestStats({ ...row, failure }, seconds, bounds),
    timeouts,
    toldApartFromMs: bounds[0],
  };
}

export function statOutbound(context: StatisticsContext, query: RoutesQuery): StatOutboundResponse {
  const sums = new RouteSums(context, query);
  const backends = Map.groupBy(sums.rows("backend", BACKEND), (row) => keyOf(row, ROUTE));
  const backendOf = (row: Row): BackendRow => ({
    backend: port(row, "backendKind", "backendNamespace", "backend", "backendPort"),
    ...outboundStats(row, "backend", sums.seconds),
  });
  return sums.answer(
    sums.rows("route", ROUTE).map((row): OutboundRouteRow => ({
      resource: sums.resource(row),
      parent: parentOf(row),
      route: routeOf(row),
      ...outboundStats(row, "route", sums.seconds),
      retries: Number(row.retries),
      backends: (backends.get(keyOf(row, ROUTE)) ?? []).map(backendOf),
    })),
  );
}
