/**
 * How many retries a ServiceProfile's retryable routes may make together: so many a second in any case, and a share of
 * the requests that did not need one. What is not used within `ttlMs` is lost. Of one loop and one destination.
 * Source: proxy.md §9 (ServiceProfile retries); Finagle's and tower's retry budgets.
 */
import { SlidingSum } from "../worker/sliding_sum.ts";

export interface BudgetLimits {
  /** Retries for each request that is not retried. */
  readonly ratio: number;
  readonly minPerSecond: number;
  readonly ttlMs: number;
}

/** Shares come as 32-bit floats, and their sums are not exact. */
const EPSILON = 1e-6;

export class RetryBudget {
  readonly #reserve: number;
  readonly #balance: SlidingSum;

  constructor(readonly limits: BudgetLimits) {
    this.#reserve = limits.minPerSecond * limits.ttlMs / 1000;
    this.#balance = new SlidingSum(limits.ttlMs);
  }

  /** A request is over that is not retried. @param now microseconds */
  deposit(now: number): void {
    this.#balance.add(this.limits.ratio, now);
  }

  /** Takes one retry. @returns false when none is left. @param now microseconds */
  withdraw(now: number): boolean {
    this.#balance.advance(now);
    if (this.#balance.total + this.#reserve + EPSILON < 1) return false;
    this.#balance.add(-1, now);
    return true;
  }
}
