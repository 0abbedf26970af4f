/** Latency histograms in linear memory: their layout. */
export { Histogram } from "../../asm/histogram_layout.ts";
