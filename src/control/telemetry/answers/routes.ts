/** `linkerd stat-inbound`, `stat-outbound` and `authz`: what was counted by route. */
import type { ResourceName } from "../../../mesh/api.ts";
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
import { compare } from "../inventory.ts";
import { ROUTE_BOUNDS } from "../route_flow.ts";
import { coveredMs, type StatisticsContext, windowOf } from "./context.ts";
import { allOf, requestStats, type Row } from "./rows.ts";
import { routeSelection } from "./selection.ts";

type Side = keyof typeof ROUTE_BOUNDS;

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

/** Sums of a window, and how they become an answer. */
class Sums {
  readonly at: number;
  readonly windowMs: number;
  readonly coveredMs: number;

  constructor(private readonly context: StatisticsContext, private readonly query: RoutesQuery) {
    this.windowMs = windowOf(context, query.window, "1m");
    this.at = context.now();
    this.coveredMs = coveredMs(context, this.windowMs, this.at);
  }

  get seconds(): number {
    return this.coveredMs / 1000;
  }

  rows(side: Side, columns: readonly string[]): Row[] {
    const { context, query, at, windowMs } = this,
      { namespace, name, conditions } = routeSelection(context, query);
    const names = columns.map((column) => `f.${column} AS ${column}`).join(", ");
    const group = Array.from({ length: columns.length + 2 }, (_, index) => index + 1).join(", ");
    const found = context.routes.sum({ from: at - windowMs, until: at }, {
      select: `${namespace} AS ofNamespace, ${name} AS ofName, ${names}`,
      ...allOf([{ sql: "f.side = ?", parameters: [side] }, ...conditions]),
      group,
    });
    return found.filter(hasTraffic)
      .sort((left, right) => compare(keyOf(left, columns), keyOf(right, columns)));
  }

  resource(row: Row): ResourceName {
    return { kind: this.query.kind, namespace: String(row.ofNamespace), name: String(row.ofName) };
  }

  answer<One>(rows: readonly One[]) {
    return { at: this.at, windowMs: this.windowMs, coveredMs: this.coveredMs, rows };
  }
}

/** Equal for rows of the same resource that are the same by these columns. */
function keyOf(row: Row, columns: readonly string[]): string {
  return ["ofNamespace", "ofName", ...columns].map((column) => row[column]).join("\n");
}

function hasTraffic({ success, failure, timeouts, denied, retries }: Row): boolean {
  return Number(success) + Number(failure) + Number(timeouts) + Number(denied) + Number(retries) > 0;
}

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
  const sums = new Sums(context, query);
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
  const sums = new Sums(context, query);
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
  const sums = new Sums(context, query);
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
