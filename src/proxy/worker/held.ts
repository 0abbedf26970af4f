/** Bytes of a connection that could not be handled in the turn they arrived: kept in a slot until they can. */
import type { Arena } from "./arena.ts";
import { SLOT_SIZE } from "./slots.ts";

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
    this.arena.wasm.copyBytes(this.#slot, at, length);
    this.#length = length;
    return true;
  }

  /** Keeps a copy after what is held already. @returns false when it does not fit, or no slot is left */
  append(at: number, length: number): boolean {
    if (length === 0) return true;
    if (this.#length + length > SLOT_SIZE) return false;
    if (this.#slot === 0) this.#slot = this.arena.slots.take();
    if (this.#slot === 0) return false;
    this.arena.wasm.copyBytes(this.#slot + this.#length, at, length);
    this.#length += length;
    return true;
  }

  /**
   * A slot to write into: its address, SLOT_SIZE bytes of it; 0 when none is left. What was held is forgotten.
   * `filled` says how much has been written.
   */
  open(): number {
    this.#length = 0;
    if (this.#slot === 0) this.#slot = this.arena.slots.take();
    return this.#slot;
  }

  filled(length: number): void {
    this.#length = length;
  }

  /** Forgets the first `length` bytes. */
  drop(length: number): void {
    if (length >= this.#length) return this.release();
    this.arena.wasm.copyBytes(this.#slot, this.#slot + length, this.#length - length);
    this.#length -= length;
  }

  /** Copies what is held to `to`, and lets go of it. @returns its length */
  restore(to: number): number {
    const length = this.#length;
    if (length > 0) this.arena.wasm.copyBytes(to, this.#slot, length);
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
