/**
 * HPACK once more, as plainly as RFC 7541 says it: lists of strings, one bit at a time. Its tables are another
 * implementation's, so that they are no copies of ours.
 */
import hpack from "hpack.js";

export interface ModelField {
  readonly name: string;
  readonly value: string;
  readonly isNever: boolean;
}

/** Of a block that cannot be decoded. */
export class CompressionError extends Error {}

/** Made once: where it is thrown does not matter, and a stack would cost more than the decoding. */
const BROKEN = new CompressionError("no field block");

const STATIC: readonly (readonly [string, string])[] = hpack["static-table"].table.map((
  { name, value }: { name: string; value: string },
) => [name, value] as const);
const END_OF_STRING = 256;
/** Symbols by length of their word, then by word. */
const WORDS = new Map<number, number>();
hpack.huffman.encode.forEach(([length, word]: readonly [number, number], symbol: number) =>
  WORDS.set(length * 2 ** 32 + word, symbol)
);
/** Bytes of an integer after its prefix: more are refused, needless zeroes too. */
const MOST_BYTES = 4;

/** One character per byte. */
function textOf(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at++) text += String.fromCharCode(bytes[at] ?? 0);
  return text;
}

/** The text of a Huffman code. @throws CompressionError */
export function decodeHuffman(bytes: Uint8Array): string {
  let text = "", word = 0, length = 0, isOnes = true;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const one = byte >> bit & 1;
      word = word * 2 + one;
      length++;
      isOnes &&= one === 1;
      const symbol = length < 5 ? undefined : WORDS.get(length * 2 ** 32 + word);
      if (symbol === END_OF_STRING) throw BROKEN;
      if (symbol === undefined) continue;
      text += String.fromCharCode(symbol);
      word = 0;
      length = 0;
      isOnes = true;
    }
  }
  if (length > 7 || !isOnes) throw BROKEN;
  return text;
}

/** A string as Huffman code, padded with ones. */
export function encodeHuffman(text: string): string {
  let bits = "";
  for (let at = 0; at < text.length; at++) {
    const [length, word] = hpack.huffman.encode[text.charCodeAt(at)] ?? [0, 0];
    bits += word.toString(2).padStart(length, "0");
  }
  bits += "1".repeat((8 - bits.length % 8) % 8);
  return textOf(Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => parseInt(byte, 2)));
}

export class HpackModel {
  /** The newest first. */
  readonly #entries: (readonly [string, string])[] = [];
  #size = 0;
  #maximum: number;
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;

  /** @param limit what a size update may set at most; in force from the beginning up to 4096 where that is smaller */
  constructor(public limit: number, maximum = limit) {
    this.#maximum = maximum;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw BROKEN;
    return byte;
  }

  #integer(bits: number): number {
    const mask = 2 ** bits - 1;
    let number = this.#byte() & mask;
    if (number < mask) return number;
    for (let count = 0; count < MOST_BYTES; count++) {
      const byte = this.#byte();
      number += (byte & 127) * 128 ** count;
      if (byte < 128) return number;
    }
    throw BROKEN;
  }

  #string(): string {
    const isCoded = ((this.#bytes[this.#at] ?? 0) & 128) !== 0;
    const length = this.#integer(7);
    if (this.#at + length > this.#bytes.length) throw BROKEN;
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return isCoded ? decodeHuffman(bytes) : textOf(bytes);
  }

  #entry(index: number): readonly [string, string] {
    const entry = index === 0
      ? undefined
      : index <= STATIC.length
      ? STATIC[index - 1]
      : this.#entries[index - STATIC.length - 1];
    if (entry === undefined) throw BROKEN;
    return entry;
  }

  #evict(maximum: number): void {
    while (this.#size > maximum) {
      const [name, value] = this.#entries.pop() ?? ["", ""];
      this.#size -= name.length + value.length + 32;
    }
  }

  #add(name: string, value: string): void {
    const size = name.length + value.length + 32;
    this.#evict(Math.max(this.#maximum - size, 0));
    if (size > this.#maximum) return;
    this.#entries.unshift([name, value]);
    this.#size += size;
  }

  /** @throws CompressionError when it is no block */
  decode(block: Uint8Array): ModelField[] {
    this.#bytes = block;
    this.#at = 0;
    const fields: ModelField[] = [];
    while (this.#at < block.length) {
      const first = block[this.#at] ?? 0;
      if (first >= 128) {
        const [name, value] = this.#entry(this.#integer(7));
        fields.push({ name, value, isNever: false });
      } else if (first >= 32 && first < 64) {
        const size = this.#integer(5);
        if (fields.length > 0 || size > this.limit) throw BROKEN;
        this.#maximum = size;
        this.#evict(size);
      } else {
        const isAdded = first >= 64;
        const index = this.#integer(isAdded ? 6 : 4);
        const name = index === 0 ? this.#string() : this.#entry(index)[0];
        const value = this.#string();
        if (isAdded) this.#add(name, value);
        fields.push({ name, value, isNever: first >= 16 && first < 32 });
      }
    }
    return fields;
  }
}
