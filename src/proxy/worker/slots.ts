/**
 * Buffers for bytes that must wait: the rest of a write that the kernel did not take, a head that has not fully
 * arrived, a request kept for a second attempt. Everything else passes through the loop's receive area and is gone
 * when the turn ends, so an idle connection holds no buffer at all.
 *
 * Slots are handed out last-in first-out, so that few pages are ever touched. When none is left `take` says so: the
 * caller refuses or closes, and a counter moves; memory never grows past the arena.
 */
export const SLOT_SIZE = 65536;

export class SlotPool {
  readonly #free: Int32Array;
  #count: number;

  /** @param start where the arena begins in linear memory, page-aligned */
  constructor(start: number, readonly capacity: number) {
    this.#free = new Int32Array(capacity);
    for (let i = 0; i < capacity; i++) this.#free[i] = start + (capacity - 1 - i) * SLOT_SIZE;
    this.#count = capacity;
  }

  /** @returns the offset of SLOT_SIZE bytes, or 0 when all are taken */
  take(): number {
    if (this.#count === 0) return 0;
    return this.#free[--this.#count]!;
  }

  give(offset: number): void {
    this.#free[this.#count++] = offset;
  }

  get used(): number {
    return this.capacity - this.#count;
  }
}
