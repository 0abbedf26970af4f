/** The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B). */
import {
  HUFFMAN_CODES,
  HUFFMAN_FIRST_BITS,
  HUFFMAN_LENGTHS,
  HUFFMAN_LIMITS,
  HUFFMAN_LOOK_UPS,
  HUFFMAN_PLACES,
  HUFFMAN_SYMBOLS,
} from "../gen/hpack_tables";

const END_OF_STRING: i32 = 256;
const LONGEST: i32 = 30;
/** Bits that a window holds. */
const WINDOW: u32 = 62;
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

/**
 * The table's entry for the bits that `window` begins with: see `lookUps` in tools/build/huffman.ts. It is one number, not
 * four, since the engine checks each access to memory. Its lowest bits are how far to shift: a shift uses no others.
 */
@inline
function entryOf(window: u64): u64 {
  return load<u32>(<usize> (<u32> window & ((1 << HUFFMAN_FIRST_BITS) - 1) << 2), HUFFMAN_LOOK_UPS);
}

/** Writes the symbols of an entry. @returns where the next one goes */
@inline
function putPair(target: usize, entry: u64): usize {
  store<u16>(target, <u16> (<u32> entry >> 8));
  return target + <usize> (<u32> entry >> 24);
}

/** The bits that entries have together, 63 at most. */
@inline
function stepOf(entries: u64): u32 {
  return <u32> entries & 63;
}

/** What mirrors and inverts the low four bits of a byte, what does so with the high ones, and what selects four bits. */
const MIRRORS: usize = memory.data<u8>([
  0xf0, 0x70, 0xb0, 0x30, 0xd0, 0x50, 0x90, 0x10, 0xe0, 0x60, 0xa0, 0x20, 0xc0, 0x40, 0x80, 0x00,
  15, 7, 11, 3, 13, 5, 9, 1, 14, 6, 10, 2, 12, 4, 8, 0,
  15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
], 16);

/** The 64 bits at `at` inverted, the first one in the lowest place. What selects is below 16: any swizzle will do. */
@inline
function mirroredAt(at: usize): u64 {
  const nibble = v128.load(MIRRORS, 32);
  const bytes = v128.load64_zero(at);
  const low = i8x16.relaxed_swizzle(v128.load(MIRRORS), v128.and(bytes, nibble));
  const high = i8x16.relaxed_swizzle(v128.load(MIRRORS, 16), v128.and(i64x2.shr_u(bytes, 4), nibble));
  return <u64> i64x2.extract_lane(v128.or(low, high), 0);
}

/** The mirrored bits from `bit` on, at least 57 of them. */
@inline
function bitsAt(at: usize, bit: u32): u64 {
  return mirroredAt(at + (bit >> 3)) >> (bit & 7);
}

/** The first 32 bits of `window` as they were sent, the first one in the highest place. */
function asSent(window: u64): u32 {
  let bits = bswap<u32>(~<u32> window);
  bits = (bits & 0x0f0f0f0f) << 4 | bits >> 4 & 0x0f0f0f0f;
  bits = (bits & 0x33333333) << 2 | bits >> 2 & 0x33333333;
  return (bits & 0x55555555) << 1 | bits >> 1 & 0x55555555;
}

/** After `decodeHuffman`: whether a word longer than a look-up was among them. Without it, all is visible ASCII or space. */
export let hadLongWord: bool = false;

/** The room that a string of `length` bytes needs: the decoder may write beyond the end of the text. */
@inline
export function roomFor(length: i32): usize {
  return <usize> ((<u32> length << 3) / 5) + ROUND;
}

/**
 * Decodes `length` bytes at `at` into `out`, which has `roomFor` them. Reads up to 16 bytes beyond and 7 before.
 *
 * Bits are mirrored, so that an entry is found by masking alone, and inverted, so that the zeroes which a shift brings in
 * are the padding: it begins no word, and its entry says to go no further. The lowest two places of a window lie idle,
 * so that what is masked is the offset of an entry of four bytes.
 *
 * A round takes four look-ups of up to two symbols each, without a branch. The bits for the next round are read before
 * it is known how many of them will be needed, and put in while the fourth entry is read: one look-up waits for the one
 * before. The last `WINDOW` bits are read at once, from the end.
 *
 * @returns bytes written; -1 when the code is broken (end of string within, padding longer than 7 bits or not all ones)
 */
export function decodeHuffman(at: usize, length: i32, out: usize): i32 {
  hadLongWord = false;
  if (length == 0) return 0;
  const total = <u32> length << 3;
  let bit: u32 = 0;
  let target = out;
  const last = mirroredAt(at + <usize> length - 8);
  if (total > WINDOW) {
    /** The window holds `WINDOW` bits from `base` on, of which `step` were used since. */
    let base: u32 = 0;
    let entry: u64 = 0;
    let window = mirroredAt(at) << 2;
    do {
      const next = bitsAt(at + 7, base + 6) << 1;
      let sum = entry;
      entry = entryOf(window);
      sum += entry;
      window >>= entry;
      target = putPair(target, entry);
      entry = entryOf(window);
      sum += entry;
      window >>= entry;
      target = putPair(target, entry);
      entry = entryOf(window);
      sum += entry;
      window >>= entry;
      target = putPair(target, entry);
      entry = entryOf(window);
      window = (window | next << ~sum) >> entry;
      target = putPair(target, entry);
      base += stepOf(sum);
      bit = base + stepOf(entry);
      if (entry) continue;
      // A longer word begins, or the end of string does.
      hadLongWord = true;
      const word = longWord(asSent(window >> 2));
      if ((word & 511) == END_OF_STRING) return -1;
      store<u8>(target++, <u8> word);
      bit += <u32> word >> 9;
      base = bit;
      window = (bitsAt(at, bit) | bitsAt(at, bit + 32) << 32) << 2;
    } while (bit + WINDOW < total);
  }
  /** Less than nothing, as an enormous number, once a word went beyond the end: what is found then does not count. */
  let left = total - bit;
  let window = last >> <u64> (WINDOW - left);
  while (true) {
    let entry = entryOf(window);
    let sum = entry;
    window >>= entry;
    target = putPair(target, entry);
    entry = entryOf(window);
    sum += entry;
    window >>= entry;
    target = putPair(target, entry);
    left -= stepOf(sum);
    if (window < 4) return left < 8 ? <i32> (target - out) : -1;
    if (entry) continue;
    hadLongWord = true;
    const word = longWord(asSent(window >> 2));
    if ((word & 511) == END_OF_STRING) return -1;
    store<u8>(target++, <u8> word);
    left -= <u32> word >> 9;
    window >>= word >> 9;
  }
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
