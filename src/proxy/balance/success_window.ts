/** How many of the responses of the last while succeeded. Source: proxy.md §9 (unified failure accrual). */
import { SlidingSum } from "../worker/sliding_sum.ts";

export class SuccessWindow {
  readonly #successes: SlidingSum;
  readonly #totals: SlidingSum;

  constructor(windowMs: number) {
    this.#successes = new SlidingSum(windowMs);
    this.#totals = new SlidingSum(windowMs);
  }

  /** @param now microseconds */
  record(isSuccess: boolean, now: number): void {
    this.#totals.add(1, now);
    this.#successes.add(isSuccess ? 1 : 0, now);
  }

  get total(): number {
    return this.#totals.total;
  }

  /** Of what was recorded within the window, as of the last record; 1 of nothing. */
  get successRate(): number {
    return this.total === 0 ? 1 : this.#successes.total / this.total;
  }

  clear(): void {
    this.#successes.clear();
    this.#totals.clear();
  }
}
