/** Header names to `HeaderName` ids. The table and its hash come from tools/build/header_names.ts. */
import { FIRST, IDS, LAST, LENGTH, LENGTHS, MIDDLE, SLOT_MASK, TEXTS } from "../gen/name_table";

/** The id of the `length` (at least 1) bytes at `p`, 0 when they are no well-known name. Reads 32 bytes. */
// @ts-ignore: decorator

export function wellKnown(p: usize, length: i32): i32 {
  const first = load<u8>(p) | 32;
  const middle = load<u8>(p + (length >> 1)) | 32;
  const last = load<u8>(p + length - 1) | 32;
  const slot = (<u32> first * FIRST + <u32> middle * MIDDLE + <u32> last * LAST + <u32> length * LENGTH) &
    SLOT_MASK;
  const id = <i32> load<u8>(IDS + slot);
  if (id == 0 || <i32> load<u8>(LENGTHS + id) != length) return 0;
  // Setting bit 5 lowers letters and leaves "-" and digits alone. Of token characters only "^" and "_" change
  // otherwise, and no well-known name has what they become.
  const text = TEXTS + (<usize> id << 5);
  const caseBit = i8x16.splat(32);
  let same = i8x16.bitmask(i8x16.eq(v128.or(v128.load(p), caseBit), v128.load(text)));
  if (length > 16) {
    same |= i8x16.bitmask(i8x16.eq(v128.or(v128.load(p, 16), caseBit), v128.load(text, 16))) << 16;
  }
  const wanted = <i32> ((<u64> 1 << length) - 1);
  return (same & wanted) == wanted ? id : 0;
}
