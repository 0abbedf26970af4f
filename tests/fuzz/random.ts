/** Seeded randomness: the same seed gives the same bytes on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A whole number from 0 to `bound` - 1 (mulberry32). */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  /** Between 0 and `bound` - 1 bytes of any value. */
  bytes(bound: number): string {
    let text = "";
    for (let count = this.below(bound); count > 0; count--) text += String.fromCharCode(this.below(256));
    return text;
  }
}

/** Strings of one character per byte, as the generators make them, to bytes. */
export function toBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** Changes a few bytes somewhere: what a structure-aware generator alone would never make. */
export function mutate(random: Random, text: string): string {
  let result = text;
  for (let changes = random.below(4); changes > 0; changes--) {
    const at = random.below(result.length + 1);
    const kind = random.below(6);
    const odd = random.pick([
      "\r",
      "\n",
      "\r\n",
      "\0",
      " ",
      "\t",
      ":",
      ",",
      ";",
      "0",
      "\x7f",
      "\x80",
      "\x0b",
      "A",
    ]);
    if (kind === 0) result = result.slice(0, at) + result.slice(at + 1);
    else if (kind === 1) result = result.slice(0, at) + odd + result.slice(at);
    else if (kind === 2) result = result.slice(0, at) + odd + result.slice(at + 1);
    else if (kind === 3) {
      result = result.slice(0, at) + String.fromCharCode(random.below(256)) + result.slice(at + 1);
    } else if (kind === 4) {
      result = result.slice(0, at) + result.slice(at, at + 1 + random.below(30)) + result.slice(at);
    } else if (random.once(4)) result = result.slice(0, at);
  }
  return result;
}
