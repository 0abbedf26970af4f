/**
 * Which kinds the cluster serves, and word of those that are installed later.
 *
 * Asked for is the resource list of a group's version, once for all kinds of it, every `retryMs` while one of them is
 * waited for. Why not a watch on definitions: it would need a right to read them all, and hold them all.
 */
import type { KubeClient } from "../../kube/client.ts";
import { apiVersionOf, type ResourceKind } from "../../kube/resource.ts";

interface ResourceList {
  resources?: { name: string }[];
}

/** A cluster that does not answer is asked again this soon. */
const ERROR_RETRY_MS = 1_000;

export class ServedKinds {
  readonly signal: AbortSignal;
  readonly #client: KubeClient;
  readonly #retryMs: number;
  /** Answers under way, so that kinds of one version ask once. */
  readonly #asking = new Map<string, Promise<ReadonlySet<string>>>();
  readonly #waiting = new Map<ResourceKind, () => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: KubeClient, options: { signal: AbortSignal; retryMs?: number }) {
    this.#client = client;
    this.signal = options.signal;
    this.#retryMs = options.retryMs ?? 10_000;
    this.signal.addEventListener("abort", () => clearTimeout(this.#timer), { once: true });
  }

  /** Asks until the cluster answers; false when it is stopped before. */
  async isServed(kind: ResourceKind): Promise<boolean> {
    while (!this.signal.aborted) {
      try {
        return (await this.#served(apiVersionOf(kind))).has(kind.plural);
      } catch (error) {
        if (this.signal.aborted) return false;
        console.error(`looking for ${kind.plural}.${kind.group}: ${error}`);
        await this.#pause(Math.min(ERROR_RETRY_MS, this.#retryMs));
      }
    }
    return false;
  }

  /** Calls back once, when the kind is served. */
  whenServed(kind: ResourceKind, found: () => void): void {
    this.#waiting.set(kind, found);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#waiting.size === 0 || this.signal.aborted) return;
    this.#timer = setTimeout(async () => {
      await Promise.all([...this.#waiting].map(async ([kind, found]) => {
        if (!await this.isServed(kind)) return;
        this.#waiting.delete(kind);
        if (!this.signal.aborted) found();
      }));
      this.#timer = undefined;
      this.#schedule();
    }, this.#retryMs);
  }

  #served(apiVersion: string): Promise<ReadonlySet<string>> {
    let answer = this.#asking.get(apiVersion);
    if (answer === undefined) {
      answer = this.#ask(apiVersion).finally(() => this.#asking.delete(apiVersion));
      this.#asking.set(apiVersion, answer);
    }
    return answer;
  }

  async #ask(apiVersion: string): Promise<ReadonlySet<string>> {
    const response = await this.#client.raw("GET", `/apis/${apiVersion}`, { signal: this.signal });
    if (response.status === 404) {
      await response.body?.cancel();
      return new Set();
    }
    if (!response.ok) throw new Error(`${apiVersion}: ${response.status} ${await response.text()}`);
    const list = await response.json() as ResourceList;
    return new Set(list.resources?.map(({ name }) => name));
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.signal.addEventListener("abort", done);
    });
  }
}
