/**
 * The objects of one cluster in memory: a map per resource, one version counter for all, and the last changes of each
 * resource, so that a watch can be resumed where it ended.
 *
 * Objects are never changed once stored, so readers share them. Everything here is synchronous: between a read and
 * the write that depends on it nothing else can happen unless the caller awaits.
 */
import { KubeError } from "../../../kube/client.ts";
import { expired } from "../errors.ts";
import type { StoredObject } from "../object.ts";

/** A change of one object; `previous` is missing on ADDED, `object` of DELETED is its last state. */
export interface StoreEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly version: number;
  /** group/plural. */
  readonly resource: string;
  readonly key: string;
  readonly object: StoredObject;
  readonly previous?: StoredObject;
}

export type StoreListener = (event: StoreEvent) => void;

interface Collection {
  objects: Map<string, StoredObject>;
  /** Keys in order, made anew after an addition or deletion. */
  sorted: string[] | undefined;
  /** Oldest first; bounded. */
  history: StoreEvent[];
  /** Version of the newest change no longer in `history`. */
  forgotten: number;
  listeners: Set<StoreListener>;
}

/** Changes remembered per resource. */
const HISTORY = 1024;

/** `namespace/name`, or the name alone for what lives in no namespace. */
export function keyOf(namespace: string | undefined, name: string): string {
  return namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;
}

export class Store {
  readonly #collections = new Map<string, Collection>();
  readonly #listeners = new Set<StoreListener>();
  readonly #history: number;
  #version = 1;

  constructor(history: number = HISTORY) {
    this.#history = history;
  }

  /** The newest version given out. */
  get version(): number {
    return this.#version;
  }

  get(resource: string, key: string): StoredObject | undefined {
    return this.#collections.get(resource)?.objects.get(key);
  }

  count(resource: string): number {
    return this.#collections.get(resource)?.objects.size ?? 0;
  }

  /** In the order of their keys; `namespace` left out: all. */
  list(resource: string, namespace?: string): StoredObject[] {
    const collection = this.#collections.get(resource);
    if (collection === undefined) return [];
    collection.sorted ??= [...collection.objects.keys()].sort();
    const objects: StoredObject[] = [];
    for (const key of collection.sorted) {
      const object = collection.objects.get(key)!;
      if (namespace === undefined || object.metadata.namespace === namespace) objects.push(object);
    }
    return objects;
  }

  /**
   * Stores an object under a new version.
   *
   * @param expected the state the caller has read: `undefined` for "must not exist"
   * @returns the stored object, or undefined if the key now holds another state than `expected`
   */
  put(
    resource: string,
    key: string,
    object: StoredObject,
    expected: StoredObject | undefined,
  ): StoredObject | undefined {
    const collection = this.#collection(resource);
    const current = collection.objects.get(key);
    if (current !== expected) return undefined;
    const version = ++this.#version;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    collection.objects.set(key, stored);
    if (current === undefined) collection.sorted = undefined;
    this.#publish(
      collection,
      current === undefined
        ? { type: "ADDED", version, resource, key, object: stored }
        : { type: "MODIFIED", version, resource, key, object: stored, previous: current },
    );
    return stored;
  }

  /** Removes; the event carries `last` (the final state) under the version of the deletion. */
  remove(resource: string, key: string, expected: StoredObject, last: StoredObject = expected): boolean {
    const collection = this.#collection(resource);
    if (collection.objects.get(key) !== expected) return false;
    collection.objects.delete(key);
    collection.sorted = undefined;
    const version = ++this.#version;
    const object = { ...last, metadata: { ...last.metadata, resourceVersion: String(version) } };
    this.#publish(collection, { type: "DELETED", version, resource, key, object, previous: expected });
    return true;
  }

  /** Forgets a whole resource (its definition is gone), telling its watchers. */
  removeResource(resource: string): void {
    const collection = this.#collections.get(resource);
    if (collection === undefined) return;
    for (const [key, object] of [...collection.objects]) this.remove(resource, key, object);
  }

  /** Every change of every resource, from now on; called before the write returns. */
  listen(listener: StoreListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Changes of one resource from now on. */
  listenTo(resource: string, listener: StoreListener): () => void {
    const { listeners } = this.#collection(resource);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /**
   * Changes of a resource after `version`, oldest first.
   *
   * @throws KubeError 410 Expired when some are no longer remembered, 504 when `version` is in the future
   */
  since(resource: string, version: number): readonly StoreEvent[] {
    const collection = this.#collection(resource);
    if (version < collection.forgotten) throw expired(version, collection.forgotten);
    if (version > this.#version) {
      throw new KubeError(
        504,
        "Timeout",
        `Too large resource version: ${version}, current: ${this.#version}`,
        {
          causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
          retryAfterSeconds: 1,
        },
      );
    }
    const { history } = collection;
    let from = history.length;
    while (from > 0 && history[from - 1]!.version > version) from--;
    return history.slice(from);
  }

  #collection(resource: string): Collection {
    let collection = this.#collections.get(resource);
    if (collection === undefined) {
      collection = {
        objects: new Map(),
        sorted: undefined,
        history: [],
        forgotten: 0,
        listeners: new Set(),
      };
      this.#collections.set(resource, collection);
    }
    return collection;
  }

  #publish(collection: Collection, event: StoreEvent): void {
    collection.history.push(event);
    if (collection.history.length > 2 * this.#history) {
      // Twice the bound is let pass so that the cut costs little per change.
      const cut = collection.history.splice(0, collection.history.length - this.#history);
      collection.forgotten = cut.at(-1)!.version;
    }
    for (const listener of [...this.#listeners]) listener(event);
    for (const listener of [...collection.listeners]) listener(event);
  }
}
