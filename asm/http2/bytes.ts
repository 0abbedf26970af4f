/** Copying and comparing short strings. */

/** Copies `length` bytes between places that do not overlap; writes nothing beyond them. */
export function copyBytes(to: usize, from: usize, length: i32): void {
  let left = length;
  let source = from;
  let target = to;
  while (left >= 16) {
    v128.store(target, v128.load(source));
    source += 16;
    target += 16;
    left -= 16;
  }
  if (left & 8) {
    store<u64>(target, load<u64>(source));
    source += 8;
    target += 8;
  }
  if (left & 4) {
    store<u32>(target, load<u32>(source));
    source += 4;
    target += 4;
  }
  if (left & 2) {
    store<u16>(target, load<u16>(source));
    source += 2;
    target += 2;
  }
  if (left & 1) store<u8>(target, load<u8>(source));
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
