/** Integers and strings of HPACK as they are written (RFC 7541 section 5). */
import { copyBytes } from "./bytes";
import { encodeHuffman, huffmanLength } from "./huffman";

/** Writes an integer with a prefix of `bits` under the bits of `first`. @returns the byte after it */
@inline
export function writeInteger(out: usize, first: u32, bits: i32, number: i32): usize {
  const mask = (1 << bits) - 1;
  if (number < mask) {
    store<u8>(out, <u8> (first | number));
    return out + 1;
  }
  return writeRest(out, first | mask, number - mask);
}

function writeRest(out: usize, first: u32, number: i32): usize {
  store<u8>(out, <u8> first);
  let p = out + 1;
  let rest = number;
  while (rest >= 128) {
    store<u8>(p++, <u8> (rest | 128));
    rest >>= 7;
  }
  store<u8>(p++, <u8> rest);
  return p;
}

/** Writes a string, Huffman coded where that is shorter. @returns the byte after it */
export function writeString(out: usize, at: usize, length: i32, usesHuffman: bool): usize {
  if (usesHuffman && length < 128) {
    // Its length will be one byte.
    const coded = encodeHuffman(at, length, out + 1, length);
    if (coded < length) {
      store<u8>(out, <u8> (128 | coded));
      return out + 1 + coded;
    }
  } else if (usesHuffman) {
    const coded = huffmanLength(at, length);
    if (coded < length) {
      const p = writeInteger(out, 128, 7, coded);
      return p + encodeHuffman(at, length, p, length);
    }
  }
  const p = writeInteger(out, 0, 7, length);
  copyBytes(p, at, length);
  return p + length;
}
