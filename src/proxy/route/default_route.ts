/** The routes of a destination that has none of its own: every request goes one way. */
import type { Distribution, HttpRoutes } from "../control/plane.ts";
import type { Filter } from "./filters.ts";
import type { RequestRules } from "./request_rules.ts";

export function everyRequestTo(
  distribution: Distribution,
  options: { readonly rules?: RequestRules; readonly filters?: readonly Filter[]; readonly name?: string } =
    {},
): HttpRoutes {
  const { rules, filters = [], name = "default" } = options;
  const route = { group: "", kind: "default", namespace: "", name };
  const target = { route, filters, distribution, ...(rules === undefined ? {} : { rules }) };
  return { isGrpc: false, routes: [{ hosts: [], rules: [{ matches: [], target }] }] };
}
