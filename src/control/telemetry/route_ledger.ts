/** Requests by route: what `stat-inbound`, `stat-outbound`, `authz` and `routes` tell. */
import { StoredLedger } from "./ledger.ts";
import {
  placeOf,
  ROUTE_METRICS,
  type RouteCounter,
  type RouteDimension,
  type RouteStore,
} from "./route_flow.ts";

export function routeLedger(store: RouteStore): StoredLedger<RouteDimension, RouteCounter> {
  return new StoredLedger(store, new Set(ROUTE_METRICS.keys()), placeOf);
}
