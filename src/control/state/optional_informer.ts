/**
 * An informer of a kind that may not be installed: empty until its API exists, then like any other.
 *
 * Asked for is the API group's version, every `retryMs`, since CRDs may be installed at any time after the control plane.
 */
import type { KubeClient } from "../../kube/client.ts";
import { type Informer, type InformerHandler, startInformer } from "../../kube/informer.ts";
import { apiVersionOf, type KubernetesObject, type ResourceKind } from "../../kube/resource.ts";

interface ResourceList {
  resources?: { name: string }[];
}

async function isServed(client: KubeClient, kind: ResourceKind<KubernetesObject>): Promise<boolean> {
  const response = await client.raw("GET", `/apis/${apiVersionOf(kind)}`);
  if (response.status === 404) {
    await response.body?.cancel();
    return false;
  }
  if (!response.ok) throw new Error(`${apiVersionOf(kind)}: ${response.status} ${await response.text()}`);
  const list = await response.json() as ResourceList;
  return list.resources?.some((resource) => resource.name === kind.plural) ?? false;
}

export function startOptionalInformer<T extends KubernetesObject>(
  client: KubeClient,
  kind: ResourceKind<T>,
  options: { signal: AbortSignal; retryMs?: number },
): Informer<T> {
  return new OptionalInformer(client, kind, options.signal, options.retryMs ?? 5_000);
}

class OptionalInformer<T extends KubernetesObject> implements Informer<T> {
  readonly synced: Promise<void>;
  readonly #handlers = new Map<InformerHandler<T>, () => void>();
  readonly #stopped = new AbortController();
  #inner: Informer<T> | undefined;

  constructor(client: KubeClient, kind: ResourceKind<T>, signal: AbortSignal, retryMs: number) {
    signal.addEventListener("abort", () => this.stop(), { once: true });
    this.synced = this.#start(client, kind, retryMs);
  }

  /** Resolves with the first list, or with the word that the kind is not there. */
  async #start(client: KubeClient, kind: ResourceKind<T>, retryMs: number): Promise<void> {
    for (;;) {
      if (this.#stopped.signal.aborted) return;
      try {
        if (await isServed(client, kind)) break;
        this.#later(() => this.#start(client, kind, retryMs), retryMs);
        return;
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        console.error(`looking for ${kind.plural}.${kind.group}: ${error}`);
        await new Promise<void>((resolve) => this.#later(resolve, Math.min(1000, retryMs)));
      }
    }
    const inner = this.#inner = startInformer(client, kind, { signal: this.#stopped.signal });
    for (const handler of this.#handlers.keys()) this.#handlers.set(handler, inner.subscribe(handler));
    await inner.synced;
  }

  #later(run: () => void, milliseconds: number): void {
    const timer = setTimeout(run, milliseconds);
    this.#stopped.signal.addEventListener("abort", () => {
      clearTimeout(timer);
      run();
    }, { once: true });
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
    this.#stopped.abort();
    this.#inner?.stop();
  }
}
