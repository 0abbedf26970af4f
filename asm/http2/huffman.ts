/** The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B). */
import {
  HUFFMAN_CODES,
  HUFFMAN_FIRST_BITS,
  HUFFMAN_LENGTHS,
  HUFFMAN_LIMITS,
  HUFFMAN_PLACES,
  HUFFMAN_SHORT,
  HUFFMAN_SYMBOLS,
} from "../gen/hpack_tables";

const END_OF_STRING: i32 = 256;
const LONGEST: i32 = 30;

/** The symbol that the left end of `window` begins with, and its length in bits times 512. `window` has 32 bits. */
function longWord(window: u64): i32 {
  let length = HUFFMAN_FIRST_BITS + 1;
  while (length < LONGEST && window >= load<u64>(HUFFMAN_LIMITS + (<usize> length << 3))) length++;
  const code = <i32> (window >> (32 - length));
  const place = code + load<i32>(HUFFMAN_PLACES + (<usize> length << 2));
  return length << 9 | <i32> load<u16>(HUFFMAN_SYMBOLS + (<usize> place << 1));
}

/**
 * Decodes `length` bytes at `at` into `out`.
 * @returns bytes written; -1 when the code is broken (end of string within, padding longer than 7 bits or not all
 *   ones); -2 when `outEnd` is reached
 */
export function decodeHuffman(at: usize, length: i32, out: usize, outEnd: usize): i32 {
  const end = at + length;
  let p = at;
  let target = out;
  let bits: u64 = 0; // aligned to the left
  let count: i32 = 0;
  for (;;) {
    while (count <= 56 && p < end) {
      bits |= <u64> load<u8>(p++) << (56 - count);
      count += 8;
    }
    let word = <i32> load<u16>(HUFFMAN_SHORT + (<usize> (bits >> (64 - HUFFMAN_FIRST_BITS)) << 1));
    if (word == 0) word = longWord(bits >> 32);
    const used = word >> 9;
    if (used > count) break;
    const symbol = word & 511;
    if (symbol == END_OF_STRING) return -1;
    if (target >= outEnd) return -2;
    store<u8>(target++, <u8> symbol);
    bits <<= used;
    count -= used;
  }
  // What is left must be the beginning of the end of string: all ones, fewer than 8.
  if (count > 7) return -1;
  if (count > 0 && bits >> (64 - count) != (<u64> 1 << count) - 1) return -1;
  return <i32> (target - out);
}

/** Bytes of the Huffman code of a string. */
export function huffmanLength(at: usize, length: i32): i32 {
  let bits: i32 = 0;
  for (let i: i32 = 0; i < length; i++) bits += load<u8>(HUFFMAN_LENGTHS + <usize> load<u8>(at + i));
  return (bits + 7) >> 3;
}

/** Encodes a string at `out`, padded with ones. @returns bytes written */
export function encodeHuffman(at: usize, length: i32, out: usize): i32 {
  let target = out;
  let bits: u64 = 0; // aligned to the right
  let count: i32 = 0;
  for (let i: i32 = 0; i < length; i++) {
    const symbol = <usize> load<u8>(at + i);
    const size = <i32> load<u8>(HUFFMAN_LENGTHS + symbol);
    bits = bits << size | load<u32>(HUFFMAN_CODES + (symbol << 2));
    count += size;
    while (count >= 8) {
      count -= 8;
      store<u8>(target++, <u8> (bits >> count));
    }
  }
  if (count > 0) store<u8>(target++, <u8> (bits << (8 - count) | (255 >> count)));
  return <i32> (target - out);
}
