/** What a histogram has counted. */
export interface Bucketed {
  /** How many values were at most each bound. */
  readonly below: readonly number[];
  readonly count: number;
  readonly sum: number;
}

/** A histogram with few, fixed bounds: counts in the heap, none in linear memory. */
export class Buckets {
  /** How many values fell under each bound and above the one before; the last above all. */
  readonly #counts: number[];
  count = 0;
  sum = 0;

  /** @param bounds ascending */
  constructor(readonly bounds: readonly number[]) {
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  record(value: number): void {
    this.#counts[this.#indexOf(value)]!++;
    this.count++;
    this.sum += value;
  }

  /** A value turned out another. */
  move(from: number, to: number): void {
    this.#counts[this.#indexOf(from)]!--;
    this.#counts[this.#indexOf(to)]!++;
    this.sum += to - from;
  }

  #indexOf(value: number): number {
    const { bounds } = this;
    let index = 0;
    while (index < bounds.length && value > bounds[index]!) index++;
    return index;
  }

  /** How many values were at most each bound. */
  below(): number[] {
    let total = 0;
    return this.bounds.map((_, index) => total += this.#counts[index]!);
  }
}
