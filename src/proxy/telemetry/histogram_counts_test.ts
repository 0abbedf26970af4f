import { deepEqual } from "node:assert/strict";
import { Arena } from "../worker/arena.ts";
import { HistogramCounts } from "./histogram_counts.ts";
import { HistogramPool } from "./histogram_pool.ts";

Deno.test("counts of one pass are those of asking for each bound", () => {
  const arena = Arena.create(), pool = new HistogramPool(arena), histogram = pool.take();
  const bounds = [0, 1, 31, 32, 33, 63, 64, 65, 1000, 5000, 99_999, 50_000_000, 2 ** 31, 2 ** 32 - 1];
  let seed = 1;
  for (let i = 0; i < 20_000; i++) {
    seed = seed * 16807 % 2147483647;
    pool.record(histogram, seed % 2 ** (i % 32));
  }
  const counts = new HistogramCounts(bounds).read(histogram, arena);
  deepEqual(counts, bounds.map((bound) => arena.wasm.histogramCountAtMost(histogram, bound)));
});
