/**
 * How many of a histogram's values are at most each of several bounds, in one pass: asking for them one by one took most
 * of a scrape's time. Buckets are those of asm/histogram.ts.
 */
import { Histogram } from "../../wasm/histogram.ts";
import type { Arena } from "../worker/arena.ts";

const SUB_BITS = 5, SUB_COUNT = 1 << SUB_BITS;

function bucketOf(value: number): number {
  const shift = 31 - Math.clz32(value | SUB_COUNT) - SUB_BITS;
  return (shift << SUB_BITS) + (value >>> shift);
}

export class HistogramCounts {
  /** The first bucket that lies above each bound. */
  readonly #ends: Int32Array;

  /** @param bounds ascending, in the unit of the histogram's values; below 2 ** 32 */
  constructor(bounds: readonly number[]) {
    this.#ends = Int32Array.from(bounds, (bound) => bucketOf(bound) + 1);
  }

  /** @param histogram where it stands in linear memory */
  read(histogram: number, { memory }: Arena): number[] {
    const { words } = memory, first = (histogram >> 2) + Histogram.Buckets, counts: number[] = [];
    let at = first, seen = 0;
    for (const end of this.#ends) {
      for (; at < first + end; at++) seen += words[at]! >>> 0;
      counts.push(seen);
    }
    return counts;
  }
}
