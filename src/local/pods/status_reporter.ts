/** Writes pods' statuses to the API: changes that come together in one call, one call per pod at a time. */
import { isNotFound, type KubeClient } from "../../kube/client.ts";
import { PODS } from "../../kube/kinds.ts";
import type { PodRun } from "./pod.ts";
import { pause } from "./prober.ts";

const GATHER_MS = 1, RETRY_MS = 200;

export class StatusReporter {
  readonly #client: KubeClient;
  readonly #find: (uid: string) => PodRun | undefined;
  readonly #onError: (error: unknown) => void;
  readonly #dirty = new Set<string>();
  /** Pod uid → the writing that is under way. */
  readonly #writing = new Map<string, Promise<void>>();
  /** Pod uid → what was written last. */
  readonly #written = new Map<string, string>();
  readonly #stopped = new AbortController();

  constructor(
    client: KubeClient,
    find: (uid: string) => PodRun | undefined,
    onError: (error: unknown) => void,
  ) {
    this.#client = client;
    this.#find = find;
    this.#onError = onError;
  }

  changed(uid: string): void {
    if (this.#stopped.signal.aborted) return;
    this.#dirty.add(uid);
    if (!this.#writing.has(uid)) this.#writing.set(uid, this.#write(uid));
  }

  /** Resolves when everything about a pod is written. */
  async flush(uid: string): Promise<void> {
    await this.#writing.get(uid);
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #write(uid: string): Promise<void> {
    const signal = this.#stopped.signal;
    let delay = GATHER_MS;
    while (this.#dirty.has(uid)) {
      await pause(delay, signal);
      this.#dirty.delete(uid);
      const run = this.#find(uid);
      if (signal.aborted || run === undefined) break;
      try {
        await this.#patch(run);
        delay = GATHER_MS;
      } catch (error) {
        // The pod is gone; its deletion is on its way to us.
        if (isNotFound(error)) break;
        this.#onError(error);
        this.#dirty.add(uid);
        delay = RETRY_MS;
      }
    }
    this.#writing.delete(uid);
    if (this.#find(uid) === undefined) this.#written.delete(uid);
  }

  async #patch(run: PodRun): Promise<void> {
    const status = run.status();
    const text = JSON.stringify(status);
    if (text === this.#written.get(run.uid)) return;
    const { name = "", namespace = "default" } = run.pod.metadata ?? {};
    const body = { metadata: { uid: run.uid }, status };
    await this.#client.patch(PODS, name, namespace, body, { type: "merge", subresource: "status" });
    this.#written.set(run.uid, text);
  }
}
