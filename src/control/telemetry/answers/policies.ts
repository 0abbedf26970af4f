/** `linkerd stat` of Servers, authorizations and the routes of Servers: what their requests came to. */
import type { PoliciesQuery, PoliciesResponse, PolicyKind } from "../../../mesh/route_api.ts";
import { ROUTE_BOUNDS } from "../route_flow.ts";
import type { StatisticsContext } from "./context.ts";
import { WindowSums } from "./route_sums.ts";
import { type Condition, requestStats } from "./rows.ts";

/** By kind the columns of an inbound flow that say the kind and the name. */
const COLUMNS: Readonly<Record<PolicyKind, readonly [kind: string, name: string]>> = {
  server: ["f.parentKind", "f.parent"],
  serverauthorization: ["f.authorizationKind", "f.authorization"],
  authorizationpolicy: ["f.authorizationKind", "f.authorization"],
  httproute: ["f.routeKind", "f.route"],
  grpcroute: ["f.routeKind", "f.route"],
};

/** All are in the namespace of the pods that they are for. */
export function policies(context: StatisticsContext, query: PoliciesQuery): PoliciesResponse {
  const { kind, namespace, name } = query, sums = new WindowSums(context, query.window);
  const [ofKind, ofName] = COLUMNS[kind], isRoute = ofName === "f.route";
  const canDeny = isRoute || kind === "server";
  const conditions: Condition[] = [{ sql: `lower(${ofKind}) = ?`, parameters: [kind] }];
  if (namespace !== undefined) conditions.push({ sql: "f.namespace = ?", parameters: [namespace] });
  if (name !== undefined) conditions.push({ sql: `${ofName} = ?`, parameters: [name] });
  const selection = { namespace: "f.namespace", name: ofName, conditions };
  return sums.answer(
    sums.sum("inbound", selection, isRoute ? ["parent"] : []).map((row) => ({
      namespace: String(row.ofNamespace),
      name: String(row.ofName),
      ...(isRoute ? { server: String(row.parent) } : {}),
      ...(canDeny ? { deniedRps: sums.seconds > 0 ? Number(row.denied) / sums.seconds : 0 } : {}),
      requests: requestStats(row, sums.seconds, ROUTE_BOUNDS.inbound),
    })),
  );
}
