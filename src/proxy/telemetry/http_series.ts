/**
 * Counts and latencies of the HTTP requests between this proxy and one peer, under one set of labels.
 * Source: request_total, response_total, response_latency_ms of proxy.md §13.
 */
import { Histogram } from "../../wasm/histogram.ts";
import type { Arena } from "../worker/arena.ts";

export interface ResponseCount {
  readonly status: number;
  /** `undefined` for a response that came whole; else why it did not. */
  readonly error: string | undefined;
  count: number;
  /** A histogram of microseconds in linear memory; 0 when the arena has no room for another. */
  readonly histogram: number;
}

export class HttpSeries {
  requests = 0;
  /** Microseconds on the loop's clock: series that idle for long are dropped. */
  lastUsed = 0;
  readonly responses: ResponseCount[] = [];
  #latest: ResponseCount | undefined;

  constructor(readonly labels: string, private readonly arena: Arena) {}

  request(now: number): void {
    this.requests++;
    this.lastUsed = now;
  }

  /** One response, whole or broken off. @param micros from the request's head to the response's end */
  response(status: number, error: string | undefined, micros: number, _grpcStatus = -1): void {
    let entry = this.#latest;
    if (entry === undefined || entry.status !== status || entry.error !== error) {
      entry = this.responses.find((known) => known.status === status && known.error === error);
      if (entry === undefined) {
        // Latencies are told by status alone: responses that differ only in their error share a histogram.
        const histogram = this.responses.find((known) => known.status === status)?.histogram ??
          this.arena.allocate(Histogram.SizeBytes);
        this.responses.push(entry = { status, error, count: 0, histogram });
      }
      this.#latest = entry;
    }
    entry.count++;
    if (entry.histogram !== 0) this.arena.wasm.histogramRecord(entry.histogram, micros < 0 ? 0 : micros);
  }
}

/** Linkerd's default: a 5xx, or no response at all, is a failure. */
export function isFailure(status: number, error: string | undefined): boolean {
  return error !== undefined || status >= 500;
}
