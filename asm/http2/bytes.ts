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
@inline
export function equalBytes(a: usize, b: usize, length: i32): bool {
  if (length >= 16) {
    const last = <usize> length - 16;
    let differs = v128.xor(v128.load(a + last), v128.load(b + last));
    for (let i: usize = 0; i < last; i += 16) {
      differs = v128.or(differs, v128.xor(v128.load(a + i), v128.load(b + i)));
    }
    return !v128.any_true(differs);
  }
  return ((i8x16.bitmask(i8x16.eq(v128.load(a), v128.load(b))) ^ 0xffff) & ((1 << length) - 1)) == 0;
}
