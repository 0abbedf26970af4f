/**
 * Names and values that are known as they come, in the Huffman code (RFC 7541 section 5.2): a text has only one code, so
 * they need not be decoded. The tables and their hash come from tools/build/coded_texts.ts.
 */
import {
  CODED_AT,
  CODED_CODES,
  CODED_FACTOR,
  CODED_IDS,
  CODED_LENGTHS,
  CODED_NAMES,
  CODED_SHIFT,
  CODED_SLOTS,
  CODED_TEXT,
  CODED_TEXT_LENGTHS,
} from "../gen/hpack_tables";

/** Bytes that a known text has at most when coded. */
export const LONGEST_CODED: i32 = 16;

/**
 * The place of the text coded in `length` bytes at `p`, up to `LONGEST_CODED`; 0 when it is none of the known ones.
 * Reads 16 bytes, and 4 before the end.
 */
@inline
export function codedPlace(p: usize, length: i32): usize {
  const before = max(4 - length, 0) << 3;
  const key = load<u32>(p + <usize> length - 4) >> before << before;
  const place = <usize> load<u8>(CODED_SLOTS + <usize> ((key + (<u32> length << 16)) * CODED_FACTOR >> CODED_SHIFT));
  const wanted = (1 << length) - 1;
  const same = i8x16.bitmask(i8x16.eq(v128.load(p), v128.load(CODED_CODES + (place << 4))));
  return (same & wanted) == wanted && <i32> load<u8>(CODED_LENGTHS + place) == length ? place : 0;
}

/** Whether the text at a place may be the name of a field. Any of them may be a value. */
@inline
export function isCodedName(place: usize): bool {
  return place - 1 < CODED_NAMES;
}

/** The id of the name at a place, 0 when it has none. */
@inline
export function codedId(place: usize): i32 {
  return <i32> load<u8>(CODED_IDS + place);
}

@inline
export function codedText(place: usize): usize {
  return CODED_TEXT + <usize> load<u16>(CODED_AT + (place << 1));
}

@inline
export function codedTextLength(place: usize): i32 {
  return <i32> load<u8>(CODED_TEXT_LENGTHS + place);
}
