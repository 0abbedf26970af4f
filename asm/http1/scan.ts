/**
 * The loops over bytes, sixteen at a time. Each answers the address of the first byte that is not of its kind, or some
 * address at or after `end` (they read up to 16 bytes beyond it), so callers compare with `>= end`.
 *
 * Sets of characters are tested with two table look-ups (simdjson's technique): for a low nibble, which high nibbles
 * are in the set, as bits; and for a high nibble its bit. A byte is in the set when the two share a bit.
 */

@inline
function highBit(): v128 {
  return i8x16(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0);
}

/** RFC 9110 tchar: letters, digits and !#$%&'*+-.^_`|~ */
@inline
function tokenSet(): v128 {
  return i8x16(-24, -4, -8, -4, -4, -4, -4, -4, -8, -8, -12, 84, -48, 84, -12, 112);
}

/** RFC 3986 reg-name without the percent sign: letters, digits and -._~!$&'()*+,;= */
@inline
function hostSet(): v128 {
  return i8x16(-88, -4, -8, -8, -4, -8, -4, -4, -4, -4, -12, 92, 84, 92, -44, 112);
}

/** One bit per byte of `block` that is not in `set`. What selects is below 16: any swizzle will do. */
@inline
function outside(block: v128, set: v128): i32 {
  const low = i8x16.relaxed_swizzle(set, v128.and(block, i8x16.splat(15)));
  const high = i8x16.relaxed_swizzle(highBit(), i8x16.shr_u(block, 4));
  return i8x16.bitmask(i8x16.eq(v128.and(low, high), i8x16.splat(0)));
}

/** One bit per byte of `block` that cannot stand in a token. */
@inline
export function outsideToken(block: v128): i32 {
  return outside(block, tokenSet());
}

/** The first byte that is not a tchar. */
@inline
export function skipToken(at: usize, end: usize): usize {
  let p = at;
  while (p < end) {
    const mask = outside(v128.load(p), tokenSet());
    if (mask) return p + ctz(mask);
    p += 16;
  }
  return p;
}

/** The first byte that cannot stand for itself in a registered name. */
@inline
export function skipHost(at: usize, end: usize): usize {
  let p = at;
  while (p < end) {
    const mask = outside(v128.load(p), hostSet());
    if (mask) return p + ctz(mask);
    p += 16;
  }
  return p;
}

/** `skipText` from where something unusual stands: HTAB and bytes from 0x80 on are text, after all. */
function skipUnusualText(at: usize, end: usize): usize {
  let p = at;
  while (p < end) {
    const block = v128.load(p);
    const control = v128.andnot(i8x16.lt_u(block, i8x16.splat(32)), i8x16.eq(block, i8x16.splat(9)));
    const mask = i8x16.bitmask(v128.or(control, i8x16.eq(block, i8x16.splat(127))));
    if (mask) return p + ctz(mask);
    p += 16;
  }
  return p;
}

/** The first control character other than HTAB (so CR and LF too). */
@inline
export function skipText(at: usize, end: usize): usize {
  let p = at;
  while (p < end) {
    // One more, as signed: controls become 1 to 32, DEL and all beyond negative or 0, plain text 33 to 127.
    const mask = i8x16.bitmask(i8x16.lt_s(i8x16.add(v128.load(p), i8x16.splat(1)), i8x16.splat(33)));
    if (mask) {
      p += ctz(mask);
      return load<u8>(p) == 13 ? p : skipUnusualText(p, end);
    }
    p += 16;
  }
  return p;
}

/** Constants in memory: the engine would otherwise make them anew for every use. */
const ONE: usize = memory.data<u8>([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], 16);
export const COLONS: usize = memory.data<u8>([58, 58, 58, 58, 58, 58, 58, 58, 58, 58, 58, 58, 58, 58, 58, 58], 16);
export const CASE_BITS: usize = memory.data<u8>([32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32], 16);
const LIMIT: usize = memory.data<u8>([33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33], 16);

/** A bit per byte of the 64 at `p` that is a control character (HTAB and DEL too) or not ASCII. */
@inline
export function unusualBits(p: usize): u64 {
  const one = v128.load(ONE);
  const limit = v128.load(LIMIT);
  const a = <u64> <u32> i8x16.bitmask(i8x16.lt_s(i8x16.add(v128.load(p), one), limit));
  const b = <u64> <u32> i8x16.bitmask(i8x16.lt_s(i8x16.add(v128.load(p, 16), one), limit));
  const c = <u64> <u32> i8x16.bitmask(i8x16.lt_s(i8x16.add(v128.load(p, 32), one), limit));
  const d = <u64> <u32> i8x16.bitmask(i8x16.lt_s(i8x16.add(v128.load(p, 48), one), limit));
  return a | b << 16 | c << 32 | d << 48;
}

/** After `skipTarget`: the first "?" of the target, or an address at or after its end. */
export let queryStart: usize = 0;

/** The first byte that cannot stand in a request-target: space, control, "#", DEL, or not ASCII. */
@inline
export function skipTarget(at: usize, end: usize): usize {
  const one = v128.load(ONE);
  let p = at;
  let query: usize = 0;
  let mask: i32 = 0;
  while (p < end) {
    const block = v128.load(p);
    const questions = i8x16.bitmask(i8x16.eq(block, i8x16.splat(63)));
    if (query == 0 && questions) query = p + ctz(questions);
    const outside = i8x16.lt_s(i8x16.add(block, one), i8x16.splat(34));
    mask = i8x16.bitmask(v128.or(outside, i8x16.eq(block, i8x16.splat(35))));
    if (mask) {
      p += ctz(mask);
      break;
    }
    p += 16;
  }
  queryStart = query ? query : p;
  return p;
}

/** The first `byte`. */
@inline
export function find(byte: u8, at: usize, end: usize): usize {
  let p = at;
  while (p < end) {
    const mask = i8x16.bitmask(i8x16.eq(v128.load(p), i8x16.splat(byte)));
    if (mask) return p + ctz(mask);
    p += 16;
  }
  return p;
}

/** Whether `length` bytes at `a` and `b` are the same but for the case of ASCII letters. */
export function equalsIgnoringCase(a: usize, b: usize, length: i32): bool {
  for (let i: i32 = 0; i < length; i += 16) {
    let unequal = ~i8x16.bitmask(i8x16.eq(lowerBlock(v128.load(a + i)), lowerBlock(v128.load(b + i))));
    const rest = length - i;
    if (rest < 16) unequal &= (1 << rest) - 1;
    if (unequal & 0xffff) return false;
  }
  return true;
}

/** ASCII letters in lower case, other bytes unchanged. */
@inline
export function lowerBlock(block: v128): v128 {
  // "A" to "Z" become -128 to -103, the only bytes below -102.
  const isUpper = i8x16.lt_s(i8x16.add(block, i8x16.splat(63)), i8x16.splat(-102));
  return v128.or(block, v128.and(isUpper, i8x16.splat(32)));
}

/** An ASCII letter in lower case; other bytes unchanged. */
@inline
export function lower(byte: u32): u32 {
  return byte - 65 < 26 ? byte | 32 : byte;
}

@inline
export function isBlank(byte: u32): bool {
  return byte == 32 || byte == 9;
}

@inline
export function isDigit(byte: u32): bool {
  return byte - 48 < 10;
}
