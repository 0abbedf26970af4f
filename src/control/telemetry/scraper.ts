/**
 * Scrapes every meshed pod's proxy at its interval, each at its own moment, a bounded number at a time.
 *
 * A pod that does not answer costs a slot for the time limit and no more; what it counted meanwhile comes with the next
 * scrape that succeeds, since counters are cumulative.
 */
import { fetchMetrics } from "./fetch_metrics.ts";
import type { Inventory, PodRecord } from "./inventory.ts";
import { PodCounters } from "./pod_counters.ts";
import type { Ledger } from "./ledger.ts";

export interface ScraperOptions {
  inventory: Inventory;
  /** What is counted in. */
  ledgers: readonly Ledger[];
  intervalMs: number;
  /** How many at a time. */
  concurrency?: number;
  timeoutMs?: number;
  fetchMetrics?: (pod: PodRecord, signal: AbortSignal) => Promise<string>;
  now?: () => number;
}

export interface ScrapeState {
  /** 0 before the first success. */
  readonly lastSuccessAt: number;
  readonly error: string | undefined;
}

interface Target {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly counters: PodCounters;
  nextAt: number;
  isRunning: boolean;
  lastSuccessAt: number;
  error: string | undefined;
}

export class Scraper {
  readonly #options: Required<ScraperOptions>;
  readonly #targets = new Map<string, Target>();
  readonly #startedAt: number;
  readonly #stopped = new AbortController();
  #running = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ScraperOptions) {
    this.#options = {
      concurrency: 16,
      timeoutMs: Math.max(1_000, Math.min(10_000, options.intervalMs * 3)),
      fetchMetrics: ({ ip, adminPort }, signal) => fetchMetrics(ip, adminPort, signal),
      now: Date.now,
      ...options,
    };
    this.#startedAt = this.#options.now();
  }

  get startedAt(): number {
    return this.#startedAt;
  }

  start(): void {
    this.#schedule(0);
  }

  stop(): void {
    this.#stopped.abort();
    clearTimeout(this.#timer);
  }

  stateOf(namespace: string, name: string): ScrapeState | undefined {
    return this.#targets.get(`${namespace}/${name}`);
  }

  counts(): { targets: number; failing: number } {
    const targets = [...this.#targets.values()];
    return { targets: targets.length, failing: targets.filter((one) => one.error !== undefined).length };
  }

  /** Scrapes all targets now, whatever their turn: for tests, and before a figure that must be current. */
  async scrapeAll(): Promise<void> {
    this.#refresh();
    await Promise.all([...this.#targets.values()].map((target) => this.#scrape(target)));
  }

  #schedule(delayMs: number): void {
    if (this.#stopped.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#turn(), delayMs);
  }

  /** Starts what is due, as far as there are slots, and sleeps until the next is. */
  #turn(): void {
    this.#refresh();
    const now = this.#options.now();
    let next = now + Math.min(1_000, this.#options.intervalMs);
    const due = [...this.#targets.values()].filter((target) => !target.isRunning)
      .sort((left, right) => left.nextAt - right.nextAt);
    for (const target of due) {
      if (target.nextAt > now || this.#running >= this.#options.concurrency) {
        next = Math.min(next, Math.max(target.nextAt, now + 10));
        break;
      }
      target.nextAt = now + this.#options.intervalMs * (0.9 + 0.2 * Math.random());
      next = Math.min(next, target.nextAt);
      this.#scrape(target);
    }
    this.#schedule(next - now);
  }

  /** Takes up pods that have come and lets go of those that have gone. */
  #refresh(): void {
    const seen = new Set<string>();
    const { intervalMs, inventory, ledgers, now } = this.#options;
    for (const pod of inventory.pods()) {
      if (!pod.isMeshed || pod.ip === "" || pod.phase !== "Running" && pod.proxyStartedAt === 0) continue;
      const key = `${pod.namespace}/${pod.name}`;
      seen.add(key);
      if (this.#targets.get(key)?.uid === pod.uid) continue;
      this.#targets.set(key, {
        uid: pod.uid,
        namespace: pod.namespace,
        name: pod.name,
        counters: new PodCounters(ledgers, pod),
        nextAt: now() + Math.random() * Math.min(1_000, intervalMs) * 0.2,
        isRunning: false,
        lastSuccessAt: 0,
        error: undefined,
      });
    }
    for (const [key, target] of this.#targets) {
      if (seen.has(key)) continue;
      this.#targets.delete(key);
      for (const ledger of ledgers) ledger.closePod(target.namespace, target.name);
    }
  }

  async #scrape(target: Target): Promise<void> {
    const pod = this.#options.inventory.pod(target.namespace, target.name);
    if (pod === undefined || target.isRunning) return;
    target.isRunning = true;
    this.#running++;
    const timeout = AbortSignal.timeout(this.#options.timeoutMs);
    try {
      const text = await this.#options.fetchMetrics(pod, AbortSignal.any([timeout, this.#stopped.signal]));
      if (this.#stopped.signal.aborted) return;
      const at = this.#options.now();
      target.counters.take(text, at, this.#startedAt, pod.proxyStartedAt);
      target.lastSuccessAt = at;
      target.error = undefined;
    } catch (error) {
      target.error = timeout.aborted
        ? `no answer within ${this.#options.timeoutMs} ms`
        : error instanceof Error
        ? error.message
        : String(error);
    } finally {
      target.isRunning = false;
      this.#running--;
    }
  }
}
