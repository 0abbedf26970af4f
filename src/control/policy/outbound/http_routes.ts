/** HTTPRoutes towards a parent, as the proxy's API has them. */
import type { HttpRoute, HttpRoute_Filter, HttpRoute_Rule } from "../../../../proto/gen/outbound.ts";
import type { HTTPRoute, HttpRouteFilter } from "../../../kube/kinds.ts";
import type { RouteOf } from "../../state/routes.ts";
import { defaultMetadata } from "../../wire/metadata.ts";
import { type CommonFilter, filtersOf, httpFailure } from "../routes/filters.ts";
import { hostMatches, httpMatches } from "../routes/matches.ts";
import { httpRetryOf, ruleTimeoutsOf } from "./annotations.ts";
import { destinationOf, NO_WEIGHT, only, split } from "./backends.ts";
import { ANY_PATH, type OutboundParent, routeMetadata } from "./parent.ts";

type RuleSpec = NonNullable<HTTPRoute["spec"]["rules"]>[number];

const KNOWN: readonly CommonFilter["$case"][] = [
  "requestHeaderModifier",
  "responseHeaderModifier",
  "redirect",
];

function httpFilters(specs: readonly HttpRouteFilter[] | undefined): HttpRoute_Filter[] {
  const result = filtersOf(specs, KNOWN);
  if ("failure" in result) return [{ kind: httpFailure(result.failure) }];
  return result.filters.map((kind) => ({ kind }));
}

/** The route of a parent without routes: everything to the parent itself. */
export function defaultHttpRoute(parent: OutboundParent, name = "http"): HttpRoute {
  const rules = [rule(parent, {}, { matches: [{ path: ANY_PATH }] })!];
  return { metadata: defaultMetadata(name), hosts: [], rules };
}

/** Refuses every request with 403. */
export function forbiddingHttpRoute(name: string): HttpRoute {
  return {
    metadata: defaultMetadata(name),
    hosts: [],
    rules: [{
      matches: httpMatches([{ path: ANY_PATH }])!,
      filters: [{ kind: httpFailure("traffic not allowed", 403) }],
      backends: { kind: { $case: "empty", value: {} } },
      requestTimeout: undefined,
      timeouts: undefined,
      retry: undefined,
      allowL5dRequestHeaders: false,
    }],
  };
}

/** One that nothing can match has no rules. */
export function httpRoute(parent: OutboundParent, route: RouteOf<"HTTPRoute">): HttpRoute {
  // The definition's own default, where an object comes from a cluster without it.
  const specs = route.object.spec.rules ?? [{}];
  const context = { ...parent, namespace: route.namespace };
  const rules = specs.flatMap((spec) => rule(context, route.annotations, spec) ?? []);
  return { metadata: routeMetadata(route), hosts: hostMatches(route.object.spec.hostnames), rules };
}

function rule(
  parent: OutboundParent,
  annotations: Readonly<Record<string, string>>,
  spec: RuleSpec,
): HttpRoute_Rule | undefined {
  const matches = httpMatches(spec.matches);
  if (matches === undefined) return undefined;
  const filters = httpFilters(spec.filters);
  const timeouts = ruleTimeoutsOf(annotations, parent.annotations, spec.timeouts?.request);
  const backends = backendsOf(parent, spec);
  if (backends === undefined) filters.unshift({ kind: httpFailure(NO_WEIGHT) });
  return {
    matches,
    filters,
    backends: { kind: backends ?? { $case: "empty", value: {} } },
    requestTimeout: timeouts?.request,
    timeouts,
    retry: httpRetryOf(annotations) ?? httpRetryOf(parent.annotations),
    allowL5dRequestHeaders: parent.config.allowsL5dRequestHeaders,
  };
}

function backendsOf(parent: OutboundParent, { backendRefs = [] }: RuleSpec) {
  if (backendRefs.length === 0) {
    return only({ backend: parent.backend, filters: [], requestTimeout: undefined });
  }
  return split(backendRefs.map((reference) => {
    const { backend, weight, failure } = destinationOf(reference, parent);
    const filters = failure === undefined
      ? httpFilters(reference.filters)
      : [{ kind: httpFailure(failure.message) } satisfies HttpRoute_Filter];
    return { backend: { backend, filters, requestTimeout: undefined }, weight };
  }));
}
