/**
 * What every Kubernetes object has, and what a path to one is made from.
 *
 * The types of the built-in kinds come from the npm package `kubernetes-types` (types only, nothing at run time);
 * @kubernetes/client-node would bring 113 MB and a third of a second of start-up for the same.
 */
import type { ListMeta, ObjectMeta } from "kubernetes-types/meta/v1.d.ts";

export type { LabelSelector, ListMeta, ObjectMeta, OwnerReference } from "kubernetes-types/meta/v1.d.ts";

/** Anything the API stores. */
export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata?: ObjectMeta;
}

/** A list of objects as `GET` on a collection answers it. */
export interface KubernetesList<T extends KubernetesObject> {
  apiVersion?: string;
  kind?: string;
  metadata?: ListMeta;
  items: T[];
}

/** One line of a watch. `object` of an ERROR is a Status; of a BOOKMARK only `metadata.resourceVersion` counts. */
export interface WatchEvent<T> {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: T;
}

/** A kind of resource as the API serves it: what a path is made from. */
export interface ResourceKind<T extends KubernetesObject = KubernetesObject> {
  /** `""` for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
  /** Never set: carries the type. */
  readonly _type?: T;
}

/** `v1`, `apps/v1`: what stands in an object's `apiVersion`. */
export function apiVersionOf(kind: Pick<ResourceKind, "group" | "version">): string {
  return kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
}

/**
 * The path of a collection, an object, or a subresource.
 *
 * @param namespace left out for cluster-scoped kinds and for a list over all namespaces
 */
export function resourcePath(
  kind: ResourceKind,
  namespace: string | undefined,
  name?: string,
  subresource?: string,
): string {
  let path = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  if (kind.isNamespaced && namespace !== undefined && namespace !== "") {
    path += `/namespaces/${encodeURIComponent(namespace)}`;
  }
  path += `/${kind.plural}`;
  if (name !== undefined) path += `/${encodeURIComponent(name)}`;
  if (subresource !== undefined) path += `/${subresource}`;
  return path;
}

/** Makes the description of a kind, with its type attached. */
export function defineKind<T extends KubernetesObject>(
  group: string,
  version: string,
  plural: string,
  kind: string,
  scope: "Namespaced" | "Cluster" = "Namespaced",
): ResourceKind<T> {
  return { group, version, plural, kind, isNamespaced: scope === "Namespaced" };
}
