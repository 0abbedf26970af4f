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
    const { bounds } = this;
    let index = 0;
    while (index < bounds.length && value > bounds[index]!) index++;
    this.#counts[index]!++;
    this.count++;
    this.sum += value;
  }

  /** How many values were at most each bound. */
  below(): number[] {
    let total = 0;
    return this.bounds.map((_, index) => total += this.#counts[index]!);
  }
}
