/** Field blocks as RFC 7541 speaks of them: each function writes one representation, right or wrong. */
import { Buffer } from "node:buffer";
import hpack from "hpack.js";

/** Bytes, one per character. */
export type Bytes = string;

const byte = (value: number): Bytes => String.fromCharCode(value & 255);

/** An integer under the bits of `first` (section 5.1), with as many needless zeroes after it as asked for. */
export function integer(first: number, bits: number, value: number, zeroes = 0): Bytes {
  const mask = 2 ** bits - 1;
  if (value < mask && zeroes === 0) return byte(first | value);
  let text = byte(first | mask), rest = value - mask;
  while (rest >= 128 || zeroes > 0) {
    if (rest < 128) zeroes--;
    text += byte(rest % 128 | 128);
    rest = Math.floor(rest / 128);
  }
  return text + byte(rest);
}

/** A string as it is (section 5.2). */
export const plain = (text: string, length = text.length): Bytes => integer(0, 7, length) + text;

/** A string of Huffman code that is given, not made. */
export const coded = (code: Bytes): Bytes => integer(128, 7, code.length) + code;

/** A string in Huffman code, by another implementation. */
export function huffman(text: string): Bytes {
  const encoder = hpack.compressor.create({ table: { maxSize: 4096 } });
  encoder.write([{ name: text, value: "", huffman: true, incremental: false }]);
  const block: Buffer[] = [];
  for (let chunk = encoder.read(); chunk !== null; chunk = encoder.read()) block.push(Buffer.from(chunk));
  // A literal with a new name: one byte, the string, and the empty value after it.
  const bytes = Buffer.concat(block).toString("latin1");
  return bytes.slice(1, -1);
}

export const indexed = (index: number): Bytes => integer(128, 7, index);

type Name = number | Bytes;
const literal = (first: number, bits: number) => (name: Name, value: Bytes): Bytes =>
  typeof name === "number" ? integer(first, bits, name) + value : byte(first) + name + value;

/** Literals (section 6.2): with an entry in the table, without, and never to have one. A name is an index or a string. */
export const added = literal(64, 6);
export const unindexed = literal(0, 4);
export const never = literal(16, 4);

/** A table size update (section 6.3). */
export const resize = (size: number): Bytes => integer(32, 5, size);

export const toBytes = (text: Bytes): Uint8Array =>
  Uint8Array.from(text, (character) => character.charCodeAt(0));
