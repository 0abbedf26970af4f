/**
 * How many of the responses of the last while succeeded, in ten buckets of time, of which the oldest gives way to the
 * next. Source: proxy.md §9 (unified failure accrual).
 */
const BUCKETS = 10;

export class SuccessWindow {
  readonly #successes = new Float64Array(BUCKETS);
  readonly #totals = new Float64Array(BUCKETS);
  readonly #bucketMicros: number;
  /** The bucket of now, counted since the clock's beginning. */
  #current = 0;
  #success = 0;
  total = 0;

  constructor(windowMs: number) {
    this.#bucketMicros = Math.max(1, windowMs * 1000 / BUCKETS);
  }

  /** Drops what is too old. @param now microseconds */
  #advance(now: number): void {
    const bucket = Math.floor(now / this.#bucketMicros), steps = Math.min(BUCKETS, bucket - this.#current);
    for (let i = 0; i < steps; i++) {
      const index = (bucket - i) % BUCKETS;
      this.#success -= this.#successes[index]!;
      this.total -= this.#totals[index]!;
      this.#successes[index] = this.#totals[index] = 0;
    }
    if (bucket > this.#current) this.#current = bucket;
  }

  /** @param now microseconds */
  record(isSuccess: boolean, now: number): void {
    this.#advance(now);
    const index = this.#current % BUCKETS;
    this.#totals[index]!++;
    this.total++;
    if (!isSuccess) return;
    this.#successes[index]!++;
    this.#success++;
  }

  /** Of what was recorded within the window, as of the last record; 1 of nothing. */
  get successRate(): number {
    return this.total === 0 ? 1 : this.#success / this.total;
  }

  clear(): void {
    this.#successes.fill(0);
    this.#totals.fill(0);
    this.#success = this.total = 0;
  }
}
