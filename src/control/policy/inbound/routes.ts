/**
 * Routes attached to a Server, with what is granted to each.
 *
 * Only routes of the Server's own namespace are: one from elsewhere, with a policy beside it, could let clients in that
 * the owner of the Server never admitted. A parent that names a port or a section is not a Server's.
 */
import type {
  GrpcRoute,
  GrpcRoute_Filter,
  HttpRoute,
  HttpRoute_Filter,
} from "../../../../proto/gen/inbound.ts";
import type { HttpRouteFilter, Server } from "../../../kube/kinds.ts";
import { byAge } from "../../state/age.ts";
import type { ClusterState } from "../../state/cluster_state.ts";
import { type Parent, parentKey, type Route, type RouteOf } from "../../state/routes.ts";
import { resourceMetadata } from "../../wire/metadata.ts";
import type { PolicyConfig } from "../config.ts";
import { filtersOf, grpcFailure, httpFailure } from "../routes/filters.ts";
import { grpcMatches, hostMatches, httpMatches } from "../routes/matches.ts";
import { routeAuthorizationsOf } from "./authorizations.ts";

/** Whether a route may be attached to the Server that this parent names. */
export function isServerParent(route: { readonly namespace: string }, parent: Parent): boolean {
  return parent.kind === "Server" && parent.namespace === route.namespace && parent.port === undefined &&
    parent.section === undefined;
}

/** Undefined when none is attached. */
function attached<R extends Route>(routes: R[], server: Server): R[] | undefined {
  const found = routes.filter((route) =>
    route.parents.some((parent) => parent.name === server.metadata?.name && isServerParent(route, parent))
  );
  return found.length === 0 ? undefined : found.sort((one, other) => byAge(one.object, other.object));
}

function keyOf({ metadata }: Server): string {
  return parentKey("Server", metadata?.namespace ?? "", metadata?.name ?? "");
}

function metadataOf({ resource, kind, name, namespace }: Route) {
  return resourceMetadata({ group: resource.group, kind, name, namespace });
}

function httpFilters(specs: readonly HttpRouteFilter[] | undefined): HttpRoute_Filter[] {
  const result = filtersOf(specs, ["requestHeaderModifier", "redirect"]);
  if ("failure" in result) return [{ kind: httpFailure(result.failure) }];
  return result.filters.flatMap((kind) => kind.$case === "responseHeaderModifier" ? [] : [{ kind }]);
}

function grpcFilters(specs: readonly HttpRouteFilter[] | undefined): GrpcRoute_Filter[] {
  const result = filtersOf(specs, ["requestHeaderModifier"]);
  if ("failure" in result) return [{ kind: grpcFailure(result.failure) }];
  return result.filters.flatMap((kind) => kind.$case === "requestHeaderModifier" ? [{ kind }] : []);
}

/**
 * The rules of a route. One that no definition would have admitted has none: it matches nothing, and is there all the same,
 * since a Server without routes takes every request for one.
 */
function rulesOf<Spec, Rule>(
  { kind, namespace, name, object }: {
    kind: string;
    namespace: string;
    name: string;
    object: WithRules<Spec>;
  },
  make: (spec: Spec) => Rule[],
): Rule[] {
  try {
    return (object.spec.rules ?? [{} as Spec]).flatMap(make);
  } catch (error) {
    console.error(
      `${kind} ${namespace}/${name} matches nothing: ${error instanceof Error ? error.stack : error}`,
    );
    return [];
  }
}

interface WithRules<Spec> {
  readonly spec: { readonly rules?: readonly Spec[] };
}

/** Undefined when none is attached: then everything is one route. */
export function serverHttpRoutes(
  server: Server,
  state: ClusterState,
  config: PolicyConfig,
): HttpRoute[] | undefined {
  const key = keyOf(server);
  const routes = [...state.httpRoutes.by("parent", key), ...state.gatewayHttpRoutes.by("parent", key)];
  return attached<RouteOf<"HTTPRoute">>(routes, server)?.map((route) => ({
    metadata: metadataOf(route),
    hosts: hostMatches(route.object.spec.hostnames),
    authorizations: routeAuthorizationsOf(route, state, config),
    rules: rulesOf(route, (rule) => {
      const matches = httpMatches(rule.matches);
      return matches === undefined ? [] : [{ matches, filters: httpFilters(rule.filters) }];
    }),
  }));
}

/** As `serverHttpRoutes`, for Servers of gRPC. */
export function serverGrpcRoutes(
  server: Server,
  state: ClusterState,
  config: PolicyConfig,
): GrpcRoute[] | undefined {
  const routes = state.grpcRoutes.by("parent", keyOf(server));
  return attached<RouteOf<"GRPCRoute">>(routes, server)?.map((route) => ({
    metadata: metadataOf(route),
    hosts: hostMatches(route.object.spec.hostnames),
    authorizations: routeAuthorizationsOf(route, state, config),
    rules: rulesOf(route, (rule) => {
      const matches = grpcMatches(rule.matches);
      return matches === undefined ? [] : [{ matches, filters: grpcFilters(rule.filters) }];
    }),
  }));
}
