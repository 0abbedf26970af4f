/** Histograms in a loop's linear memory, which is never given back: those of forgotten series serve the next. */
import { Histogram } from "../../wasm/histogram.ts";
import type { Arena } from "../worker/arena.ts";

export class HistogramPool {
  readonly #free: number[] = [];

  constructor(private readonly arena: Arena) {}

  /** An empty histogram; 0 when there is no room for another. */
  take(): number {
    const histogram = this.#free.pop();
    if (histogram === undefined) return this.arena.allocate(Histogram.SizeBytes);
    this.arena.memory.bytes.fill(0, histogram, histogram + Histogram.SizeBytes);
    return histogram;
  }

  give(histogram: number): void {
    this.#free.push(histogram);
  }

  /** @param micros negative where a clock went back: counted as none */
  record(histogram: number, micros: number): void {
    this.arena.wasm.histogramRecord(histogram, micros < 0 ? 0 : micros);
  }
}
