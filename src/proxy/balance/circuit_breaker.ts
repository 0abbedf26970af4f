/**
 * Takes an endpoint out of its balancer while it fails: after so many failures in a row, or when too few of the last
 * responses succeeded. After a wait one request may try it; its outcome decides whether the endpoint comes back or
 * stays out, for longer. State is of one loop, as the balancer's is: each finds out by its own requests.
 *
 * Only what was admitted since the last change counts: answers to older requests say nothing about now.
 * Source: proxy.md §9 (circuit breaking).
 */
import { backoffMs } from "./backoff.ts";
import type { Random } from "./balancer.ts";
import type { FailureAccrual } from "./balancing.ts";
import { SuccessWindow } from "./success_window.ts";

/** How a request that was admitted ended. Overload (429, RESOURCE_EXHAUSTED) is no failure, and no success either. */
export type Outcome = "success" | "failure" | "overload";
/** What a request was admitted by. */
export type Admission = number;
/** An admission whose outcome says nothing. */
export const UNCOUNTED: Admission = 0;

export class CircuitBreaker {
  #generation: Admission = 1;
  /** Microseconds; 0 while requests pass. */
  #shutUntil = 0;
  /** A request tries the endpoint. */
  #isProbing = false;
  /** Probes that failed since it was shut. */
  #failedProbes = 0;
  #consecutive = 0;
  readonly #window: SuccessWindow | undefined;

  constructor(private readonly accrual: FailureAccrual, private readonly random: Random = Math.random) {
    const { successRate } = accrual;
    this.#window = successRate === undefined ? undefined : new SuccessWindow(successRate.windowMs);
  }

  /** Whether another request may be sent. @param now microseconds */
  isPassing(now: number): boolean {
    return this.#shutUntil === 0 || (!this.#isProbing && now >= this.#shutUntil);
  }

  /** A request is sent; `record` or `leave` follows. */
  admit(): Admission {
    if (this.#shutUntil === 0) return this.#generation;
    if (this.#isProbing) return UNCOUNTED;
    this.#isProbing = true;
    return this.#generation;
  }

  /** The request ended without an outcome: its client went away. */
  leave(admission: Admission): void {
    if (admission === this.#generation) this.#isProbing = false;
  }

  /** @param now microseconds */
  record(admission: Admission, outcome: Outcome, now: number): void {
    if (admission !== this.#generation) return;
    const isSuccess = outcome === "success" || (outcome === "overload" && this.#window === undefined);
    if (this.#shutUntil !== 0) return isSuccess ? this.#open() : this.#shut(now, this.#failedProbes + 1);
    if (isSuccess) this.#consecutive = 0;
    else if (outcome === "failure") this.#consecutive++;
    this.#window?.record(isSuccess, now);
    if (!isSuccess && this.#hasFailed) this.#shut(now, 0);
  }

  get #hasFailed(): boolean {
    const { maxConsecutive, successRate } = this.accrual;
    if (maxConsecutive > 0 && this.#consecutive >= maxConsecutive) return true;
    const window = this.#window;
    return window !== undefined && window.total >= successRate!.minRequests &&
      window.successRate < successRate!.threshold;
  }

  #open(): void {
    this.#shutUntil = this.#consecutive = this.#failedProbes = 0;
    this.#isProbing = false;
    this.#generation++;
    this.#window?.clear();
  }

  #shut(now: number, failedProbes: number): void {
    this.#failedProbes = failedProbes;
    this.#isProbing = false;
    this.#generation++;
    this.#shutUntil = now + backoffMs(this.accrual.backoff, failedProbes, this.random) * 1000;
  }
}
