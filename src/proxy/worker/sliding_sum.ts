/** The sum of what was added within the last while, in ten slots of time, of which the oldest gives way to the next. */
const SLOTS = 10;

export class SlidingSum {
  readonly #slots = new Float64Array(SLOTS);
  readonly #slotMicros: number;
  /** The slot of now, counted since the clock's beginning. */
  #current = 0;
  /** As of the last look. */
  total = 0;

  constructor(windowMs: number) {
    this.#slotMicros = Math.max(1, windowMs * 1000 / SLOTS);
  }

  /** Drops what is too old. @param now microseconds */
  advance(now: number): void {
    const slot = Math.floor(now / this.#slotMicros), steps = Math.min(SLOTS, slot - this.#current);
    for (let i = 0; i < steps; i++) {
      const index = (slot - i) % SLOTS;
      this.total -= this.#slots[index]!;
      this.#slots[index] = 0;
    }
    if (slot > this.#current) this.#current = slot;
  }

  /** @param now microseconds */
  add(value: number, now: number): void {
    this.advance(now);
    this.#slots[this.#current % SLOTS]! += value;
    this.total += value;
  }

  clear(): void {
    this.#slots.fill(0);
    this.total = 0;
  }
}
