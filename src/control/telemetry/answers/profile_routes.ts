/** `linkerd routes`: what was counted by the routes of ServiceProfiles. Source: controlplane.md §8.2 (TopRoutes). */
import type { ProfileRoutesQuery, ProfileRoutesResponse } from "../../../mesh/route_api.ts";
import { ROUTE_BOUNDS } from "../route_flow.ts";
import { badRequest, type StatisticsContext } from "./context.ts";
import { keyOf, RouteSums } from "./route_sums.ts";
import { type Condition, requestStats, type Row } from "./rows.ts";

/** What tells rows of a resource apart. */
const COLUMNS = ["parent", "port", "route"] as const;

/** The parents that are a Service's names: whatever the cluster's domain is. */
function ofService(name: string, namespace: string): Condition {
  const suffix = `${name}.${namespace}.svc.`;
  return { sql: "substr(f.parent, 1, ?) = ?", parameters: [suffix.length, suffix] };
}

export function profileRoutes(context: StatisticsContext, query: ProfileRoutesQuery): ProfileRoutesResponse {
  const { to, toNamespace, ...selected } = query, sums = new RouteSums(context, selected);
  const namespace = toNamespace ?? (query.kind === "namespace" ? query.name : undefined) ?? query.namespace;
  if (to !== undefined && namespace === undefined) {
    throw badRequest("parameter-missing", "the parameter toNamespace is missing", "it says where `to` is");
  }
  const conditions = to === undefined ? [] : [ofService(to, namespace!)];
  const side = to === undefined ? "server" : "client", bounds = ROUTE_BOUNDS[side];
  const attempts = new Map(
    to === undefined
      ? []
      : sums.rows("attempt", COLUMNS, conditions).map((row): [string, Row] => [keyOf(row, COLUMNS), row]),
  );
  return sums.answer(
    sums.rows(side, COLUMNS, conditions).map((row) => {
      const attempted = attempts.get(keyOf(row, COLUMNS));
      return {
        resource: sums.resource(row),
        route: String(row.route),
        service: `${row.parent}:${row.port}`,
        requests: requestStats(row, sums.seconds, bounds),
        ...(attempted === undefined ? {} : { actual: requestStats(attempted, sums.seconds, bounds) }),
      };
    }),
  );
}
