/** Bytes of a connection that could not be handled in the turn they arrived: kept in a slot until they can. */
import type { Arena } from "../../worker/arena.ts";
import { SLOT_SIZE } from "../../worker/slots.ts";

export class HeldBytes {
  #slot = 0;
  #length = 0;

  constructor(private readonly arena: Arena) {}

  get length(): number {
    return this.#length;
  }

  /** Keeps a copy. @returns false when no slot is left or it is more than one holds */
  keep(at: number, length: number): boolean {
    if (length === 0) {
      this.release();
      return true;
    }
    if (length > SLOT_SIZE) return false;
    if (this.#slot === 0) this.#slot = this.arena.slots.take();
    if (this.#slot === 0) return false;
    this.arena.memory.bytes.copyWithin(this.#slot, at, at + length);
    this.#length = length;
    return true;
  }

  /** Copies what is held to `to`, and lets go of it. @returns its length */
  restore(to: number): number {
    const length = this.#length;
    if (length > 0) this.arena.memory.bytes.copyWithin(to, this.#slot, this.#slot + length);
    this.release();
    return length;
  }

  /** The slot's address, to write from without letting go. */
  get at(): number {
    return this.#slot;
  }

  release(): void {
    if (this.#slot !== 0) this.arena.slots.give(this.#slot);
    this.#slot = this.#length = 0;
  }
}
