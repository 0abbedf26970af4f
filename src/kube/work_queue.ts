/**
 * Keys waiting to be reconciled: each at most once in the queue and never by two workers at a time; a failed key
 * comes back after a back-off of its own.
 *
 * Source: client-go's util/workqueue.
 */
export interface WorkQueueOptions {
  /** Keys worked on at the same time. Default 4. */
  concurrency?: number;
  /** Told of every failure, with how often this key has failed in a row. */
  onError?: (error: unknown, key: string, failures: number) => void;
  /** Milliseconds before a failed key is tried again. Default: 5 ms doubling to 30 s. */
  backoff?: (failures: number) => number;
}

export class WorkQueue {
  readonly #reconcile: (key: string) => Promise<void>;
  readonly #options: WorkQueueOptions;
  readonly #concurrency: number;
  readonly #waiting = new Set<string>();
  readonly #running = new Set<string>();
  /** Added again while being worked on. */
  readonly #again = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #timers = new Map<string, { timer: ReturnType<typeof setTimeout>; at: number }>();
  #stopped = false;
  #idle: (() => void)[] = [];

  constructor(reconcile: (key: string) => Promise<void>, options: WorkQueueOptions = {}) {
    this.#reconcile = reconcile;
    this.#options = options;
    this.#concurrency = options.concurrency ?? 4;
  }

  add(key: string): void {
    if (this.#stopped) return;
    if (this.#running.has(key)) this.#again.add(key);
    else {
      this.#waiting.add(key);
      this.#pump();
    }
  }

  /** Adds after `milliseconds`; of several the earliest counts. */
  addAfter(key: string, milliseconds: number): void {
    if (this.#stopped) return;
    const at = Date.now() + milliseconds;
    const existing = this.#timers.get(key);
    if (existing !== undefined) {
      if (existing.at <= at) return;
      clearTimeout(existing.timer);
    }
    const timer = setTimeout(() => {
      this.#timers.delete(key);
      this.add(key);
    }, Math.min(milliseconds, 2 ** 31 - 1));
    this.#timers.set(key, { timer, at });
  }

  /** Resolves when nothing waits or runs (keys that wait for their time do not count). */
  idle(): Promise<void> {
    if (this.#waiting.size === 0 && this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting.clear();
    this.#again.clear();
    for (const { timer } of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #pump(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= this.#concurrency) return;
      this.#waiting.delete(key);
      this.#running.add(key);
      this.#work(key);
    }
  }

  async #work(key: string): Promise<void> {
    try {
      await this.#reconcile(key);
      this.#failures.delete(key);
    } catch (error) {
      if (!this.#stopped) {
        const failures = (this.#failures.get(key) ?? 0) + 1;
        this.#failures.set(key, failures);
        this.#options.onError?.(error, key, failures);
        const backoff = this.#options.backoff ?? ((count) => Math.min(30_000, 5 * 2 ** (count - 1)));
        this.addAfter(key, backoff(failures));
      }
    }
    this.#running.delete(key);
    if (this.#again.delete(key)) this.#waiting.add(key);
    this.#pump();
    if (this.#waiting.size === 0 && this.#running.size === 0) {
      for (const resolve of this.#idle.splice(0)) resolve();
    }
  }
}
