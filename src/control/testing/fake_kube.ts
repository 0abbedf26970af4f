/** A Kubernetes API in memory: lists, watches and stores what a test puts there. For tests only. */
import type { KubeClient, ListOptions, PatchOptions, WatchOptions } from "../../kube/client.ts";
import { KubeError } from "../../kube/client.ts";
import { apiVersionOf } from "../../kube/resource.ts";
import type { KubernetesList, KubernetesObject, ResourceKind, WatchEvent } from "../../kube/resource.ts";

/** What discovery names, in whichever group it is asked for. */
const SERVED = [
  "servers",
  "serverauthorizations",
  "authorizationpolicies",
  "meshtlsauthentications",
  "networkauthentications",
  "httplocalratelimitpolicies",
  "egressnetworks",
  "httproutes",
  "grpcroutes",
  "tlsroutes",
  "tcproutes",
  "serviceprofiles",
  "externalworkloads",
];

export interface FakePatch {
  readonly plural: string;
  readonly name: string;
  readonly body: unknown;
  readonly options: PatchOptions | undefined;
}

type Answer = (object: KubernetesObject) => KubernetesObject;

export class FakeKube implements KubeClient {
  readonly #objects = new Map<string, Map<string, KubernetesObject>>();
  readonly #watchers = new Map<string, Set<(event: WatchEvent<KubernetesObject>) => void>>();
  readonly #virtual = new Map<string, Answer>();
  /** Group versions that are not served. */
  readonly missing = new Set<string>();
  /** Told of every patch; what it throws is the answer. */
  beforePatch: (patch: FakePatch) => void = () => {};
  #version = 1;

  /** Answers `create` of a virtual kind, such as TokenReview. */
  answer<T extends KubernetesObject>(kind: ResourceKind<T>, answer: (object: T) => T): void {
    this.#virtual.set(kind.plural, answer as unknown as Answer);
  }

  /** Creates or replaces. */
  put<T extends KubernetesObject>(kind: ResourceKind<T>, object: T): T {
    const store = this.#store(kind);
    const key = keyOf(object);
    const stored = {
      apiVersion: apiVersionOf(kind),
      kind: kind.kind,
      ...object,
      metadata: {
        uid: store.get(key)?.metadata?.uid ?? crypto.randomUUID(),
        creationTimestamp: "2026-01-01T00:00:00Z",
        ...object.metadata,
        resourceVersion: String(++this.#version),
      },
    };
    const type = store.has(key) ? "MODIFIED" : "ADDED";
    store.set(key, stored);
    this.#tell(kind, { type, object: stored });
    return stored as T;
  }

  remove(kind: ResourceKind<KubernetesObject>, name: string, namespace?: string): void {
    const store = this.#store(kind);
    const key = namespace === undefined ? name : `${namespace}/${name}`;
    const object = store.get(key);
    if (object === undefined) throw new KubeError(404, "NotFound", `${kind.plural} "${name}" not found`);
    store.delete(key);
    this.#version++;
    this.#tell(kind, { type: "DELETED", object });
  }

  /** Removes a kind with its objects; those who watch it hear only that it is not there any more. */
  uninstall(kind: ResourceKind<KubernetesObject>): void {
    this.missing.add(apiVersionOf(kind));
    this.#store(kind).clear();
    const status = { code: 404, reason: "NotFound", kind: "Status" } as unknown as KubernetesObject;
    this.#tell(kind, { type: "ERROR", object: { metadata: {}, ...status } });
  }

  all<T extends KubernetesObject>(kind: ResourceKind<T>): T[] {
    return [...this.#store(kind).values()] as T[];
  }

  get<T extends KubernetesObject>(kind: ResourceKind<T>, name: string, namespace?: string): Promise<T> {
    const object = this.#store(kind).get(namespace === undefined ? name : `${namespace}/${name}`);
    return object === undefined
      ? Promise.reject(new KubeError(404, "NotFound", `${kind.plural} "${name}" not found`))
      : Promise.resolve(object as T);
  }

  list<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    options: ListOptions = {},
  ): Promise<KubernetesList<T>> {
    if (this.missing.has(apiVersionOf(kind))) {
      return Promise.reject(new KubeError(404, "NotFound", "not served"));
    }
    const items = this.all(kind).filter((item) =>
      options.namespace === undefined || item.metadata?.namespace === options.namespace
    );
    return Promise.resolve({ items, metadata: { resourceVersion: String(this.#version) } });
  }

  async *watch<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    options: WatchOptions,
  ): AsyncIterable<WatchEvent<T>> {
    const queue: WatchEvent<T>[] = [];
    let wake = () => {};
    const from = Number(options.resourceVersion ?? 0);
    for (const item of this.all(kind)) {
      if (Number(item.metadata?.resourceVersion) > from) queue.push({ type: "MODIFIED", object: item });
    }
    const listener = (event: WatchEvent<KubernetesObject>) => {
      if (options.namespace !== undefined && event.object.metadata?.namespace !== options.namespace) return;
      queue.push(event as WatchEvent<T>);
      wake();
    };
    const listeners = this.#listeners(kind);
    listeners.add(listener);
    options.signal?.addEventListener("abort", () => wake());
    try {
      while (options.signal?.aborted !== true) {
        const event = queue.shift();
        if (event !== undefined) yield event;
        else await new Promise<void>((resolve) => wake = resolve);
      }
    } finally {
      listeners.delete(listener);
    }
  }

  create<T extends KubernetesObject>(kind: ResourceKind<T>, object: T, namespace?: string): Promise<T> {
    const virtual = this.#virtual.get(kind.plural);
    if (virtual !== undefined) {
      try {
        return Promise.resolve(virtual(object) as T);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    const metadata = { ...object.metadata };
    metadata.name ??= `${metadata.generateName ?? ""}${++this.#version}`;
    if (namespace !== undefined) metadata.namespace = namespace;
    if (this.#store(kind).has(keyOf({ metadata }))) {
      return Promise.reject(new KubeError(409, "AlreadyExists", `${kind.plural} "${metadata.name}" exists`));
    }
    return Promise.resolve(this.put(kind, { ...object, metadata }));
  }

  replace<T extends KubernetesObject>(kind: ResourceKind<T>, object: T): Promise<T> {
    return Promise.resolve(this.put(kind, object));
  }

  /** Merge patches and JSON patches with whole-value `replace` and `add`, which is what the control plane sends. */
  async patch<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    name: string,
    namespace: string | undefined,
    body: unknown,
    options?: PatchOptions,
  ): Promise<T> {
    await Promise.resolve();
    this.beforePatch({ plural: kind.plural, name, body, options });
    const current = this.#store(kind).get(namespace === undefined ? name : `${namespace}/${name}`);
    if (current === undefined) throw new KubeError(404, "NotFound", `${kind.plural} "${name}" not found`);
    const object = structuredClone(current) as T;
    const version = (body as KubernetesObject).metadata?.resourceVersion;
    if (version !== undefined && version !== object.metadata?.resourceVersion) {
      throw new KubeError(409, "Conflict", `${kind.plural} "${name}" has been modified`);
    }
    if (Array.isArray(body)) {
      for (const { path, value } of body as { path: string; value: unknown }[]) {
        const steps = path.split("/").slice(1);
        const last = steps.pop()!;
        let at = object as unknown as Record<string, unknown>;
        for (const step of steps) at = at[step] as Record<string, unknown>;
        at[last] = value;
      }
    } else merge(object as unknown as Record<string, unknown>, body as Record<string, unknown>);
    return this.put(kind, object);
  }

  delete(kind: ResourceKind<KubernetesObject>, name: string, namespace?: string): Promise<void> {
    this.remove(kind, name, namespace);
    return Promise.resolve();
  }

  createSubresource<R>(): Promise<R> {
    return Promise.reject(new Error("not part of the fake"));
  }

  /** Discovery of a group version: 404 for those in `missing`. */
  raw(_method: string, path: string): Promise<Response> {
    const isMissing = [...this.missing].some((groupVersion) => path.includes(groupVersion));
    return Promise.resolve(
      isMissing
        ? new Response("{}", { status: 404 })
        : Response.json({ kind: "APIResourceList", resources: SERVED.map((name) => ({ name })) }),
    );
  }

  #store(kind: ResourceKind<KubernetesObject>): Map<string, KubernetesObject> {
    const key = `${kind.group}/${kind.plural}`;
    let store = this.#objects.get(key);
    if (store === undefined) this.#objects.set(key, store = new Map());
    return store;
  }

  #listeners(kind: ResourceKind<KubernetesObject>) {
    const key = `${kind.group}/${kind.plural}`;
    let listeners = this.#watchers.get(key);
    if (listeners === undefined) this.#watchers.set(key, listeners = new Set());
    return listeners;
  }

  #tell(kind: ResourceKind<KubernetesObject>, event: WatchEvent<KubernetesObject>): void {
    for (const listener of this.#listeners(kind)) listener(event);
  }
}

function keyOf(object: KubernetesObject): string {
  const { name, namespace } = object.metadata!;
  return namespace === undefined ? name! : `${namespace}/${name}`;
}

function merge(target: Record<string, unknown>, patch: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete target[key];
    else if (typeof value === "object" && !Array.isArray(value) && typeof target[key] === "object") {
      merge(target[key] as Record<string, unknown>, value as Record<string, unknown>);
    } else target[key] = value;
  }
}
