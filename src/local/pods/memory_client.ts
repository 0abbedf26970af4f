/**
 * A KubeClient over a map, for tests of the pod runner alone: objects, watches, graceful deletion of pods, tokens.
 * It checks nothing; the embedded API server has its own tests.
 */
import {
  type DeleteOptions,
  type KubeClient,
  KubeError,
  type PatchOptions,
  type WatchOptions,
} from "../../kube/client.ts";
import type { KubernetesList, KubernetesObject, ResourceKind, WatchEvent } from "../../kube/resource.ts";

type Listener = (event: WatchEvent<KubernetesObject>) => void;

export class MemoryClient implements KubeClient {
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly tokens: { account: string; audiences: string[] }[] = [];
  #version = 0;

  #key(kind: ResourceKind, name: string, namespace = ""): string {
    return `${kind.plural}/${namespace}/${name}`;
  }

  #store(kind: ResourceKind, object: KubernetesObject, type: WatchEvent<unknown>["type"]): void {
    const { name = "", namespace } = object.metadata ?? {};
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } };
    const key = this.#key(kind, name, namespace);
    if (type === "DELETED") this.#objects.delete(key);
    else this.#objects.set(key, stored);
    for (const listener of this.#listeners.get(kind.plural) ?? []) listener({ type, object: stored });
  }

  #find(kind: ResourceKind, name: string, namespace?: string): KubernetesObject {
    const object = this.#objects.get(this.#key(kind, name, namespace));
    if (object === undefined) throw new KubeError(404, "NotFound", `${kind.plural} "${name}" not found`);
    return object;
  }

  get<T extends KubernetesObject>(kind: ResourceKind<T>, name: string, namespace?: string): Promise<T> {
    return Promise.try(() => this.#find(kind, name, namespace) as T);
  }

  list<T extends KubernetesObject>(kind: ResourceKind<T>): Promise<KubernetesList<T>> {
    const items = [...this.#objects].filter(([key]) => key.startsWith(`${kind.plural}/`)).map(([, each]) =>
      each as T
    );
    return Promise.resolve({ items, metadata: { resourceVersion: String(this.#version) } });
  }

  async *watch<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    options: WatchOptions,
  ): AsyncIterable<WatchEvent<T>> {
    const queue: WatchEvent<T>[] = [];
    let wake = () => {};
    const listener: Listener = (event) => {
      queue.push(event as WatchEvent<T>);
      wake();
    };
    const listeners = this.#listeners.get(kind.plural) ?? new Set();
    this.#listeners.set(kind.plural, listeners.add(listener));
    options.signal?.addEventListener("abort", () => wake());
    while (!options.signal?.aborted) {
      while (queue.length > 0) yield queue.shift()!;
      await new Promise<void>((resolve) => wake = resolve);
    }
    listeners.delete(listener);
  }

  create<T extends KubernetesObject>(kind: ResourceKind<T>, object: T): Promise<T> {
    const created = { ...object, metadata: { uid: crypto.randomUUID(), ...object.metadata } };
    this.#store(kind, created, "ADDED");
    return Promise.resolve(created);
  }

  replace<T extends KubernetesObject>(kind: ResourceKind<T>, object: T): Promise<T> {
    this.#store(kind, object, "MODIFIED");
    return Promise.resolve(object);
  }

  /** Merge patches one level deep below metadata, spec and status, which is all the runner sends. */
  patch<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    name: string,
    namespace: string | undefined,
    body: unknown,
    _options: PatchOptions,
  ): Promise<T> {
    return Promise.try(() => {
      const object = this.#find(kind, name, namespace) as Record<string, unknown>;
      const merged: Record<string, unknown> = { ...object };
      for (const [key, value] of Object.entries(body as Record<string, unknown>)) {
        merged[key] = typeof value === "object" ? { ...object[key] as object, ...value } : value;
      }
      this.#store(kind, merged as KubernetesObject, "MODIFIED");
      return merged as T;
    });
  }

  delete(kind: ResourceKind, name: string, namespace?: string, options: DeleteOptions = {}): Promise<void> {
    return Promise.try(() => {
      const object = this.#find(kind, name, namespace);
      const grace = options.gracePeriodSeconds ?? 30;
      if (kind.plural !== "pods" || grace === 0) return this.#store(kind, object, "DELETED");
      const metadata = {
        ...object.metadata,
        deletionTimestamp: new Date().toISOString(),
        deletionGracePeriodSeconds: grace,
      };
      this.#store(kind, { ...object, metadata }, "MODIFIED");
    });
  }

  createSubresource<R>(
    kind: ResourceKind,
    name: string,
    namespace: string,
    subresource: string,
    body: unknown,
  ): Promise<R> {
    if (subresource === "binding") {
      const nodeName = (body as { target: { name: string } }).target.name;
      return this.patch(kind, name, namespace, { spec: { nodeName } }, { type: "merge" }) as Promise<R>;
    }
    const { audiences } = (body as { spec: { audiences: string[] } }).spec;
    this.tokens.push({ account: `${namespace}/${name}`, audiences });
    const expirationTimestamp = new Date(Date.now() + 3_600_000).toISOString();
    return Promise.resolve({ status: { token: `token-${this.tokens.length}`, expirationTimestamp } } as R);
  }

  raw(): Promise<Response> {
    return Promise.resolve(new Response(null, { status: 404 }));
  }
}
