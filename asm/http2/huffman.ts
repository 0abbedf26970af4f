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
/** Bits that the four look-ups of a round take at most. */
const WINDOW: u32 = 48;
/** Bytes that a round may write. */
const ROUND: usize = 16;

/** The symbol that the left end of `window` begins with, and its length in bits times 512. `window` has 32 bits. */
function longWord(window: u64): i32 {
  let length = HUFFMAN_FIRST_BITS + 1;
  while (length < LONGEST && window >= load<u64>(HUFFMAN_LIMITS + (<usize> length << 3))) length++;
  const code = <i32> (window >> (32 - length));
  const place = code + load<i32>(HUFFMAN_PLACES + (<usize> length << 2));
  return length << 9 | <i32> load<u16>(HUFFMAN_SYMBOLS + (<usize> place << 1));
}

/** The place in the tables for the bits at the left end of `window`. */
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

/** The eight bytes at `at` as a number, the first one in front. */
@inline
function bigEndian(at: usize): u64 {
  const backwards = i8x16(7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0);
  return i64x2.extract_lane(i8x16.swizzle(v128.load64_zero(at), backwards), 0);
}

/** The bits from `bit` on, aligned to the left, at least 57 of them. */
@inline
function bitsAt(at: usize, bit: u32): u64 {
  return bigEndian(at + (bit >> 3)) << (bit & 7);
}

/** All 64 bits from `bit` on. */
function windowAt(at: usize, bit: u32): u64 {
  return bitsAt(at, bit) | bitsAt(at, bit + 32) >> 32;
}

/** After `decodeHuffman`: whether a word longer than a look-up was among them. Without it, all is visible ASCII or space. */
export let hadLongWord: bool = false;

/** The room that a string of `length` bytes needs: the decoder may write beyond the end of the text. */
@inline
export function roomFor(length: i32): usize {
  return <usize> ((<u32> length << 3) / 5) + ROUND;
}

/**
 * Decodes the last bits of a string, fewer than 64, which `head` begins with. Ones are put behind them, which begin no word
 * of a look-up. A function of its own, lest its variables crowd the other loop's.
 */
function decodeEnd(bits: u32, head: u64, out: usize, to: usize): i32 {
  let left = bits;
  let target = to;
  let window = head | <u64> -1 >> left;
  // All that is left may be the beginning of the end of string: fewer than 8 ones.
  while (left >= 8 || (left > 0 && ~window >> (64 - left) != 0)) {
    const place = placeOf(window);
    const step = stepAt(place);
    let used = step & 63;
    if (step) target = putPair(target, place, step);
    else {
      hadLongWord = true;
      const word = longWord(window >> 32);
      if ((word & 511) == END_OF_STRING) return -1;
      store<u8>(target++, <u8> word);
      used = <u32> word >> 9;
    }
    if (used > left) return -1;
    left -= used;
    window = window << used | (<u64> 1 << used) - 1;
  }
  return <i32> (target - out);
}

/**
 * Decodes `length` bytes at `at` into `out`, which has `roomFor` them. Reads up to 16 bytes more.
 *
 * A round takes four look-ups of up to two symbols each, without a branch. The bits for the next round are read before
 * it is known how many of them will be needed: what costs time here is not the work, but that one step waits for the
 * one before. (Two strings at once, which need not wait for each other, were tried: a quarter less for long ones, nothing
 * for a request as they come.)
 *
 * @returns bytes written; -1 when the code is broken (end of string within, padding longer than 7 bits or not all ones)
 */
export function decodeHuffman(at: usize, length: i32, out: usize): i32 {
  hadLongWord = false;
  const total = <u32> length << 3;
  let bit: u32 = 0;
  let target = out;
  let window = bigEndian(at);
  while (bit + WINDOW <= total) {
    const next = bitsAt(at + 8, bit) >> 1;
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
    // A longer word begins, or the end of string does.
    if (bit + WINDOW > total) break;
    hadLongWord = true;
    const word = longWord(window >> 32);
    if ((word & 511) == END_OF_STRING) return -1;
    store<u8>(target++, <u8> word);
    bit += <u32> word >> 9;
    window = windowAt(at, bit);
  }
  return bit == total ? <i32> (target - out) : decodeEnd(total - bit, window, out, target);
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
