/** Bytes of a connection that could not be handled in the turn they arrived: kept in a slot until they can. */
import type { Arena } from "./arena.ts";
import { SLOT_SIZE, SMALL_SLOT_SIZE, TINY_SLOT_SIZE } from "./slots.ts";

export class HeldBytes {
  #slot = 0;
  /** Bytes of the slot before what is held: they were dropped. */
  #start = 0;
  #length = 0;

  constructor(
    private readonly arena: Arena,
    /** Whoever keeps them can do without, and does when many bytes are held already. */
    private readonly isOptional = false,
  ) {}

  get length(): number {
    return this.#length;
  }

  /** Keeps a copy. @returns false when no slot is left or it is more than one holds */
  keep(at: number, length: number): boolean {
    this.#start = this.#length = 0;
    if (length === 0) this.release();
    return this.append(at, length);
  }

  /** Keeps a copy after what is held already. @returns false when it does not fit, or no slot is left */
  append(at: number, length: number): boolean {
    if (length === 0) return true;
    if (!this.#reserve(this.#length + length)) return false;
    this.arena.wasm.copyBytes(this.#slot + this.#start + this.#length, at, length);
    this.#length += length;
    return true;
  }

  /**
   * Sees to a slot with room for `length` bytes from the first that is held. The last large ones are not for us: peers
   * decide how long bytes are held, and must not silence everyone else.
   */
  #reserve(length: number): boolean {
    const { slots, wasm } = this.arena, old = this.#slot;
    if (old !== 0 && this.#start + length <= slots.sizeOf(old)) return true;
    let slot = old;
    if (old === 0 || length > slots.sizeOf(old)) {
      if (length > SLOT_SIZE) return false;
      if (length > SMALL_SLOT_SIZE && (this.isOptional ? slots.isScarce : slots.isShort)) return false;
      slot = slots.take(length);
      if (slot === 0) return false;
    }
    if (this.#length > 0) wasm.copyBytes(slot, old + this.#start, this.#length);
    if (old !== 0 && slot !== old) slots.give(old);
    this.#slot = slot;
    this.#start = 0;
    return true;
  }

  /**
   * Has a head written into the slot, in the smallest that suffices. What was held is forgotten.
   * @param write writes between two addresses; answers how many bytes, negative when the room did not suffice
   * @returns false when it did not fit, or no slot is left
   */
  write(write: (at: number, end: number) => number): boolean {
    this.#start = this.#length = 0;
    return this.#writeInto(1, write) || this.#writeInto(TINY_SLOT_SIZE + 1, write) ||
      this.#writeInto(SMALL_SLOT_SIZE + 1, write);
  }

  /** @param size of a slot that is large enough, perhaps */
  #writeInto(size: number, write: (at: number, end: number) => number): boolean {
    if (!this.#reserve(size)) return false;
    const length = write(this.#slot, this.#slot + this.arena.slots.sizeOf(this.#slot));
    if (length < 0) return false;
    this.#length = length;
    return true;
  }

  /** Forgets the first `length` bytes. The others stay where they are: a peer may ask for them one by one. */
  drop(length: number): void {
    if (length >= this.#length) return this.release();
    this.#start += length;
    this.#length -= length;
  }

  /** Copies what is held to `to`, and lets go of it. @returns its length */
  restore(to: number): number {
    const length = this.#length;
    if (length > 0) this.arena.wasm.copyBytes(to, this.at, length);
    this.release();
    return length;
  }

  /** Where what is held begins, to write from without letting go. */
  get at(): number {
    return this.#slot + this.#start;
  }

  release(): void {
    if (this.#slot !== 0) this.arena.slots.give(this.#slot);
    this.#slot = this.#start = this.#length = 0;
  }
}
