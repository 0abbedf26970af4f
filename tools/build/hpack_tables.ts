/**
 * HPACK's tables for asm/: the static table (RFC 7541 appendix A) with a hash to find names in it, and the Huffman code
 * (appendix B). The code is canonical, so the lengths of its words say all: within a length, words ascend with the symbol.
 */
import { headerNames } from "../../asm/http1/name_list.ts";
import { findFactor, slotOf } from "./header_names.ts";

const STATIC_TABLE: readonly (readonly [name: string, value?: string])[] = [
  [":authority"],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset"],
  ["accept-encoding", "gzip, deflate"],
  ["accept-language"],
  ["accept-ranges"],
  ["accept"],
  ["access-control-allow-origin"],
  ["age"],
  ["allow"],
  ["authorization"],
  ["cache-control"],
  ["content-disposition"],
  ["content-encoding"],
  ["content-language"],
  ["content-length"],
  ["content-location"],
  ["content-range"],
  ["content-type"],
  ["cookie"],
  ["date"],
  ["etag"],
  ["expect"],
  ["expires"],
  ["from"],
  ["host"],
  ["if-match"],
  ["if-modified-since"],
  ["if-none-match"],
  ["if-range"],
  ["if-unmodified-since"],
  ["last-modified"],
  ["link"],
  ["location"],
  ["max-forwards"],
  ["proxy-authenticate"],
  ["proxy-authorization"],
  ["range"],
  ["referer"],
  ["refresh"],
  ["retry-after"],
  ["server"],
  ["set-cookie"],
  ["strict-transport-security"],
  ["transfer-encoding"],
  ["user-agent"],
  ["vary"],
  ["via"],
  ["www-authenticate"],
];

/** Bits of the word of each symbol from 0 to 255, and of the end of string (256). */
// deno-fmt-ignore
const HUFFMAN_LENGTHS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28,
  28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13,
  6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6,
  6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23,
  23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23,
  22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22,
  25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22,
  21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

const PSEUDO = [":authority", ":method", ":path", ":scheme", ":status"];
const FIRST_PSEUDO_ID = 10;
/** One past the largest id that a field may have. */
const ID_COUNT = 96;
/** Bits that one look-up of the Huffman decoder takes at once: mostly two symbols. */
const FIRST_BITS = 12;
const SLOT_BITS = 9;

function idOf(name: string): number {
  const pseudo = PSEUDO.indexOf(name);
  return pseudo >= 0 ? FIRST_PSEUDO_ID + pseudo : Math.max(headerNames.indexOf(name), 0);
}

/** asm/http2/hpack_encoder.ts computes the same, from the first byte, two of the middle, the last and the length. */
function keyOf(name: string): number {
  const middle = name.length >> 1;
  const bytes = [0, middle, middle + 1, name.length - 1].map((index) => name.charCodeAt(index));
  return bytes.reduce((key, byte, index) => key + (byte << (8 * index)), name.length << 12) | 0;
}

function data(type: string, name: string, values: readonly number[]): string {
  return `export const ${name}: usize = memory.data<${type}>([${values.join(", ")}], 16);\n`;
}

function staticTable(): string {
  const text: number[] = [];
  const at: number[] = [0];
  const groups: number[] = [0];
  const put = (part: string) => text.push(...new TextEncoder().encode(part));
  for (const [name, value = ""] of STATIC_TABLE) {
    at.push(text.length);
    groups.push(STATIC_TABLE.filter((entry) => entry[0] === name).length);
    put(name);
    put(value);
  }
  const ids = STATIC_TABLE.map(([name]) => idOf(name));
  const names = [...new Set(STATIC_TABLE.map(([name]) => name))];
  const factor = findFactor(names.map(keyOf), SLOT_BITS);
  const slots = new Array<number>(2 ** SLOT_BITS).fill(0);
  for (const name of names) {
    slots[slotOf(keyOf(name), factor, SLOT_BITS)] = 1 + STATIC_TABLE.findIndex((entry) => entry[0] === name);
  }
  return `export const STATIC_COUNT: i32 = ${STATIC_TABLE.length};
export const STATIC_FACTOR: u32 = ${factor >>> 0};
export const STATIC_SHIFT: u32 = ${32 - SLOT_BITS};
` + data("u8", "STATIC_TEXT", [...text, ...new Array<number>(16).fill(0)]) +
    data("u16", "STATIC_AT", at) +
    data("u8", "STATIC_NAME_LENGTH", [0, ...STATIC_TABLE.map(([name]) => name.length)]) +
    data("u8", "STATIC_VALUE_LENGTH", [0, ...STATIC_TABLE.map(([, value = ""]) => value.length)]) +
    data("u8", "STATIC_ID", [0, ...ids]) +
    data("u8", "STATIC_BY_ID", Array.from({ length: ID_COUNT }, (_, id) => id && ids.indexOf(id) + 1)) +
    data("u8", "STATIC_GROUP", groups) +
    data("u8", "STATIC_SLOTS", slots);
}

/** The symbol that begins in the `bits` lowest bits of `window`, if its word ends within them. */
function shortSymbol(codes: readonly number[], window: number, bits: number): number | undefined {
  const symbol = HUFFMAN_LENGTHS.findIndex((length, at) =>
    length <= bits && window >> (bits - length) === codes[at]
  );
  return symbol < 0 ? undefined : symbol;
}

/**
 * What FIRST_BITS bits begin with, one or two whole symbols, as four bytes: their length in bits, their number, and
 * they themselves. All 0 where a longer word begins. The bits are mirrored (the first one lowest) and inverted.
 */
function lookUps(codes: readonly number[]): number[] {
  return Array.from({ length: 2 ** FIRST_BITS }, (_, place) => {
    const sent = place.toString(2).padStart(FIRST_BITS, "0").split("").reverse().join("");
    const window = 2 ** FIRST_BITS - 1 - parseInt(sent, 2);
    const first = shortSymbol(codes, window, FIRST_BITS);
    if (first === undefined) return [0, 0, 0, 0];
    const used = HUFFMAN_LENGTHS[first] ?? 0, rest = FIRST_BITS - used;
    const second = shortSymbol(codes, window & (2 ** rest - 1), rest);
    if (second === undefined) return [used, 1, first, 0];
    return [used + (HUFFMAN_LENGTHS[second] ?? 0), 2, first, second];
  }).flat();
}

function huffman(): string {
  const symbols = HUFFMAN_LENGTHS.map((_, symbol) => symbol)
    .sort((a, b) => (HUFFMAN_LENGTHS[a] ?? 0) - (HUFFMAN_LENGTHS[b] ?? 0) || a - b);
  const codes = new Array<number>(257).fill(0);
  /** By length: one past its last word, aligned to the left of 32 bits; and what turns a word into a place in `symbols`. */
  const limits = new Array<number>(32).fill(0);
  const places = new Array<number>(32).fill(0);
  let code = 0;
  let previous = 0;
  symbols.forEach((symbol, place) => {
    const length = HUFFMAN_LENGTHS[symbol] ?? 0;
    code *= 2 ** (length - previous);
    if (length !== previous) places[length] = place - code;
    previous = length;
    codes[symbol] = code;
    code++;
    limits[length] = code * 2 ** (32 - length);
  });
  return data("u32", "HUFFMAN_CODES", codes) + data("u8", "HUFFMAN_LENGTHS", HUFFMAN_LENGTHS) +
    data("u8", "HUFFMAN_LOOK_UPS", lookUps(codes)) +
    data("u64", "HUFFMAN_LIMITS", limits) +
    data("i32", "HUFFMAN_PLACES", places) + data("u16", "HUFFMAN_SYMBOLS", symbols);
}

/** AssemblyScript source with all of it. */
export function hpackTables(): string {
  return `// Generated by tools/build/hpack_tables.ts.
export const HUFFMAN_FIRST_BITS: i32 = ${FIRST_BITS};
${staticTable()}${huffman()}`;
}
