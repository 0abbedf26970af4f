/**
 * Asks again and again, and says when the answer counts.
 *
 * Until a container has answered well for the first time it is asked sooner and more often than its probe says: after a
 * quarter of the time that it has taken so far. A start is seen within milliseconds that way; failures count by the
 * probe's own delay and period only, so nothing is given up earlier than Kubernetes would.
 */
import type { Probe } from "../../kube/kinds.ts";
import type { ProbeResult } from "./probe.ts";

export interface ProberOptions {
  readonly probe: Probe;
  /** Asks early and often until the first success: for startup and readiness, not for liveness. */
  readonly isEager: boolean;
  readonly check: (timeoutMs: number) => Promise<ProbeResult>;
  /** The verdict changed: after as many answers in a row as the probe's thresholds say. */
  readonly onVerdict: (isOk: boolean, message: string) => void;
  /** A failure that counts, below the threshold too. */
  readonly onFailure?: (message: string) => void;
  /** Waits; replaced in tests. */
  readonly wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly now?: () => number;
}

const EAGER_FLOOR_MS = 5, EAGER_SHARE = 0.25;

/** Resolves after a time, or at once when `signal` aborts. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(milliseconds, 2 ** 31 - 1));
    signal.addEventListener("abort", done);
  });
}

export class Prober {
  readonly #options: ProberOptions;
  readonly #stopped = new AbortController();
  #verdict: boolean | undefined;

  /** Starts asking. */
  constructor(options: ProberOptions) {
    this.#options = options;
    this.#run();
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #run(): Promise<void> {
    const { probe, isEager, check, onFailure, wait = pause, now = Date.now } = this.#options;
    const signal = this.#stopped.signal;
    const initialMs = (probe.initialDelaySeconds ?? 0) * 1000,
      periodMs = Math.max(1, probe.periodSeconds ?? 10) * 1000;
    const timeoutMs = Math.max(1, probe.timeoutSeconds ?? 1) * 1000;
    const successesNeeded = Math.max(1, probe.successThreshold ?? 1);
    const failuresNeeded = Math.max(1, probe.failureThreshold ?? 3);
    const began = now();
    let successes = 0, failures = 0, nextCounted = began + initialMs, hasSucceeded = false;
    if (!isEager) await wait(initialMs, signal);
    while (!signal.aborted) {
      const result = await check(timeoutMs);
      if (signal.aborted) return;
      const time = now();
      if (result.isOk) {
        failures = 0;
        if (++successes >= successesNeeded) {
          hasSucceeded = true;
          this.#decide(true, "");
        }
      } else {
        successes = 0;
        // While it is asked too often, only the answers at the probe's own times count.
        if (!isEager || hasSucceeded || time >= nextCounted) {
          nextCounted = time + periodMs;
          onFailure?.(result.message);
          if (++failures >= failuresNeeded) this.#decide(false, result.message);
        }
      }
      if (signal.aborted) return;
      const eagerMs = Math.max(EAGER_FLOOR_MS, (time - began) * EAGER_SHARE);
      await wait(isEager && !hasSucceeded ? Math.min(periodMs, eagerMs) : periodMs, signal);
    }
  }

  #decide(isOk: boolean, message: string): void {
    if (this.#verdict === isOk) return;
    this.#verdict = isOk;
    this.#options.onVerdict(isOk, message);
  }
}
