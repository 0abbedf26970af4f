/** The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B). */
import {
  HUFFMAN_CODES,
  HUFFMAN_FIRST_BITS,
  HUFFMAN_LENGTHS,
  HUFFMAN_LIMITS,
  HUFFMAN_PAIRS,
  HUFFMAN_PLACES,
  HUFFMAN_STEPS,
  HUFFMAN_SYMBOLS,
} from "../gen/hpack_tables";

const END_OF_STRING: i32 = 256;
const LONGEST: i32 = 30;
/** Bytes that one round of the decoder may write. */
const ROUND: usize = 8;

/** The symbol that the left end of `window` begins with, and its length in bits times 512. `window` has 32 bits. */
function longWord(window: u64): i32 {
  let length = HUFFMAN_FIRST_BITS + 1;
  while (length < LONGEST && window >= load<u64>(HUFFMAN_LIMITS + (<usize> length << 3))) length++;
  const code = <i32> (window >> (32 - length));
  const place = code + load<i32>(HUFFMAN_PLACES + (<usize> length << 2));
  return length << 9 | <i32> load<u16>(HUFFMAN_SYMBOLS + (<usize> place << 1));
}

/** The place in the tables for the left end of `window`. */
@inline
function placeOf(window: u64): usize {
  return <usize> (window >> (64 - HUFFMAN_FIRST_BITS));
}

/** How far the symbols at `place` go: see `pairs` in tools/build/hpack_tables.ts. */
@inline
function stepAt(place: usize): u32 {
  return load<u8>(place, HUFFMAN_STEPS);
}

/** Writes the symbols at `place`, of which `step` says how many count. @returns where the next one goes */
@inline
function putPair(target: usize, place: usize, step: u32): usize {
  store<u16>(target, load<u16>(place << 1, HUFFMAN_PAIRS));
  return target + (step >> 6);
}

/** Eight bytes as a number, the first one in front. */
@inline
function bigEndian(at: usize): u64 {
  const reversed = i8x16(7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0);
  return i64x2.extract_lane(i8x16.swizzle(v128.load64_zero(at), reversed), 0);
}

/** The bits from `bit` on, aligned to the left, at least 57 of them; ones beyond the string of `total` bits. */
@inline
function bitsAt(at: usize, bit: u32, total: u32): u64 {
  if (bit >= total) return <u64> -1;
  const bits = bigEndian(at + (bit >> 3)) << (bit & 7);
  const left = total - bit;
  return left < 64 ? bits | <u64> -1 >> left : bits;
}

/**
 * Decodes `length` bytes at `at` into `out`. Reads up to 16 bytes more.
 *
 * A round takes four look-ups of up to two symbols each, without a branch: beyond the string it sees ones, which begin no
 * word of a look-up, so what went too far shows afterwards. The bits for the next round are read before it is known how
 * many of them will be needed: what costs time here is not the work, but that one step waits for the one before.
 *
 * @returns bytes written; -1 when the code is broken (end of string within, padding longer than 7 bits or not all
 *   ones); -2 when `outEnd` might not suffice: it must leave 8 bytes beyond the text
 */
export function decodeHuffman(at: usize, length: i32, out: usize, outEnd: usize): i32 {
  const total = <u32> length << 3;
  let bit: u32 = 0;
  let target = out;
  let window = bitsAt(at, 0, total);
  while (bit < total) {
    if (target + ROUND > outEnd) return -2;
    const next = bitsAt(at, bit + 64, total) >> 1;
    let place = placeOf(window);
    let step = stepAt(place);
    let sum = step;
    window <<= <u64> step;
    target = putPair(target, place, step);
    place = placeOf(window);
    step = stepAt(place);
    sum += step;
    window <<= <u64> step;
    target = putPair(target, place, step);
    place = placeOf(window);
    step = stepAt(place);
    sum += step;
    window <<= <u64> step;
    target = putPair(target, place, step);
    place = placeOf(window);
    step = stepAt(place);
    sum += step;
    window <<= <u64> step;
    target = putPair(target, place, step);
    window |= next >> <u64> ~sum;
    bit += sum & 63;
    if (step) continue;
    if (bit > total) return -1;
    // Either a longer word begins, or all that is left is the beginning of the end of string: fewer than 8 ones.
    if (total - bit < 8) return window == <u64> -1 ? <i32> (target - out) : -1;
    const word = longWord(window >> 32);
    const symbol = word & 511;
    const size = <u32> word >> 9;
    bit += size;
    if (bit > total || symbol == END_OF_STRING) return -1;
    store<u8>(target++, <u8> symbol);
    window = window << size | bitsAt(at, bit + 64 - size, total) >> (64 - size);
  }
  return bit > total ? -1 : <i32> (target - out);
}

/** Bytes of the Huffman code of a string. */
export function huffmanLength(at: usize, length: i32): i32 {
  let bits: i32 = 0;
  for (let i: i32 = 0; i < length; i++) bits += load<u8>(HUFFMAN_LENGTHS + <usize> load<u8>(at + i));
  return (bits + 7) >> 3;
}

/**
 * Encodes a string at `out`, padded with ones. Gives up once it comes to `most` bytes, and may have written 8 bytes
 * beyond.
 * @returns bytes written; `most` or more when it gave up
 */
export function encodeHuffman(at: usize, length: i32, out: usize, most: i32): i32 {
  const limit = out + most;
  let target = out;
  let bits: u64 = 0; // aligned to the right
  let count: i32 = 0;
  for (let p = at, end = at + length; p < end; p++) {
    const symbol = <usize> load<u8>(p);
    const size = <i32> load<u8>(symbol, HUFFMAN_LENGTHS);
    bits = bits << size | load<u32>(symbol << 2, HUFFMAN_CODES);
    count += size;
    if (count >= 32) {
      if (target >= limit) return most;
      count -= 32;
      store<u32>(target, bswap<u32>(<u32> (bits >> count)));
      target += 4;
    }
  }
  // The last bytes at once: what comes too many is not counted.
  const rest = bits << (64 - count) | <u64> -1 >> count;
  store<u64>(target, bswap<u64>(count ? rest : 0));
  return <i32> (target - out) + ((count + 7) >> 3);
}
