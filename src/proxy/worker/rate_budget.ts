/** So many at once, and so many a second: a bucket that fills again with time. */
export class RateBudget {
  #left: number;
  #updatedAt: number;

  /** @param now microseconds on the loop's clock */
  constructor(private readonly burst: number, private readonly perSecond: number, now: number) {
    this.#left = burst;
    this.#updatedAt = now;
  }

  /** Whether one is left. */
  has(now: number): boolean {
    const earned = ((now - this.#updatedAt) / 1_000_000) * this.perSecond;
    this.#updatedAt = now;
    this.#left = Math.min(this.burst, this.#left + earned);
    return this.#left >= 1;
  }

  /** Gives one back. */
  refund(): void {
    this.#left = Math.min(this.burst, this.#left + 1);
  }

  /** Takes one. @returns false when none is left */
  spend(now: number): boolean {
    if (!this.has(now)) return false;
    this.#left--;
    return true;
  }
}
