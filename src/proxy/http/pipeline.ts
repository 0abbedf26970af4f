/**
 * What a direction (inbound or outbound) decides for HTTP requests. The exchange drives; the pipeline says where a
 * request goes, what is added to its head, and what a client may learn of an error. One per request at a time.
 */
import type { Endpoint } from "../connect/endpoint.ts";
import type { ProxyError } from "../error.ts";
import type { RequestRules } from "../route/request_rules.ts";
import type { Counted } from "../telemetry/route_series.ts";
import type { TapPlace } from "../tap/subject.ts";
import type { Taps } from "../tap/taps.ts";
import type { AccessRequest, AccessResponse } from "../telemetry/access_log.ts";
import type { RetryEvent } from "../telemetry/retry_counters.ts";
import type { RequestTrace } from "../trace/request_trace.ts";
import type { Tracer } from "../trace/tracer.ts";
import type { Exchange } from "./exchange.ts";
import type { InFlight } from "./in_flight.ts";

/** Ids of header names to drop, 32 to a word (see HeaderName). */
export type DropMask = readonly [number, number, number];

export interface Pipeline {
  /**
   * Where the request goes whose head stands in the record (its bytes at `at`).
   * @returns an endpoint, an error to answer with, or undefined: the exchange waits until its `proceed` or `refuse`
   */
  route(exchange: Exchange, at: number): Endpoint | ProxyError | undefined;
  /**
   * Another endpoint after `failed`, which the request never reached; undefined when none is ready: then, if it
   * `mayWait`, the exchange waits as for `route`.
   */
  reroute(exchange: Exchange, failed: Endpoint, mayWait: boolean): Endpoint | ProxyError | undefined;
  /** What the route of the request that `route` took last asks of the exchange; undefined: nothing. */
  readonly rules: RequestRules | undefined;
  /** Whom HTTP/1 requests are for, instead of whom they name (a gateway's target); empty: as they say. */
  readonly authority: string;
  readonly requestDrops: DropMask;
  readonly responseDrops: DropMask;
  /** Header lines to add to a request: where they stand in linear memory, and their length. */
  readonly requestExtraAt: number;
  readonly requestExtraLength: number;
  /** The same for a response. */
  readonly responseExtraAt: number;
  readonly responseExtraLength: number;
  /**
   * The request's head in the record (offsets from `at`) is about to be written for its upstream: hides fields that do
   * not go on, and says which lines do beside it (`requestExtraAt`).
   * @param trace has the request go on from another span; undefined when it belongs to no trace
   */
  editRequest(at: number, trace: RequestTrace | undefined): void;
  /** The same for the response's head and the client. */
  editResponse(at: number): void;
  /**
   * Requests come from other proxies: HTTP/2 ones that say they were HTTP/1 (`l5d-orig-proto`) are made HTTP/1 again.
   * An endpoint whose proxy takes that is sent HTTP/2 in either direction (proxy.md §6).
   */
  readonly isDowngrading: boolean;
  /** The direction's requests in hand. */
  readonly inFlight: InFlight;
  /** Somebody is told of the request whose head stands in the record: an access log, a trace. */
  readonly isWatched: boolean;
  /** How requests are traced; undefined: they are not. */
  readonly tracer: Tracer | undefined;
  /** Begins a line of the access log, where one is kept, for the request whose head stands in the record. */
  logAccess(exchange: Exchange, at: number): AccessRequest | undefined;
  /** Ends that line. */
  endAccess(request: AccessRequest, response: AccessResponse): void;
  /** The loop's taps: while one runs, requests are shown to it. */
  readonly taps: Taps;
  /** What a tap is told of both ends of the exchange with `endpoint`. */
  tapPlace(endpoint: Endpoint): TapPlace;
  /** The series in which the exchange with `endpoint` is counted. */
  seriesOf(exchange: Exchange, endpoint: Endpoint): Counted;
  /** The series in which the request is counted that `route` took last, as a whole; undefined: in none. */
  readonly requestSeries: Counted | undefined;
  /** Counts what became of retrying a request that follows `rules`. */
  countRetry(event: RetryEvent, rules: RequestRules): void;
  /** May this client read why the mesh failed its request? */
  readonly isInformed: boolean;
  /** Counts and logs an error that the proxy answered by itself. */
  onError(error: ProxyError): void;
  /** The proxy is shutting down: connections close after their response. */
  readonly isDraining: boolean;
  /**
   * The response's head in the record (offsets from `at`) has words of a peer proxy's.
   * @returns whether the client's connection is to be closed
   */
  heedPeer(endpoint: Endpoint, at: number): boolean;
  /** The request is over, or its client is gone: nothing is waited for any more. */
  release(): void;
  /** The upgraded or CONNECTed connection is a tunnel now; `close` ends it. */
  onTunnel(close: () => void): void;
}
