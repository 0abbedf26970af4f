/** TopRoutes and Authz of linkerd2.viz.Api: what was counted by route. Source: controlplane.md §8.2. */
import type {
  AuthzRequest,
  AuthzResponse,
  Resource,
  ResourceSelection,
  StatTable_PodGroup_Row,
  TopRoutesRequest,
  TopRoutesResponse,
} from "../../../proto/gen/viz.ts";
import type { AuthorizationRow, RoutesQuery } from "../../mesh/route_api.ts";
import { invalidArgument } from "../grpc/status.ts";
import type { StatisticsContext } from "./answers/context.ts";
import { profileRoutes } from "./answers/profile_routes.ts";
import { authorizations } from "./answers/routes.ts";
import { given } from "./parameters.ts";
import { asRpc, basicStats, kindOf, optional, resource } from "./viz_values.ts";

function routesQuery(selector: ResourceSelection | undefined, timeWindow: string): RoutesQuery {
  const selected = selector?.resource;
  return given<RoutesQuery>({
    kind: kindOf(selected?.type ?? ""),
    namespace: optional(selected?.namespace),
    name: optional(selected?.name),
    labels: optional(selector?.labelSelector),
    window: optional(timeWindow),
  });
}

/** The Service that is asked about as clients see it. */
function toService(request: TopRoutesRequest): { readonly to?: string; readonly toNamespace?: string } {
  if (request.outbound?.$case !== "toResource") return {};
  const { type, name, namespace } = request.outbound.value;
  if (kindOf(type) !== "service" || name === "") {
    throw invalidArgument("routes are told to a Service by its name");
  }
  return { to: name, ...(namespace === "" ? {} : { toNamespace: namespace }) };
}

export function topRoutes(context: StatisticsContext, request: TopRoutesRequest): TopRoutesResponse {
  const { selector, timeWindow } = request;
  const query = { ...routesQuery(selector, timeWindow), ...toService(request) };
  const { rows } = asRpc(() => profileRoutes(context, query));
  const tables = Map.groupBy(rows, ({ resource: { kind, name } }) => `${kind}/${name}`);
  const routes = [...tables].map(([name, rows]) => ({
    resource: name,
    rows: rows.map(({ route, service, requests, actual }) => ({
      route: route === "" ? "[DEFAULT]" : route,
      timeWindow,
      authority: service,
      stats: basicStats(requests, actual),
    })),
  }));
  return { response: { $case: "ok", value: { routes } } };
}

function authzRow(row: AuthorizationRow, timeWindow: string, seconds: number): StatTable_PodGroup_Row {
  const { server, route, authorization, requests, deniedRps } = row;
  const named = (type: string, name: string, namespace = row.resource.namespace): Resource => ({
    namespace,
    type,
    name,
  });
  return {
    resource: resource(row.resource),
    timeWindow,
    status: "",
    meshedPodCount: 0n,
    runningPodCount: 0n,
    failedPodCount: 0n,
    stats: basicStats(requests),
    tcpStats: undefined,
    tsStats: undefined,
    srvStats: {
      allowedCount: BigInt(requests.success + requests.failure),
      deniedCount: BigInt(Math.round(deniedRps * seconds)),
      srv: named(server.kind, server.name),
      route: named(route.kind, route.name),
      authz: named(authorization.kind, authorization.name),
    },
    errorsByPod: {},
  };
}

export function authz(context: StatisticsContext, { resource, timeWindow }: AuthzRequest): AuthzResponse {
  const { rows, coveredMs } = asRpc(() => authorizations(context, routesQuery(resource, timeWindow)));
  const told = rows.map((row) => authzRow(row, timeWindow, coveredMs / 1000));
  const statTable = { table: { $case: "podGroup" as const, value: { rows: told } } };
  return { response: { $case: "ok", value: { statTable } } };
}
