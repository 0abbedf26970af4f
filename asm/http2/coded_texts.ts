/**
 * Names and values that are known as they come, in the Huffman code (RFC 7541 section 5.2): a text has only one code, so
 * they need not be decoded. The tables and their hash come from tools/build/coded_texts.ts.
 */
import {
  CODED_CODES,
  CODED_FACTOR,
  CODED_NO_NAME,
  CODED_SHIFT,
  CODED_SLOTS,
  CODED_TEXT,
  CODED_TEXTS,
} from "../gen/hpack_tables";

/** Bytes that a known text has at most when coded. */
export const LONGEST_CODED: i32 = 16;

/** What leaves of four bytes the last ones, by the length of a code: all once it has four. */
const LAST_BYTES: usize = memory.data<u32>([
  0, 0xff000000, 0xffff0000, 0xffffff00, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
], 16);

/**
 * The text coded in `length` bytes at `p`, up to `LONGEST_CODED`, as one number; 0 when it is none of the known ones.
 * Reads 16 bytes, and 4 before the end.
 */
@inline
export function findCoded(p: usize, length: i32): u32 {
  const key = load<u32>(p + <usize> length - 4) & load<u32>(<usize> length << 2, LAST_BYTES);
  const slot = <usize> ((key + (<u32> length << 16)) * CODED_FACTOR >> CODED_SHIFT);
  const found = <i32> load<u16>(slot << 1, CODED_SLOTS);
  if (found >> 8 != length) return 0;
  const place = <usize> (found & 255);
  const same = i8x16.bitmask(i8x16.eq(v128.load(p), v128.load(place << 4, CODED_CODES)));
  return ctz(~same) >= length ? load<u32>(place << 2, CODED_TEXTS) : 0;
}

/** Whether the text may be the name of a field. Any may be a value. */
@inline
export function isCodedName(coded: u32): bool {
  return coded != 0 && codedId(coded) != CODED_NO_NAME;
}

/** The id of the name, 0 when it has none. */
@inline
export function codedId(coded: u32): i32 {
  return <i32> (coded >> 24);
}

@inline
export function codedText(coded: u32): usize {
  return CODED_TEXT + <usize> (coded & 0xffff);
}

@inline
export function codedTextLength(coded: u32): i32 {
  return <i32> (coded >> 16 & 255);
}
