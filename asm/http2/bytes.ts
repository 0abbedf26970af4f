/** Copying, comparing and hashing short strings. */

/**
 * Copies `length` bytes between places that do not overlap; writes nothing beyond them. The last bytes are copied
 * together with some that were copied before, which saves finding out how many they are.
 */
export function copyBytes(to: usize, from: usize, length: i32): void {
  const size = <usize> length;
  if (length >= 16) {
    const last = size - 16;
    for (let i: usize = 0; i < last; i += 16) v128.store(to + i, v128.load(from + i));
    v128.store(to + last, v128.load(from + last));
  } else if (length >= 8) {
    const last = load<u64>(from + size - 8);
    store<u64>(to, load<u64>(from));
    store<u64>(to + size - 8, last);
  } else if (length >= 4) {
    const last = load<u32>(from + size - 4);
    store<u32>(to, load<u32>(from));
    store<u32>(to + size - 4, last);
  } else if (length > 0) {
    const last = load<u8>(from + size - 1);
    if (length > 1) store<u16>(to, load<u16>(from));
    store<u8>(to + size - 1, last);
  }
}

/** Copies `length` bytes to a place that has room for up to 15 more, which are overwritten. */
@inline
export function copyLoosely(to: usize, from: usize, length: i32): void {
  v128.store(to, v128.load(from));
  for (let i: usize = 16; i < <usize> length; i += 16) v128.store(to + i, v128.load(from + i));
}

/** Whether `length` bytes at `a` and `b` are the same. Reads up to 15 bytes more. */
export function equalBytes(a: usize, b: usize, length: i32): bool {
  for (let i: i32 = 0; i < length; i += 16) {
    let unequal = i8x16.bitmask(i8x16.ne(v128.load(a + i), v128.load(b + i)));
    if (length - i < 16) unequal &= (1 << (length - i)) - 1;
    if (unequal) return false;
  }
  return true;
}

/** A hash of `length` bytes, going on from `seed`. Reads up to 7 bytes more. */
export function hashBytes(seed: u64, at: usize, length: i32): u64 {
  let hash = seed ^ length;
  let p = at;
  let left = length;
  while (left > 0) {
    let word = load<u64>(p);
    if (left < 8) word &= (<u64> 1 << (<u64> left << 3)) - 1;
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
    p += 8;
    left -= 8;
  }
  return hash;
}
