/**
 * The Huffman code of HPACK (RFC 7541 appendix B) as tables for asm/. The code is canonical, so the lengths of its words
 * say all: within a length, words ascend with the symbol.
 */
import { data } from "./data.ts";

/** Bits that one look-up of the decoder takes at once: mostly two symbols. */
const FIRST_BITS = 12;

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

/** The symbol that begins in the `bits` lowest bits of `window`, if its word ends within them. */
function shortSymbol(codes: readonly number[], window: number, bits: number): number | undefined {
  const symbol = HUFFMAN_LENGTHS.findIndex((length, at) =>
    length <= bits && window >> (bits - length) === codes[at]
  );
  return symbol < 0 ? undefined : symbol;
}

/**
 * What FIRST_BITS bits begin with, one or two whole symbols, as a number of four bytes: from the lowest on their length in
 * bits, they themselves, and how many they are. All 0 where a longer word begins. The bits are mirrored (the first one lowest) and inverted.
 */
function lookUps(codes: readonly number[]): number[] {
  return Array.from({ length: 2 ** FIRST_BITS }, (_, place) => {
    const sent = place.toString(2).padStart(FIRST_BITS, "0").split("").reverse().join("");
    const window = 2 ** FIRST_BITS - 1 - parseInt(sent, 2);
    const first = shortSymbol(codes, window, FIRST_BITS);
    if (first === undefined) return [0, 0, 0, 0];
    const used = HUFFMAN_LENGTHS[first] ?? 0, rest = FIRST_BITS - used;
    const second = shortSymbol(codes, window & (2 ** rest - 1), rest);
    if (second === undefined) return [used, first, 0, 1];
    return [used + (HUFFMAN_LENGTHS[second] ?? 0), first, second, 2];
  }).flat();
}

interface Code {
  /** The word of each symbol. */
  readonly codes: readonly number[];
  /** The symbols by their words. */
  readonly symbols: readonly number[];
  /** By length: one past its last word, aligned to the left of 32 bits; and what turns a word into a place in `symbols`. */
  readonly limits: readonly number[];
  readonly places: readonly number[];
}

function canonicalCode(): Code {
  const symbols = HUFFMAN_LENGTHS.map((_, symbol) => symbol)
    .sort((a, b) => (HUFFMAN_LENGTHS[a] ?? 0) - (HUFFMAN_LENGTHS[b] ?? 0) || a - b);
  const codes = new Array<number>(257).fill(0);
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
  return { codes, symbols, limits, places };
}

/** AssemblyScript source of the tables. */
export function huffmanTables(): string {
  const { codes, symbols, limits, places } = canonicalCode();
  return `export const HUFFMAN_FIRST_BITS: i32 = ${FIRST_BITS};\n` +
    data("u32", "HUFFMAN_CODES", codes) + data("u8", "HUFFMAN_LENGTHS", HUFFMAN_LENGTHS) +
    data("u8", "HUFFMAN_LOOK_UPS", lookUps(codes)) +
    data("u64", "HUFFMAN_LIMITS", limits) +
    data("i32", "HUFFMAN_PLACES", places) + data("u16", "HUFFMAN_SYMBOLS", symbols);
}

/** A text as it is coded, padded with ones. */
export function huffmanCode(text: string): number[] {
  const { codes } = canonicalCode();
  const bits = [...new TextEncoder().encode(text)]
    .map((symbol) => (codes[symbol] ?? 0).toString(2).padStart(HUFFMAN_LENGTHS[symbol] ?? 0, "0")).join("");
  return (bits.match(/.{1,8}/g) ?? []).map((byte) => parseInt(byte.padEnd(8, "1"), 2));
}
