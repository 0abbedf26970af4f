/**
 * The routes that a client's requests to a parent follow.
 *
 * A route in the parent's own namespace (a producer's) holds for every client; one in another namespace (a consumer's) for
 * clients of that namespace, where it comes first: the proxy takes the first of routes that match equally well.
 *
 * Source: Gateway API, GEP-1426 (mesh).
 */
import type { ClusterState } from "../../state/cluster_state.ts";
import { byAge } from "../../state/age.ts";
import {
  type Parent,
  parentKey,
  type ParentKind,
  type Route,
  type RouteKind,
  type RouteOf,
} from "../../state/routes.ts";

/** A parent's port. */
export interface ParentPort {
  readonly kind: ParentKind;
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** What a parent's section may call the port. */
  readonly portName: string | undefined;
}

/** Kinds of routes, the strongest first: where one is attached, those after it count for nothing. */
export const PRECEDENCE: readonly RouteKind[] = ["GRPCRoute", "HTTPRoute", "TLSRoute", "TCPRoute"];

/** All routes attached to a parent, of one kind or of every kind, in no order. */
export function routesOfParent(
  state: ClusterState,
  kind: ParentKind,
  namespace: string,
  name: string,
): Route[] {
  const key = parentKey(kind, namespace, name);
  return state.routes.flatMap(({ collection }) => collection.by("parent", key));
}

function isOf(parent: Parent, to: ParentPort): boolean {
  return parent.kind === to.kind && parent.namespace === to.namespace && parent.name === to.name &&
    (parent.port === undefined ? to.kind !== "EgressNetwork" : parent.port === to.port) &&
    (parent.section === undefined || parent.section === to.portName);
}

export type RoutesByKind = { readonly [K in RouteKind]: readonly RouteOf<K>[] };

/** The routes of a parent's port for clients of a namespace, each kind in the order of precedence. */
export function attachedRoutes(state: ClusterState, to: ParentPort, clientNamespace: string): RoutesByKind {
  const attached = routesOfParent(state, to.kind, to.namespace, to.name)
    .filter((route) => route.parents.some((parent) => isOf(parent, to)));
  const consumers = clientNamespace === to.namespace
    ? []
    : attached.filter((route) => route.namespace === clientNamespace);
  const producers = attached.filter((route) => route.namespace === to.namespace);
  const age = (one: Route, other: Route) => byAge(one.object, other.object);
  const ordered = [...consumers.sort(age), ...producers.sort(age)];
  const of = <K extends RouteKind>(kind: K) =>
    ordered.filter((route): route is Extract<Route, RouteOf<K>> => route.kind === kind);
  return {
    GRPCRoute: of("GRPCRoute"),
    HTTPRoute: of("HTTPRoute"),
    TLSRoute: of("TLSRoute"),
    TCPRoute: of("TCPRoute"),
  };
}

/** Whether clients of this namespace see other routes than everybody. */
export function hasConsumerRoutes(
  state: ClusterState,
  to: { readonly kind: ParentKind; readonly namespace: string; readonly name: string },
  clientNamespace: string,
): boolean {
  return clientNamespace !== to.namespace &&
    routesOfParent(state, to.kind, to.namespace, to.name).some((route) =>
      route.namespace === clientNamespace
    );
}
