/**
 * Counts of the requests that one rule of a route took, or that one backend was given: how many, how long, what came of
 * them. Buckets of few bounds, in the heap: what a histogram of linear memory holds would be sixty times as much.
 * Source: proxy.md §13 (new style).
 */
import { type Bucketed, Buckets } from "./buckets.ts";

/** What the data path tells of a request and of its response. */
export interface Counted {
  request(): void;
  /**
   * @param error why it did not come whole; undefined when it did
   * @param micros how long it took
   * @param grpcStatus −1 for a response that is no gRPC
   */
  response(status: number, error: string | undefined, micros: number, grpcStatus: number): void;
  /** The response just counted took `micros` from the request's head, whose last byte went on `requestMicros` after it. */
  sent(requestMicros: number, micros: number): void;
  /** Content of the request, or of the response, went on: so many bytes at once (an HTTP/2 frame, a read). */
  requestFrame(sizeBytes: number): void;
  responseFrame(sizeBytes: number): void;
}

/** The names that a series is told under; those that are absent are not told. */
export interface RouteFamily {
  readonly requests?: string;
  readonly durations: string;
  readonly bounds: readonly number[];
  /** `durations` run from the request's last byte, and not from its head. */
  readonly isFromEnd?: true;
  /** Beside them, the times from the request's last byte; their bounds are some of `bounds`. */
  readonly responses?: { readonly name: string; readonly bounds: readonly number[] };
  readonly statuses: string;
  readonly requestFrames?: string;
  readonly responseFrames?: string;
  /** Responses are told by their gRPC status. */
  readonly isGrpc: boolean;
}

/** Upper bounds of frame sizes, in bytes. */
export const FRAME_BOUNDS: readonly number[] = [128, 1024, 10240];
const ROUTE_BOUNDS = [0.05, 0.5, 1, 10], BACKEND_BOUNDS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 10];

function families(isGrpc: boolean) {
  const protocol = isGrpc ? "grpc" : "http", route = `outbound_${protocol}_route`;
  const family = (family: Omit<RouteFamily, "isGrpc">): RouteFamily => ({ ...family, isGrpc });
  return {
    /** Whole requests, retries and all. */
    outboundRoute: family({
      durations: `${route}_request_duration_seconds`,
      bounds: ROUTE_BOUNDS,
      statuses: `${route}_request_statuses_total`,
      requestFrames: `${route}_request_frame_size_bytes`,
    }),
    /** What backends were asked: each retry is a request. */
    outboundBackend: family({
      requests: `${route}_backend_requests_total`,
      durations: `${route}_backend_response_duration_seconds`,
      bounds: BACKEND_BOUNDS,
      isFromEnd: true,
      statuses: `${route}_backend_response_statuses_total`,
      responseFrames: `${route}_backend_response_frame_size_bytes`,
    }),
    inboundRoute: family({
      requests: `inbound_${protocol}_requests_total`,
      durations: `inbound_${protocol}_request_duration_seconds`,
      bounds: BACKEND_BOUNDS,
      responses: { name: `inbound_${protocol}_response_duration_seconds`, bounds: ROUTE_BOUNDS },
      statuses: `inbound_${protocol}_statuses_total`,
      requestFrames: `inbound_${protocol}_request_frame_size_bytes`,
      responseFrames: `inbound_${protocol}_response_frame_size_bytes`,
    }),
  };
}

export const HTTP_FAMILIES = families(false), GRPC_FAMILIES = families(true);

export interface StatusCount {
  readonly status: number;
  readonly grpcStatus: number;
  readonly error: string | undefined;
  count: number;
}

export class RouteSeries implements Counted {
  requests = 0;
  readonly durations: Buckets;
  /** By how much the responses' times differ from `durations`: nearly all requests end with their head. */
  readonly #late: Buckets | undefined;
  /** Undefined where its family does not tell them. */
  readonly requestFrames: Buckets | undefined;
  readonly responseFrames: Buckets | undefined;
  readonly statuses: StatusCount[] = [];
  #latest: StatusCount | undefined;

  constructor({ bounds, isFromEnd, responses, requestFrames, responseFrames }: RouteFamily) {
    this.durations = new Buckets(bounds);
    this.#late = isFromEnd ? this.durations : responses && new Buckets(responses.bounds);
    this.requestFrames = requestFrames === undefined ? undefined : new Buckets(FRAME_BOUNDS);
    this.responseFrames = responseFrames === undefined ? undefined : new Buckets(FRAME_BOUNDS);
  }

  request(): void {
    this.requests++;
  }

  sent(requestMicros: number, micros: number): void {
    this.#late?.move(Math.max(0, micros) / 1e6, Math.max(0, micros - requestMicros) / 1e6);
  }

  /** How long responses took from their requests' last bytes; of a family that tells it beside `durations`. */
  responses(): Bucketed | undefined {
    const { durations } = this, late = this.#late;
    if (late === undefined || late === durations) return undefined;
    const all = durations.below(), { bounds } = durations;
    const below = late.below().map((moved, index) => moved + all[bounds.indexOf(late.bounds[index]!)]!);
    return { below, count: durations.count, sum: durations.sum + late.sum };
  }

  requestFrame(sizeBytes: number): void {
    this.requestFrames?.record(sizeBytes);
  }

  responseFrame(sizeBytes: number): void {
    this.responseFrames?.record(sizeBytes);
  }

  response(status: number, error: string | undefined, micros: number, grpcStatus: number): void {
    this.durations.record(Math.max(0, micros) / 1e6);
    let entry = this.#latest;
    if (
      entry === undefined || entry.status !== status || entry.error !== error ||
      entry.grpcStatus !== grpcStatus
    ) entry = this.#latest = this.#entry(status, error, grpcStatus);
    entry.count++;
  }

  #entry(status: number, error: string | undefined, grpcStatus: number): StatusCount {
    const known = this.statuses.find((one) =>
      one.status === status && one.error === error && one.grpcStatus === grpcStatus
    );
    if (known !== undefined) return known;
    const entry = { status, error, grpcStatus, count: 0 };
    this.statuses.push(entry);
    return entry;
  }
}

/** A request that is counted in two series. */
export class CountedTwice implements Counted {
  constructor(public first?: Counted, public second?: Counted) {}

  request(): void {
    this.first?.request();
    this.second?.request();
  }

  sent(requestMicros: number, micros: number): void {
    this.first?.sent(requestMicros, micros);
    this.second?.sent(requestMicros, micros);
  }

  requestFrame(sizeBytes: number): void {
    this.first?.requestFrame(sizeBytes);
    this.second?.requestFrame(sizeBytes);
  }

  responseFrame(sizeBytes: number): void {
    this.first?.responseFrame(sizeBytes);
    this.second?.responseFrame(sizeBytes);
  }

  response(status: number, error: string | undefined, micros: number, grpcStatus: number): void {
    this.first?.response(status, error, micros, grpcStatus);
    this.second?.response(status, error, micros, grpcStatus);
  }
}
