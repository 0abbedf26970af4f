/** Routes of either API group as the control plane keeps them: with the parents that are the mesh's to serve. */
import type { GRPCRoute, HTTPRoute, ParentReference, TCPRoute, TLSRoute } from "../../kube/kinds.ts";
import { GATEWAY_GROUP, POLICY_GROUP } from "../../kube/kinds.ts";
import type { ResourceKind } from "../../kube/resource.ts";

interface RouteObjects {
  HTTPRoute: HTTPRoute;
  GRPCRoute: GRPCRoute;
  TLSRoute: TLSRoute;
  TCPRoute: TCPRoute;
}

export type RouteKind = keyof RouteObjects;

export interface RouteOf<K extends RouteKind> {
  readonly kind: K;
  readonly resource: ResourceKind<RouteObjects[K]>;
  readonly namespace: string;
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly object: RouteObjects[K];
  readonly parents: readonly Parent[];
}

export type Route = { [K in RouteKind]: RouteOf<K> }[RouteKind];

/** The routes of one resource, for those who need routes of every kind. */
export interface RouteCollection {
  readonly resource: ResourceKind;
  readonly collection: {
    members(): readonly { namespace: string; name: string }[];
    get(namespace: string | undefined, name: string): Route | undefined;
    by(index: "parent", key: string): readonly Route[];
  };
}

export type ParentKind = "Service" | "Server" | "EgressNetwork";

/** A parent of a kind the mesh serves; others (Gateways) belong to other controllers. */
export interface Parent {
  readonly kind: ParentKind;
  readonly namespace: string;
  readonly name: string;
  /** Undefined: every port. */
  readonly port: number | undefined;
  readonly section: string | undefined;
  /** As it is written, for the status. */
  readonly reference: ParentReference;
}

/** The index entry of what routes are attached to. */
export function parentKey(kind: ParentKind, namespace: string, name: string): string {
  return `${kind} ${namespace}/${name}`;
}

export function parentKeysOf(route: { parents: readonly Parent[] }): string[] {
  return [...new Set(route.parents.map((parent) => parentKey(parent.kind, parent.namespace, parent.name)))];
}

/** `core` is how some write the group of Services. */
export function isCoreGroup(group: string | undefined): boolean {
  return group === undefined || group === "" || group === "core";
}

function parentKind(group: string, kind: string): ParentKind | undefined {
  if (kind === "Service" && isCoreGroup(group)) return "Service";
  if (group !== POLICY_GROUP) return undefined;
  return kind === "Server" || kind === "EgressNetwork" ? kind : undefined;
}

function parentsOf(references: readonly ParentReference[], group: string, namespace: string): Parent[] {
  return references.flatMap((reference) => {
    const kind = parentKind(reference.group ?? group, reference.kind ?? "Gateway");
    if (kind === undefined) return [];
    return [{
      kind,
      namespace: reference.namespace ?? namespace,
      name: reference.name,
      port: reference.port,
      section: reference.sectionName,
      reference,
    }];
  });
}

/** How a watched object becomes a route. The group decides what a parent without a group means. */
export function routeView<K extends RouteKind>(kind: K, resource: ResourceKind<RouteObjects[K]>) {
  const group = resource.group === GATEWAY_GROUP ? GATEWAY_GROUP : POLICY_GROUP;
  return (object: RouteObjects[K]): RouteOf<K> => {
    const { namespace = "", name = "", annotations = {} } = object.metadata ?? {};
    const parents = parentsOf(object.spec.parentRefs ?? [], group, namespace);
    return { kind, resource, namespace, name, annotations, object, parents };
  };
}
