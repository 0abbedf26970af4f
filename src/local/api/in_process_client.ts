/**
 * A KubeClient in the API server's own process: the same verbs without HTTP, as one user.
 *
 * Objects it gives are the caller's to change, like those that came over HTTP.
 */
import type {
  DeleteOptions,
  KubeClient,
  ListOptions,
  PatchOptions,
  RawInit,
  WatchOptions,
} from "../../kube/client.ts";
import { KubeError } from "../../kube/client.ts";
import type { KubernetesList, KubernetesObject, ResourceKind, WatchEvent } from "../../kube/resource.ts";
import { apiVersionOf } from "../../kube/resource.ts";
import type { Api } from "./api.ts";
import { cloneJson, type StoredObject } from "./object.ts";
import type { ResourceDefinition } from "./registry/definition.ts";
import { deleteObject } from "./verbs/delete.ts";
import { patchObject } from "./verbs/patch.ts";
import { getObject, listObjects } from "./verbs/read.ts";
import type { UserInfo, WriteContext } from "./verbs/state.ts";
import { updateObject } from "./verbs/write.ts";

export interface InProcessOptions {
  user: UserInfo;
  /** Owner of the fields it writes. */
  fieldManager: string;
  /** Answers `raw`. */
  handle: (request: Request, user: UserInfo) => Promise<Response>;
}

export class InProcessClient implements KubeClient {
  readonly #api: Api;
  readonly #options: InProcessOptions;

  constructor(api: Api, options: InProcessOptions) {
    this.#api = api;
    this.#options = options;
  }

  #definition(kind: ResourceKind): ResourceDefinition {
    return this.#api.find(kind.group, kind.version, kind.plural);
  }

  #context(fieldManager: string = this.#options.fieldManager): WriteContext {
    return { user: this.#options.user, fieldManager, isDryRun: false, validation: "Warn", warnings: [] };
  }

  // deno-lint-ignore require-await -- a refusal must reject, never throw
  async get<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    name: string,
    namespace?: string,
  ): Promise<T> {
    return copy<T>(getObject(this.#api.state, this.#definition(kind), namespace, name));
  }

  // deno-lint-ignore require-await -- a refusal must reject, never throw
  async list<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    options: ListOptions = {},
  ): Promise<KubernetesList<T>> {
    const definition = this.#definition(kind);
    const result = listObjects(this.#api.state, definition, scope(kind, options.namespace), options);
    return {
      apiVersion: apiVersionOf(kind),
      kind: definition.listKind,
      metadata: {
        resourceVersion: result.resourceVersion,
        ...(result.continue === undefined ? {} : { continue: result.continue }),
        ...(result.remaining === undefined ? {} : { remainingItemCount: result.remaining }),
      },
      items: result.items.map((item) => copy<T>(item)),
    };
  }

  async *watch<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const { signal } = options;
    if (signal?.aborted) return;
    const watch = this.#api.watches.open(
      this.#api.state,
      this.#definition(kind),
      scope(kind, options.namespace),
      { ...options, allowsBookmarks: true },
    );
    const close = () => watch.close();
    signal?.addEventListener("abort", close);
    try {
      while (true) {
        const events = await watch.next();
        if (signal?.aborted || events.length === 0) return;
        for (const { type, object } of events) yield { type, object: copy<T>(object) };
      }
    } finally {
      signal?.removeEventListener("abort", close);
      watch.close();
    }
  }

  async create<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    object: T,
    namespace: string | undefined = object.metadata?.namespace,
  ): Promise<T> {
    const definition = this.#definition(kind);
    return copy<T>(await this.#api.create(this.#context(), definition, scope(kind, namespace), object));
  }

  async replace<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    object: T,
    subresource?: "status" | "scale",
  ): Promise<T> {
    const { name, namespace } = object.metadata ?? {};
    if (name === undefined) throw new KubeError(400, "BadRequest", "metadata.name is required to replace");
    const target = { definition: this.#definition(kind), namespace: scope(kind, namespace), name };
    if (subresource !== undefined) {
      return copy<T>(await this.#api.replaceSubresource(this.#context(), target, subresource, object));
    }
    return copy<T>(
      await updateObject(
        this.#api.state,
        this.#context(),
        { ...target, needsVersion: true },
        () => ({ body: object }),
      ),
    );
  }

  async patch<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    name: string,
    namespace: string | undefined,
    body: unknown,
    options: PatchOptions,
  ): Promise<T> {
    const { type, subresource, force = false } = options;
    const context = this.#context(
      options.fieldManager ?? (type === "apply" ? "" : this.#options.fieldManager),
    );
    const target = { definition: this.#definition(kind), namespace: scope(kind, namespace), name };
    if (subresource === "scale") return copy<T>(await this.#api.patchScale(context, target, type, body));
    const full = subresource === undefined ? target : { ...target, subresource };
    return copy<T>(await patchObject(this.#api.state, context, full, type, body, force));
  }

  async delete(
    kind: ResourceKind,
    name: string,
    namespace?: string,
    options: DeleteOptions = {},
  ): Promise<void> {
    await deleteObject(
      this.#api.state,
      this.#context(),
      this.#definition(kind),
      scope(kind, namespace),
      name,
      options,
    );
  }

  async createSubresource<R>(
    kind: ResourceKind,
    name: string,
    namespace: string,
    subresource: string,
    body: unknown,
  ): Promise<R> {
    const target = { definition: this.#definition(kind), namespace, name };
    return await this.#api.createSubresource(this.#context(), target, subresource, body) as R;
  }

  async raw(method: string, path: string, init: RawInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has("accept")) headers.set("accept", "application/json");
    const isPlain = typeof init.body === "string" || init.body instanceof Uint8Array;
    const body = init.body === undefined ? null : isPlain ? init.body as BodyInit : JSON.stringify(init.body);
    if (body !== null && !headers.has("content-type")) headers.set("content-type", "application/json");
    const request = new Request(`http://kubernetes.default.svc${path}`, {
      method,
      headers,
      body,
      ...(init.signal === undefined ? {} : { signal: init.signal }),
    });
    return await this.#options.handle(request, this.#options.user);
  }
}

function scope(kind: ResourceKind, namespace: string | undefined): string | undefined {
  return kind.isNamespaced && namespace !== "" ? namespace : undefined;
}

function copy<T>(object: StoredObject | Record<string, unknown>): T {
  return cloneJson(object) as unknown as T;
}
