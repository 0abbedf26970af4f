/**
 * Buffers for bytes that must wait: the rest of a write that the kernel did not take, a head that has not fully
 * arrived, a request kept for a second attempt. Everything else passes through the loop's receive area and is gone
 * when the turn ends, so an idle connection holds no buffer at all.
 *
 * Three sizes: thousands of requests may wait at one time, nearly all of them small, and each page that is touched for
 * one of them costs memory and a look-up of its address. Slots are handed out last-in first-out, so that few pages are
 * ever touched. When none is left `take` says so: the caller refuses or closes, and a counter moves; memory never grows
 * past the arena.
 */
export const SLOT_SIZE = 65536;
export const SMALL_SLOT_SIZE = 4096;
/** The head of a request between services. */
export const TINY_SLOT_SIZE = 1024;

class Pool {
  /** Slots that were given back. Memory that is never written costs nothing: the rest is known by `#next` alone. */
  readonly #free: Int32Array;
  #count = 0;
  #next: number;
  readonly #end: number;
  #used = 0;

  constructor(start: number, readonly size: number, capacity: number) {
    this.#free = new Int32Array(capacity);
    this.#next = start;
    this.#end = start + capacity * size;
  }

  take(): number {
    let offset = 0;
    if (this.#count > 0) offset = this.#free[--this.#count]!;
    else if (this.#next === this.#end) return 0;
    else {
      offset = this.#next;
      this.#next += this.size;
    }
    this.#used++;
    return offset;
  }

  give(offset: number): void {
    this.#free[this.#count++] = offset;
    this.#used--;
  }

  get used(): number {
    return this.#used;
  }

  /** More than that share of all are taken. */
  isBeyond(share: number): boolean {
    return this.#used > this.#free.length * share;
  }
}

export class SlotPool {
  readonly #tiny: Pool;
  readonly #small: Pool;
  readonly #large: Pool;
  readonly #largeStart: number;
  readonly #tinyStart: number;

  /** @param start where the slots begin in linear memory, page-aligned: the small ones, the large ones, the tiny ones */
  constructor(start: number, tinyCount: number, smallCount: number, largeCount: number) {
    this.#small = new Pool(start, SMALL_SLOT_SIZE, smallCount);
    this.#largeStart = start + smallCount * SMALL_SLOT_SIZE;
    this.#large = new Pool(this.#largeStart, SLOT_SIZE, largeCount);
    this.#tinyStart = this.#largeStart + largeCount * SLOT_SIZE;
    this.#tiny = new Pool(this.#tinyStart, TINY_SLOT_SIZE, tinyCount);
  }

  /** Bytes of linear memory that so many take. */
  static sizeFor(tinyCount: number, smallCount: number, largeCount: number): number {
    return tinyCount * TINY_SLOT_SIZE + smallCount * SMALL_SLOT_SIZE + largeCount * SLOT_SIZE;
  }

  /**
   * @param length how many bytes it must hold at least; up to SLOT_SIZE
   * @returns the offset of a slot, of `sizeOf` bytes; or 0 when all are taken
   */
  take(length: number = SLOT_SIZE): number {
    if (length > SMALL_SLOT_SIZE) return this.#large.take();
    return (length <= TINY_SLOT_SIZE ? this.#tiny.take() : 0) || this.#small.take() || this.#large.take();
  }

  #poolOf(offset: number): Pool {
    return offset >= this.#tinyStart ? this.#tiny : offset < this.#largeStart ? this.#small : this.#large;
  }

  sizeOf(offset: number): number {
    return this.#poolOf(offset).size;
  }

  give(offset: number): void {
    this.#poolOf(offset).give(offset);
  }

  get used(): number {
    return this.#tiny.used + this.#small.used + this.#large.used;
  }

  /** More than half of the large ones are taken: whoever can do without takes none. */
  get isScarce(): boolean {
    return this.#large.isBeyond(0.5);
  }

  /** More than three in four are: the last ones are left for what connections have to write. */
  get isShort(): boolean {
    return this.#large.isBeyond(0.75);
  }
}
