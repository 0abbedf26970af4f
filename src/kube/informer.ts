/**
 * A local copy of a collection, kept current: list, then watch from there with bookmarks.
 *
 * A dropped watch is resumed where it ended; 410 Gone leads to a new list, which is compared with the copy, so that
 * nothing is deleted first and added again. Why not client-node's: it asks for no bookmarks, reconnects every 30 s of
 * silence and does not restart after an error.
 */
import { type KubeClient, KubeError, type ListOptions } from "./client.ts";
import type { KubernetesObject, ResourceKind } from "./resource.ts";

export interface InformerHandler<T> {
  added?(object: T): void;
  modified?(object: T, previous: T): void;
  deleted?(object: T): void;
}

/** Objects it hands out are shared: readers must not change them. */
export interface Informer<T> {
  /** Resolves once the first list is in the store. Never rejects: failures are retried and reported. */
  readonly synced: Promise<void>;
  get(namespace: string | undefined, name: string): T | undefined;
  list(): Iterable<T>;
  /** Called for every change, and for what is already there. Returns an unsubscribe function. */
  subscribe(handler: InformerHandler<T>): () => void;
  /** Milliseconds since the last list, event or bookmark. */
  staleness(): number;
  stop(): void;
}

export interface InformerOptions extends ListOptions {
  signal?: AbortSignal;
  /** Told of every failure; the informer goes on by itself. Default: one line on stderr. */
  onError?: (error: unknown) => void;
  /** Milliseconds to wait before the n-th attempt in a row (from 1). Default: jittered, 100 ms doubling to 10 s. */
  backoff?: (attempt: number) => number;
  now?: () => number;
}

const PAGE = 500;

function jittered(attempt: number): number {
  return Math.min(10_000, 100 * 2 ** (attempt - 1)) * (0.5 + Math.random());
}

function keyOf(object: KubernetesObject): string {
  const metadata = object.metadata!;
  return metadata.namespace === undefined ? metadata.name! : `${metadata.namespace}/${metadata.name}`;
}

class WatchingInformer<T extends KubernetesObject> implements Informer<T> {
  readonly synced: Promise<void>;
  readonly #client: KubeClient;
  readonly #kind: ResourceKind<T>;
  readonly #options: InformerOptions;
  readonly #store = new Map<string, T>();
  readonly #handlers = new Set<InformerHandler<T>>();
  readonly #stopped = new AbortController();
  readonly #now: () => number;
  #resolveSynced!: () => void;
  #lastHeard: number;

  constructor(client: KubeClient, kind: ResourceKind<T>, options: InformerOptions) {
    this.#client = client;
    this.#kind = kind;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#lastHeard = this.#now();
    this.synced = new Promise((resolve) => this.#resolveSynced = resolve);
    if (options.signal?.aborted) this.#stopped.abort();
    else options.signal?.addEventListener("abort", () => this.stop(), { once: true });
    this.#run();
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.#store.get(namespace === undefined || namespace === "" ? name : `${namespace}/${name}`);
  }

  list(): Iterable<T> {
    return this.#store.values();
  }

  subscribe(handler: InformerHandler<T>): () => void {
    this.#handlers.add(handler);
    if (handler.added !== undefined) {
      for (const object of [...this.#store.values()]) {
        this.#guard(() => handler.added!(object));
      }
    }
    return () => this.#handlers.delete(handler);
  }

  staleness(): number {
    return this.#now() - this.#lastHeard;
  }

  stop(): void {
    this.#stopped.abort();
    this.#handlers.clear();
  }

  async #run(): Promise<void> {
    const signal = this.#stopped.signal;
    let version: string | undefined;
    let attempt = 0;
    while (!signal.aborted) {
      try {
        version ??= await this.#relist();
        const before = version;
        for await (
          const event of this.#client.watch(this.#kind, {
            ...this.#selection(),
            resourceVersion: version,
            signal,
          })
        ) {
          if (signal.aborted) return;
          if (event.type === "ERROR") throw errorOf(event.object);
          this.#lastHeard = this.#now();
          attempt = 0;
          version = event.object.metadata?.resourceVersion ?? version;
          if (event.type !== "BOOKMARK") this.#apply(event.type, event.object);
        }
        // A server that ends watches at once without a word must not be asked in a tight loop.
        if (version === before) await this.#pause(++attempt);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof KubeError && error.status === 410) {
          version = undefined;
          if (attempt++ === 0) continue;
        } else {
          attempt++;
          this.#report(error);
        }
        await this.#pause(attempt);
      }
    }
  }

  #selection(): ListOptions {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
  }

  async #relist(): Promise<string> {
    const seen = new Map<string, T>();
    let next: string | undefined;
    let version = "";
    do {
      const page = await this.#client.list(this.#kind, {
        ...this.#selection(),
        limit: PAGE,
        ...(next === undefined ? {} : { continue: next }),
      });
      for (const item of page.items) seen.set(keyOf(item), item);
      next = page.metadata?.continue || undefined;
      version = page.metadata?.resourceVersion ?? "";
    } while (next !== undefined);
    if (this.#stopped.signal.aborted) return version;
    for (const item of seen.values()) this.#apply("MODIFIED", item);
    for (const [key, previous] of [...this.#store]) {
      if (!seen.has(key)) this.#apply("DELETED", previous);
    }
    this.#lastHeard = this.#now();
    this.#resolveSynced();
    return version;
  }

  #apply(type: "ADDED" | "MODIFIED" | "DELETED", object: T): void {
    const key = keyOf(object);
    const previous = this.#store.get(key);
    if (type === "DELETED") {
      if (previous === undefined) return;
      this.#store.delete(key);
      this.#emit((handler) => handler.deleted?.(object));
      return;
    }
    if (previous === undefined) {
      this.#store.set(key, object);
      this.#emit((handler) => handler.added?.(object));
      return;
    }
    const before = previous.metadata;
    const after = object.metadata;
    if (before?.resourceVersion === after?.resourceVersion && before?.uid === after?.uid) return;
    this.#store.set(key, object);
    if (before?.uid !== after?.uid) {
      // Deleted and created again under the same name while the watch was away: two objects, not one changed.
      this.#emit((handler) => handler.deleted?.(previous));
      this.#emit((handler) => handler.added?.(object));
    } else this.#emit((handler) => handler.modified?.(object, previous));
  }

  #emit(call: (handler: InformerHandler<T>) => void): void {
    for (const handler of [...this.#handlers]) this.#guard(() => call(handler));
  }

  /** One handler's failure must not end the watch for the others. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    if (this.#options.onError !== undefined) this.#options.onError(error);
    else console.error(`informer of ${this.#kind.plural}: ${error instanceof Error ? error.stack : error}`);
  }

  #pause(attempt: number): Promise<void> {
    const milliseconds = (this.#options.backoff ?? jittered)(attempt);
    const signal = this.#stopped.signal;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal.addEventListener("abort", done);
    });
  }
}

function errorOf(status: unknown): KubeError {
  const { code = 500 } = status as { code?: number };
  return KubeError.from(code, JSON.stringify(status));
}

/** Starts at once; await `synced` before relying on `get` and `list`. */
export function startInformer<T extends KubernetesObject>(
  client: KubeClient,
  kind: ResourceKind<T>,
  options: InformerOptions = {},
): Informer<T> {
  return new WatchingInformer(client, kind, options);
}
