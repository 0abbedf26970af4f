/**
 * The loops over bytes, sixteen at a time. Each answers the address of the first byte that is not of its kind, or some
 * address at or after `end` (they read up to 16 bytes beyond it), so callers compare with `>= end`.
 *
 * Sets of characters are tested with two table look-ups (simdjson's technique): for a low nibble, which high nibbles
 * are in the set, as bits; and for a high nibble its bit. A byte is in the set when the two share a bit.
 */

// @ts-ignore: decorator

function highBit(): v128 {
  return i8x16(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0);
}

/** RFC 9110 tchar: letters, digits and !#$%&'*+-.^_`|~ */
// @ts-ignore: decorator

function tokenSet(): v128 {
  return i8x16(-24, -4, -8, -4, -4, -4, -4, -4, -8, -8, -12, 84, -48, 84, -12, 112);
}

/** RFC 3986 reg-name with the percent sign: letters, digits and -._~!$&'()*+,;=% */
// @ts-ignore: decorator

function hostSet(): v128 {
  return i8x16(-88, -4, -8, -8, -4, -4, -4, -4, -4, -4, -12, 92, 84, 92, -44, 112);
}

/** One bit per byte of `block` that is not in `set`. */
// @ts-ignore: decorator

function outside(block: v128, set: v128): i32 {
  const low = i8x16.swizzle(set, v128.and(block, i8x16.splat(15)));
  const high = i8x16.swizzle(highBit(), i8x16.shr_u(block, 4));
  return i8x16.bitmask(i8x16.eq(v128.and(low, high), i8x16.splat(0)));
}

/** One bit per byte of `block` that cannot stand in a token. */
// @ts-ignore: decorator

export function outsideToken(block: v128): i32 {
  return outside(block, tokenSet());
}

/** The first byte that is not a tchar. */
// @ts-ignore: decorator

export function skipToken(at: usize, end: usize): usize {
  let p = at;
  while (p < end) {
    const mask = outside(v128.load(p), tokenSet());
    if (mask) return p + ctz(mask);
    p += 16;
  }
  return p;
}

/** The first byte that is neither part of a registered name nor a percent sign. */
export function skipHost(at: usize, end: usize): usize {
  let p = at;
  while (p < end) {
    const mask = outside(v128.load(p), hostSet());
    if (mask) return p + ctz(mask);
    p += 16;
  }
  return p;
}

/** The first control character other than HTAB (so CR and LF too). */
// @ts-ignore: decorator

export function skipText(at: usize, end: usize): usize {
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

/** The first byte that cannot stand in a request-target: space, control, "#", DEL, or not ASCII. */
// @ts-ignore: decorator

export function skipTarget(at: usize, end: usize): usize {
  let p = at;
  while (p < end) {
    const block = v128.load(p);
    const bad = v128.or(
      i8x16.lt_s(block, i8x16.splat(33)),
      v128.or(i8x16.eq(block, i8x16.splat(127)), i8x16.eq(block, i8x16.splat(35))),
    );
    const mask = i8x16.bitmask(bad);
    if (mask) return p + ctz(mask);
    p += 16;
  }
  return p;
}

/** The first `byte`. */
// @ts-ignore: decorator

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
  for (let i: usize = 0; i < <usize> length; i++) {
    if (lower(load<u8>(a + i)) != lower(load<u8>(b + i))) return false;
  }
  return true;
}

/** An ASCII letter in lower case; other bytes unchanged. */
// @ts-ignore: decorator

export function lower(byte: u32): u32 {
  return byte - 65 < 26 ? byte | 32 : byte;
}

// @ts-ignore: decorator

export function isBlank(byte: u32): bool {
  return byte == 32 || byte == 9;
}

// @ts-ignore: decorator

export function isDigit(byte: u32): bool {
  return byte - 48 < 10;
}
