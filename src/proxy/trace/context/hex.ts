/** Hexadecimal digits and bytes, as trace contexts have them. */

const DIGITS = "0123456789abcdef";
const ZERO = 48, NINE = 57, LOWER_A = 97, LOWER_F = 102, UPPER_A = 65, UPPER_F = 70, CASE = 32;

/** @returns the digit's value, -1 when it is none or a capital */
function valueOf(digit: number): number {
  if (digit >= ZERO && digit <= NINE) return digit - ZERO;
  return digit >= LOWER_A && digit <= LOWER_F ? digit - LOWER_A + 10 : -1;
}

/**
 * Reads `out.length` bytes from twice as many digits at `at`; capitals are none.
 * @returns false when one is no digit; `out` is of no meaning then
 */
export function readHex(bytes: Uint8Array, at: number, out: Uint8Array): boolean {
  for (let i = 0; i < out.length; i++) {
    const high = valueOf(bytes[at + 2 * i]!), low = valueOf(bytes[at + 2 * i + 1]!);
    if (high < 0 || low < 0) return false;
    out[i] = high << 4 | low;
  }
  return true;
}

/**
 * Reads a number of `length` digits at `at`, capitals or not, that may leave out zeros before it.
 * @returns false when one is no digit, there is none, or they are too many for `out`, which is of no meaning then
 */
export function readHexNumber(bytes: Uint8Array, at: number, length: number, out: Uint8Array): boolean {
  if (length < 1 || length > 2 * out.length) return false;
  out.fill(0);
  for (let i = 0; i < length; i++) {
    const digit = bytes[at + length - 1 - i]!;
    const value = valueOf(digit >= UPPER_A && digit <= UPPER_F ? digit | CASE : digit);
    if (value < 0) return false;
    out[out.length - 1 - (i >> 1)]! |= (i & 1) === 0 ? value : value << 4;
  }
  return true;
}

/** Writes `value` as digits to `at`. @returns where they end */
export function writeHex(bytes: Uint8Array, at: number, value: Uint8Array): number {
  for (const byte of value) {
    bytes[at++] = DIGITS.charCodeAt(byte >> 4);
    bytes[at++] = DIGITS.charCodeAt(byte & 15);
  }
  return at;
}

/** Whether all bytes are 0: no id. */
export function isZero(value: Uint8Array): boolean {
  for (const byte of value) if (byte !== 0) return false;
  return true;
}
