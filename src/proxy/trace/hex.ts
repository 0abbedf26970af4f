/** Hexadecimal digits and bytes, as trace contexts have them. */

const DIGITS = "0123456789abcdef";
const ZERO = 48, NINE = 57, LOWER_A = 97, LOWER_F = 102, UPPER_A = 65, UPPER_F = 70, CASE = 32;

/** @returns the digit's value, -1 when it is none; capitals count only where `isLenient` */
function valueOf(digit: number, isLenient: boolean): number {
  if (digit >= ZERO && digit <= NINE) return digit - ZERO;
  const lower = isLenient && digit >= UPPER_A && digit <= UPPER_F ? digit | CASE : digit;
  return lower >= LOWER_A && lower <= LOWER_F ? lower - LOWER_A + 10 : -1;
}

/**
 * Reads `out.length` bytes from twice as many digits at `at`.
 * @param isLenient capitals are digits too
 * @returns false when one is no digit; `out` is of no meaning then
 */
export function readHex(bytes: Uint8Array, at: number, out: Uint8Array, isLenient = false): boolean {
  for (let i = 0; i < out.length; i++) {
    const high = valueOf(bytes[at + 2 * i]!, isLenient), low = valueOf(bytes[at + 2 * i + 1]!, isLenient);
    if (high < 0 || low < 0) return false;
    out[i] = high << 4 | low;
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
