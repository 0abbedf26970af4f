/**
 * One request and its response, as the connection to the upstream sees it. The server connection implements it: an
 * HTTP/1 connection has one exchange at a time, so no object is made per request.
 */
import type { ProxyError } from "../../error.ts";
import type { Stream, StreamFailure } from "../../worker/stream.ts";
import type { ClientConnection } from "./client_connection.ts";

export interface Exchange {
  /** Where the response goes. */
  readonly stream: Stream;
  /** The request's `Method`: it decides whether a response has a body. */
  readonly method: number;
  /** All of the request has been sent. */
  readonly isRequestDone: boolean;
  /** The client speaks HTTP/1.0: it gets no interim responses. */
  readonly isHttp10: boolean;

  /**
   * A final response head stands in the record, at `at`.
   * @returns bytes of the rewritten head, which end where the old one ended; negative when it must not be forwarded
   *   (the exchange goes on elsewhere, or has been ended)
   */
  onResponseHead(client: ClientConnection, at: number, status: number): number;
  /** The response has gone to the client whole. `client` is about to be given back or closed. */
  onResponseEnd(client: ClientConnection): void;
  /** The response broke off, or never came. `client` has been closed. */
  onResponseFailed(client: ClientConnection, error: ProxyError): void;
  /** The connection turns into a tunnel after the head just forwarded; `length` bytes of it are at `at`. */
  onTunnel(client: ClientConnection, at: number, length: number): void;
  /** What waited for the upstream has been written: more of the request body may come. */
  onUpstreamDrained(): void;
  /** The client's connection failed while the response was being written. */
  onDownstreamFailed(failure: StreamFailure): void;
}
