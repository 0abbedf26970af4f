/** GRPCRoutes towards a parent, as the proxy's API has them. */
import type { GrpcRoute, GrpcRoute_Filter, GrpcRoute_Rule } from "../../../../proto/gen/outbound.ts";
import type { GRPCRoute, HttpRouteFilter } from "../../../kube/kinds.ts";
import { Code } from "../../grpc/status.ts";
import type { RouteOf } from "../../state/routes.ts";
import { defaultMetadata } from "../../wire/metadata.ts";
import { filtersOf, grpcFailure } from "../routes/filters.ts";
import { grpcMatches, hostMatches } from "../routes/matches.ts";
import { grpcRetryOf, ruleTimeoutsOf } from "./annotations.ts";
import { destinationOf, NO_WEIGHT, only, split } from "./backends.ts";
import { type OutboundParent, routeMetadata } from "./parent.ts";

type RuleSpec = NonNullable<GRPCRoute["spec"]["rules"]>[number];

function grpcFilters(specs: readonly HttpRouteFilter[] | undefined): GrpcRoute_Filter[] {
  const result = filtersOf(specs, ["requestHeaderModifier"]);
  if ("failure" in result) return [{ kind: grpcFailure(result.failure) }];
  return result.filters.flatMap((kind) => kind.$case === "requestHeaderModifier" ? [{ kind }] : []);
}

/** The default route of an EgressNetwork with GRPCRoutes: everything to where it was going. */
export function defaultGrpcRoute(parent: OutboundParent, name: string): GrpcRoute {
  return { metadata: defaultMetadata(name), hosts: [], rules: [rule(parent, {}, {})!] };
}

/** Refuses every call with PERMISSION_DENIED. */
export function forbiddingGrpcRoute(name: string): GrpcRoute {
  return {
    metadata: defaultMetadata(name),
    hosts: [],
    rules: [{
      matches: [],
      filters: [{ kind: grpcFailure("traffic not allowed", Code.permissionDenied) }],
      backends: { kind: { $case: "empty", value: {} } },
      requestTimeout: undefined,
      timeouts: undefined,
      retry: undefined,
      allowL5dRequestHeaders: false,
    }],
  };
}

/** One that nothing can match has no rules. */
export function grpcRoute(parent: OutboundParent, route: RouteOf<"GRPCRoute">): GrpcRoute {
  const specs = route.object.spec.rules ?? [{}];
  const context = { ...parent, namespace: route.namespace };
  const rules = specs.flatMap((spec) => rule(context, route.annotations, spec) ?? []);
  return { metadata: routeMetadata(route), hosts: hostMatches(route.object.spec.hostnames), rules };
}

function rule(
  parent: OutboundParent,
  annotations: Readonly<Record<string, string>>,
  spec: RuleSpec,
): GrpcRoute_Rule | undefined {
  const matches = grpcMatches(spec.matches);
  if (matches === undefined) return undefined;
  const filters = grpcFilters(spec.filters);
  const timeouts = ruleTimeoutsOf(annotations, parent.annotations);
  const backends = backendsOf(parent, spec);
  if (backends === undefined) filters.unshift({ kind: grpcFailure(NO_WEIGHT) });
  return {
    matches,
    filters,
    backends: { kind: backends ?? { $case: "empty", value: {} } },
    requestTimeout: timeouts?.request,
    timeouts,
    retry: grpcRetryOf(annotations) ?? grpcRetryOf(parent.annotations),
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
      ? grpcFilters(reference.filters)
      : [{ kind: grpcFailure(failure.message) } satisfies GrpcRoute_Filter];
    return { backend: { backend, filters, requestTimeout: undefined }, weight };
  }));
}
