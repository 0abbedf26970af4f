/** Reads an input as a structure: whatever its bytes are, they mean something, so that inputs can be shrunk byte by byte. */
export class Input {
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.#at >= this.bytes.length;
  }

  /** The next byte; 0 when there is none. */
  byte(): number {
    return this.bytes[this.#at++] ?? 0;
  }

  /** A number below `bound`, which is at most 256. */
  below(bound: number): number {
    return this.byte() % bound;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  /** The next bytes, as many as there are. */
  take(length: number): Uint8Array {
    const piece = this.bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return piece;
  }

  rest(): Uint8Array {
    return this.take(this.bytes.length);
  }
}
