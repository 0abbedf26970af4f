/**
 * Counts and latencies of the HTTP requests between this proxy and one peer, under one set of labels.
 * Source: request_total, response_total, response_latency_ms of proxy.md §13.
 */
import type { HistogramPool } from "./histogram_pool.ts";

export interface ResponseCount {
  readonly status: number;
  /** `undefined` for a response that came whole; else why it did not. */
  readonly error: string | undefined;
  /** The status of a gRPC response; −1 for other responses. */
  readonly grpcStatus: number;
  /** By the classes of a ServiceProfile; undefined where there is none: as everything else. */
  readonly isFailed: boolean | undefined;
  count: number;
  /** A histogram of microseconds in linear memory; 0 when the arena has no room for another. */
  readonly histogram: number;
}

export class HttpSeries {
  requests = 0;
  /** Requests when it was last looked at, and since when there were no more (microseconds): it is dropped some day. */
  #seen = 0;
  #idleSince = 0;
  readonly responses: ResponseCount[] = [];
  /** It was dropped: it is told no more, unless a request is counted in it again. */
  isForgotten = false;
  #latest: ResponseCount | undefined;

  /** @param revive where to count when somebody who still holds this forgotten series counts in it again */
  constructor(
    readonly labels: string,
    private readonly histograms: HistogramPool,
    private readonly revive: (series: HttpSeries) => HttpSeries,
  ) {}

  request(): void {
    if (this.isForgotten) {
      const told = this.revive(this);
      if (told !== this) return told.request();
    }
    this.requests++;
  }

  /**
   * Whether nothing was counted since `before`, as far as those know who look once in a while (`now`).
   * The path of a request has no time for the time.
   */
  isIdle(now: number, before: number): boolean {
    if (this.requests !== this.#seen) {
      this.#seen = this.requests;
      this.#idleSince = now;
    }
    return this.#idleSince < before;
  }

  sent(): void {} // not told by endpoint

  requestFrame(): void {} // not told by endpoint

  responseFrame(): void {}

  /** Gives its memory back. */
  forget(): void {
    this.isForgotten = true;
    for (const histogram of new Set(this.responses.map((response) => response.histogram))) {
      if (histogram !== 0) this.histograms.give(histogram);
    }
    this.responses.length = this.requests = this.#seen = 0;
    this.#latest = undefined;
  }

  /**
   * One response, whole or broken off.
   * @param micros from the request's head to the response's end
   * @param grpcStatus as its trailers say; −1 for a response that is no gRPC
   * @param isFailed whether a ServiceProfile takes it for a failure, where one says
   */
  response(
    status: number,
    error: string | undefined,
    micros: number,
    grpcStatus = -1,
    isFailed?: boolean,
  ): void {
    if (this.isForgotten) {
      const told = this.revive(this);
      if (told !== this) return told.response(status, error, micros, grpcStatus, isFailed);
    }
    let entry = this.#latest;
    if (
      entry === undefined || entry.status !== status || entry.error !== error ||
      entry.grpcStatus !== grpcStatus || entry.isFailed !== isFailed
    ) entry = this.#latest = this.#entry(status, error, grpcStatus, isFailed);
    entry.count++;
    if (entry.histogram !== 0) this.histograms.record(entry.histogram, micros);
  }

  #entry(
    status: number,
    error: string | undefined,
    grpcStatus: number,
    isFailed: boolean | undefined,
  ): ResponseCount {
    const known = this.responses.find((one) =>
      one.status === status && one.error === error && one.grpcStatus === grpcStatus &&
      one.isFailed === isFailed
    );
    if (known !== undefined) return known;
    // Latencies are told by status alone: responses that differ only otherwise share a histogram.
    const histogram = this.responses.find((one) => one.status === status)?.histogram ??
      this.histograms.take();
    const entry = { status, error, grpcStatus, isFailed, count: 0, histogram };
    this.responses.push(entry);
    return entry;
  }
}

/** gRPC codes that count as failures: UNKNOWN, DEADLINE_EXCEEDED, PERMISSION_DENIED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
export const FAILED_GRPC: readonly number[] = [2, 4, 7, 13, 14, 15];

/** Linkerd's default: a 5xx, one of gRPC's failures, or no whole response at all. Source: proxy.md §9. */
export function isFailure(status: number, error: string | undefined, grpcStatus = -1): boolean {
  return error !== undefined || status >= 500 || FAILED_GRPC.includes(grpcStatus);
}
