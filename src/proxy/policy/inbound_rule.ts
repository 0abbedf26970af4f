/**
 * A policy's routes of inbound requests as the data path asks them: which rule takes a request, and what it does to it.
 * Source: proxy.md §3.
 */
import { RouteTable } from "../route/route_table.ts";
import { compileFilters, type RuleFilters } from "../route/rule_filters.ts";
import { DEFAULT_ROUTE, type InboundRoute, type ServerPolicy } from "./server_policy.ts";

export interface InboundRule {
  readonly route: InboundRoute;
  /** Its place among all rules of the policy. */
  readonly index: number;
  readonly filters: RuleFilters;
}

/** A port that is not to speak HTTP (any more) has no route for what still comes on connections that do. */
export function inboundRules({ protocol, routes }: ServerPolicy): RouteTable<InboundRule> {
  if (protocol === "opaque" || protocol === "tls") return new RouteTable<InboundRule>([]);
  let index = 0;
  const all = (routes.length === 0 ? [DEFAULT_ROUTE] : routes).map((route) => ({
    hosts: route.hosts,
    rules: route.rules.map(({ matches, filters }) => ({
      matches,
      target: { route, index: index++, filters: compileFilters(filters) },
    })),
  }));
  return new RouteTable(all, protocol === "grpc");
}
