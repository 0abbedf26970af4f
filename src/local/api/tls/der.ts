/** The few ASN.1 DER forms a certificate is made of. Source: ITU-T X.690. */

function length(size: number): number[] {
  if (size < 0x80) return [size];
  const bytes: number[] = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

export function tagged(tag: number, ...parts: (Uint8Array | readonly number[])[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const header = [tag, ...length(size)];
  const result = new Uint8Array(header.length + size);
  result.set(header);
  let at = header.length;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

export const sequence = (...parts: Uint8Array[]) => tagged(0x30, ...parts);
export const set = (...parts: Uint8Array[]) => tagged(0x31, ...parts);
export const octets = (content: Uint8Array) => tagged(0x04, content);
export const bits = (content: Uint8Array, unused = 0) => tagged(0x03, [unused], content);
export const boolean = (value: boolean) => tagged(0x01, [value ? 0xff : 0]);
export const utf8 = (text: string) => tagged(0x0c, new TextEncoder().encode(text));
/** Constructed, context-specific. */
export const explicit = (number: number, content: Uint8Array) => tagged(0xa0 | number, content);

/** An unsigned number, most significant byte first. */
export function integer(bytes: Uint8Array): Uint8Array {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from++;
  const trimmed = bytes.subarray(from);
  return trimmed[0]! & 0x80 ? tagged(0x02, [0], trimmed) : tagged(0x02, trimmed);
}

export function objectIdentifier(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = Math.floor(part / 128); left > 0; left = Math.floor(left / 128)) {
      groups.unshift((left & 0x7f) | 0x80);
    }
    bytes.push(...groups);
  }
  return tagged(0x06, bytes);
}

/** UTCTime up to 2049, GeneralizedTime from 2050 on. */
export function time(date: Date): Uint8Array {
  const digits = `${date.toISOString().slice(0, 19).replaceAll(/[-T:]/g, "")}Z`;
  const isShort = date.getUTCFullYear() < 2050;
  return tagged(isShort ? 0x17 : 0x18, new TextEncoder().encode(isShort ? digits.slice(2) : digits));
}

/** An ECDSA signature as WebCrypto makes it (r and s side by side) in the form of X.509. */
export function ecdsaSignature(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  return sequence(integer(raw.subarray(0, half)), integer(raw.subarray(half)));
}
