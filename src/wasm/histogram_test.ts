import assert from "node:assert/strict";
import * as hdr from "hdr-histogram-js";
import { Workbench } from "./workbench.ts";
import { Histogram } from "./histogram.ts";

const { module, at } = new Workbench();
const { histogramCountAtMost, histogramMerge, histogramQuantile, histogramRecord } = module.exports;
const { bytes, doubles, words } = module.memory;
const first = at;
const second = at + 8192;

function clear(): void {
  bytes.fill(0, first, second + 8192);
}

/** A seeded sequence of 32-bit numbers (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** Latencies over seven powers of ten, in microseconds. */
function latencies(seed: number, count: number): number[] {
  const next = random(seed);
  return Array.from({ length: count }, () => Math.floor(10 ** (7 * next() / 2 ** 32)));
}

Deno.test("every power of two and its neighbours lie within 1/32 of their bucket, up to the largest value", () => {
  const values = [0, 1, 31, 32, 33, 63, 64, 65];
  for (let bit = 6; bit < 32; bit++) {
    values.push(2 ** bit - 1, 2 ** bit, 2 ** bit + 1, Math.floor(2 ** bit * 1.5));
  }
  for (const value of values.filter((value) => value < 2 ** 32)) {
    clear();
    histogramRecord(first, value);
    const found = histogramQuantile(first, 0.5);
    assert.ok(Math.abs(found - value) <= value / 64 + 0.5, `${value} was found as ${found}`);
    assert.equal(histogramCountAtMost(first, value), 1);
    if (value >= 2) {
      assert.equal(histogramCountAtMost(first, Math.floor(value * 31 / 32) - 1), 0, String(value));
    }
    assert.equal(doubles[first >> 3], 1);
    assert.equal(doubles[(first >> 3) + Histogram.Sum / 2], value);
    assert.equal((words[(first >> 2) + Histogram.Maximum] ?? 0) >>> 0, value);
  }
});

Deno.test("quantiles agree with hdr-histogram-js within 2 %", () => {
  clear();
  const oracle = hdr.build({ highestTrackableValue: 1e8, numberOfSignificantValueDigits: 3 });
  for (const value of latencies(1, 50_000)) {
    histogramRecord(first, value);
    oracle.recordValue(value);
  }
  for (const quantile of [0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1]) {
    const expected = oracle.getValueAtPercentile(quantile * 100);
    const found = histogramQuantile(first, quantile);
    assert.ok(
      Math.abs(found - expected) <= expected * 0.02 + 1,
      `p${quantile}: ${found}, expected ${expected}`,
    );
  }
});

Deno.test("counts at Linkerd's bucket bounds are those of the values, but for the bucket that holds the bound", () => {
  clear();
  const values = latencies(2, 20_000);
  for (const value of values) histogramRecord(first, value);
  const bounds = [1, 2, 3, 4, 5].flatMap((step) =>
    [1, 10, 100, 1000, 10_000].map((unit) => step * unit * 1000)
  );
  let previous = 0;
  for (const bound of bounds.sort((a, b) => a - b)) {
    const found = histogramCountAtMost(first, bound);
    const least = values.filter((value) => value <= bound).length;
    const most = values.filter((value) => value <= bound * 33 / 32).length;
    assert.ok(found >= least && found <= most, `at ${bound}: ${found}, not within ${least} and ${most}`);
    assert.ok(found >= previous);
    previous = found;
  }
});

Deno.test("merging two is recording all into one", () => {
  clear();
  const values = latencies(3, 4000);
  values.forEach((value, index) => histogramRecord(index % 3 === 0 ? first : second, value));
  histogramMerge(first, second);
  const merged = bytes.slice(first, first + Histogram.SizeBytes);
  clear();
  for (const value of values) histogramRecord(first, value);
  assert.deepEqual(merged, bytes.slice(first, first + Histogram.SizeBytes));
});

Deno.test("an empty histogram has quantile 0, and quantiles outside 0 to 1 are the nearest", () => {
  clear();
  assert.equal(histogramQuantile(first, 0.5), 0);
  histogramRecord(first, 10);
  histogramRecord(first, 20);
  assert.equal(histogramQuantile(first, -1), 10);
  assert.equal(histogramQuantile(first, 2), 20);
  assert.equal(histogramQuantile(first, NaN), 10);
});

Deno.test("recording touches nothing after the histogram's bytes", () => {
  clear();
  bytes.fill(0xaa, first + Histogram.SizeBytes, second);
  histogramRecord(first, 2 ** 32 - 1);
  assert.ok(bytes.subarray(first + Histogram.SizeBytes, second).every((byte) => byte === 0xaa));
});
