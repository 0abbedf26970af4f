/**
 * An informer of a kind that may not be installed: empty until its API is served, then like any other, and empty again
 * when its definition is removed.
 */
import { isNotFound, type KubeClient } from "../../kube/client.ts";
import { type Informer, type InformerHandler, startInformer } from "../../kube/informer.ts";
import type { KubernetesObject, ResourceKind } from "../../kube/resource.ts";
import type { ServedKinds } from "./served_kinds.ts";

export function startOptionalInformer<T extends KubernetesObject>(
  client: KubeClient,
  kind: ResourceKind<T>,
  served: ServedKinds,
): Informer<T> {
  return new OptionalInformer(client, kind, served);
}

class OptionalInformer<T extends KubernetesObject> implements Informer<T> {
  readonly synced: Promise<void>;
  readonly #client: KubeClient;
  readonly #kind: ResourceKind<T>;
  readonly #served: ServedKinds;
  readonly #handlers = new Map<InformerHandler<T>, () => void>();
  #inner: Informer<T> | undefined;

  constructor(client: KubeClient, kind: ResourceKind<T>, served: ServedKinds) {
    this.#client = client;
    this.#kind = kind;
    this.#served = served;
    served.signal.addEventListener("abort", () => this.stop(), { once: true });
    this.synced = this.#start();
  }

  /** Resolves with the first list, or with the word that the kind is not there. */
  async #start(): Promise<void> {
    if (!await this.#served.isServed(this.#kind)) {
      this.#served.whenServed(this.#kind, () => this.#follow());
      return;
    }
    await this.#follow();
  }

  /** Resolves with the first list, or when it turns out that there will be none. */
  #follow(): Promise<void> {
    const gone = Promise.withResolvers<void>();
    const inner: Informer<T> = startInformer(this.#client, this.#kind, {
      signal: this.#served.signal,
      onError: (error) => {
        if (isNotFound(error) && this.#inner === inner) {
          this.#forget(inner);
          gone.resolve();
        } else {
          console.error(`informer of ${this.#kind.plural}: ${error instanceof Error ? error.stack : error}`);
        }
      },
    });
    this.#inner = inner;
    for (const handler of this.#handlers.keys()) this.#handlers.set(handler, inner.subscribe(handler));
    return Promise.race([inner.synced, gone.promise]);
  }

  /** The definition is gone, and with it what it defined. */
  #forget(inner: Informer<T>): void {
    const gone = [...inner.list()];
    this.#inner = undefined;
    inner.stop();
    for (const object of gone) {
      for (const handler of [...this.#handlers.keys()]) handler.deleted?.(object);
    }
    this.#served.whenServed(this.#kind, () => this.#follow());
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.#inner?.get(namespace, name);
  }

  list(): Iterable<T> {
    return this.#inner?.list() ?? [];
  }

  subscribe(handler: InformerHandler<T>): () => void {
    this.#handlers.set(handler, this.#inner?.subscribe(handler) ?? (() => {}));
    return () => {
      this.#handlers.get(handler)?.();
      this.#handlers.delete(handler);
    };
  }

  staleness(): number {
    return this.#inner?.staleness() ?? 0;
  }

  stop(): void {
    this.#inner?.stop();
  }
}
