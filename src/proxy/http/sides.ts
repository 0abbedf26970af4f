/**
 * The two sides of an exchange. Downstream is who asked: a request of an HTTP/1 connection, or a stream of an HTTP/2
 * one. Upstream is who is asked, in either version. The exchange (exchange.ts) sits between them and knows neither.
 *
 * Heads stand in the loop's head record, in either version's form; bodies are spans of linear memory. Both are valid
 * only during the call. Back-pressure: before a side gives bytes it looks at `isBlocked` of the other, and holds them
 * back until it is told that they may come (`onUpstreamDrained`, `resume`).
 */
import type { Endpoint } from "../connect/endpoint.ts";
import type { ProxyError } from "../error.ts";
import type { Stream } from "../worker/stream.ts";
import type { Exchange } from "./exchange.ts";

export interface Downstream {
  /** It speaks HTTP/1: between two such sides bodies pass with their framing. */
  readonly isHttp1: boolean;
  /** It speaks HTTP/1.0: no interim responses. */
  readonly isHttp10: boolean;
  /** All of the request has been received. */
  readonly isRequestDone: boolean;
  /** The client is slow: bytes of the response wait for it. */
  readonly isBlocked: boolean;

  /**
   * The final head in the record (offsets from `at`, `headLength` bytes), and the body's first bytes.
   * @param isEnd nothing follows: no more body, no trailers
   * @returns false when the client is gone; the exchange has been told then
   */
  respond(at: number, headLength: number, bodyAt: number, bodyLength: number, isEnd: boolean): boolean;
  /** An interim (1xx) head in the record. @returns as `respond` */
  respondInterim(at: number, headLength: number): boolean;
  /** More of the body. @returns as `respond` */
  respondBody(at: number, length: number, isEnd: boolean): boolean;
  /** Trailers in the record: the end of the response. @returns as `respond` */
  respondTrailers(at: number): boolean;
  /** An error of the proxy, instead of a response. */
  respondError(error: ProxyError): void;
  /** The response has begun and cannot go on: the client must see that it is not whole. */
  breakOff(error: ProxyError): void;
  /** The response has gone out whole. */
  onExchangeEnd(): void;
  /** The upstream takes more of the request's body. */
  onUpstreamDrained(): void;
  /** The pipeline may know more about the request that waits: give its head to `Exchange.start` again. */
  proceed(): void;
  /** The upstream switched protocols (HTTP/1 only); `length` bytes of the new one stand at `at`. */
  onTunnel(stream: Stream, endpoint: Endpoint, at: number, length: number): void;
}

export interface Upstream {
  readonly endpoint: Endpoint;
  readonly isHttp1: boolean;
  /** Its connection has carried an exchange before: the peer may have closed it meanwhile. */
  readonly isReused: boolean;
  /** Bytes of the request wait for it. */
  readonly isBlocked: boolean;
  /** The response goes on until the connection ends. */
  readonly isUntilClose: boolean;

  /**
   * Sends the head in the record (offsets from `at`) and the body's first bytes. Failures are told to the exchange,
   * possibly before this returns.
   */
  send(
    exchange: Exchange,
    at: number,
    headLength: number,
    bodyAt: number,
    bodyLength: number,
    isEnd: boolean,
  ): void;
  sendBody(at: number, length: number, isEnd: boolean): void;
  /** Trailers in the record: the end of the request. */
  sendTrailers(at: number): void;
  /** The client takes more of the response. */
  resume(): void;
  /** The exchange is given up: whatever comes is of no use to anyone. */
  cancel(): void;
}
