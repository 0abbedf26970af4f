/**
 * A watched collection with indexes, readable from derived values: what is read is what is depended on.
 *
 * Objects may be turned into a smaller view on arrival; a change that leaves the view as it was (a pod's heartbeat, say)
 * then wakes nobody.
 */
import type { Informer } from "../../kube/informer.ts";
import type { KubernetesObject } from "../../kube/resource.ts";
import type { Graph } from "./graph.ts";

export interface CollectionOptions<T, V> {
  /** Unique within the graph. */
  name: string;
  view: (object: T) => V;
  /** Views that are the same wake nobody; without it every change counts. */
  isSame?: (before: V, after: V) => boolean;
  /** Index name → keys an object is found under. */
  indexes?: Readonly<Record<string, (view: V) => readonly string[]>>;
}

export function keyOf(namespace: string | undefined, name: string): string {
  return namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;
}

export class Collection<T extends KubernetesObject, V = T> {
  readonly #graph: Graph;
  readonly #options: CollectionOptions<T, V>;
  readonly #views = new Map<string, V>();
  readonly #indexes = new Map<string, Map<string, Set<string>>>();

  constructor(graph: Graph, informer: Informer<T>, options: CollectionOptions<T, V>) {
    this.#graph = graph;
    this.#options = options;
    for (const index of Object.keys(options.indexes ?? {})) this.#indexes.set(index, new Map());
    informer.subscribe({
      added: (object) => this.#put(object),
      modified: (object) => this.#put(object),
      deleted: (object) => this.#drop(object),
    });
  }

  get size(): number {
    return this.#views.size;
  }

  get(namespace: string | undefined, name: string): V | undefined {
    const key = keyOf(namespace, name);
    this.#graph.read(`${this.#options.name}/${key}`);
    return this.#views.get(key);
  }

  /** In the order of their keys, so that what is made of them does not depend on the order of events. */
  by(index: string, key: string): V[] {
    this.#graph.read(`${this.#options.name}#${index}=${key}`);
    const keys = this.#indexes.get(index)?.get(key);
    return keys === undefined ? [] : [...keys].sort().map((one) => this.#views.get(one)!);
  }

  all(): V[] {
    this.#graph.read(this.#options.name);
    return [...this.#views.keys()].sort().map((key) => this.#views.get(key)!);
  }

  /** Which objects there are, in no order: whoever reads this is not woken when one of them changes. */
  members(): { namespace: string; name: string }[] {
    this.#graph.read(`${this.#options.name}#members`);
    return [...this.#views.keys()].map((key) => {
      const slash = key.indexOf("/");
      return { namespace: key.slice(0, Math.max(0, slash)), name: key.slice(slash + 1) };
    });
  }

  #put(object: T): void {
    const key = keyOf(object.metadata?.namespace, object.metadata?.name ?? "");
    const before = this.#views.get(key);
    const after = this.#options.view(object);
    this.#views.set(key, after);
    if (before !== undefined && this.#options.isSame?.(before, after) === true) return;
    this.#reindex(key, before, after);
    this.#touch(key, before, after);
  }

  #drop(object: T): void {
    const key = keyOf(object.metadata?.namespace, object.metadata?.name ?? "");
    const before = this.#views.get(key);
    if (before === undefined) return;
    this.#views.delete(key);
    this.#reindex(key, before, undefined);
    this.#touch(key, before, undefined);
  }

  #reindex(key: string, before: V | undefined, after: V | undefined): void {
    for (const [name, keysOf] of Object.entries(this.#options.indexes ?? {})) {
      const index = this.#indexes.get(name)!;
      for (const entry of before === undefined ? [] : keysOf(before)) {
        const keys = index.get(entry);
        keys?.delete(key);
        if (keys?.size === 0) index.delete(entry);
      }
      for (const entry of after === undefined ? [] : keysOf(after)) {
        let keys = index.get(entry);
        if (keys === undefined) index.set(entry, keys = new Set());
        keys.add(key);
      }
    }
  }

  #touch(key: string, before: V | undefined, after: V | undefined): void {
    const { name, indexes } = this.#options;
    this.#graph.touch(name);
    this.#graph.touch(`${name}/${key}`);
    if (before === undefined || after === undefined) this.#graph.touch(`${name}#members`);
    for (const [index, keysOf] of Object.entries(indexes ?? {})) {
      for (const view of [before, after]) {
        if (view === undefined) continue;
        for (const entry of keysOf(view)) this.#graph.touch(`${name}#${index}=${entry}`);
      }
    }
  }
}
