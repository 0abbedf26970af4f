/** Header names to `HeaderName` ids. The table and its hash come from tools/build/header_names.ts. */
import { FACTOR, IDS, SHIFT, TEXTS } from "../gen/name_table";
import { HeaderName } from "./names";
import { CASE_BITS } from "./scan";

/**
 * The id of a name, 0 when it is no well-known one.
 * @param block the first 16 bytes at `p`
 * @param p where a line begins: CR LF stands before it
 * @param length of the name, which is followed by its colon and has none within
 * A name that is recognised is made of token characters; of another one nothing is known.
 */
@inline
export function wellKnown(p: usize, block: v128, length: i32): i32 {
  const key = load<u32>(p + length - 4) | 0x20202020;
  const id = <i32> load<u8>(IDS + <usize> (((key + (length << 16)) * FACTOR) >> SHIFT));
  if (id == 0) return 0;
  // The colon is compared too: so lengths agree. Bit 5 lowers letters and leaves "-", ":" and digits alone.
  const text = TEXTS + (<usize> id << 5);
  const caseBit = v128.load(CASE_BITS);
  let same = i8x16.bitmask(i8x16.eq(v128.or(block, caseBit), v128.load(text)));
  if (length > 15) same |= i8x16.bitmask(i8x16.eq(v128.or(v128.load(p, 16), caseBit), v128.load(text, 16))) << 16;
  return ctz(~same) > length ? id : 0;
}

/** The same for a name that stands alone, of any length, and must be in lower case to be found. Reads 32 bytes. */
export function wellKnownLower(p: usize, length: i32): i32 {
  if (length < 4 || length > 31) {
    const word = load<u16>(p);
    if (length == 2) return word == 0x6574 ? HeaderName.Te : word == 0x3362 ? HeaderName.B3 : 0;
    return length == 3 && word == 0x6976 && load<u8>(p + 2) == 97 ? HeaderName.Via : 0;
  }
  const key = load<u32>(p + length - 4) | 0x20202020;
  const id = <i32> load<u8>(IDS + <usize> (((key + (length << 16)) * FACTOR) >> SHIFT));
  if (id == 0) return 0;
  const text = TEXTS + (<usize> id << 5);
  let same = i8x16.bitmask(i8x16.eq(v128.load(p), v128.load(text)));
  if (length > 15) same |= i8x16.bitmask(i8x16.eq(v128.load(p, 16), v128.load(text, 16))) << 16;
  const wanted = <i32> ((<u64> 1 << length) - 1);
  return (same & wanted) == wanted && load<u8>(text + length) == 58 ? id : 0;
}
