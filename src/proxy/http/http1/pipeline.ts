/**
 * What a direction (inbound or outbound) decides for HTTP/1 requests. The server connection drives; the pipeline says
 * where a request goes, what is added to its head, and what a client may learn of an error.
 */
import type { Endpoint } from "../../connect/endpoint.ts";
import type { ProxyError } from "../../error.ts";
import type { HttpSeries } from "../../telemetry/http_series.ts";
import type { ServerConnection } from "./server_connection.ts";

/** Ids of header names to drop, 32 to a word (see HeaderName). */
export type DropMask = readonly [number, number, number];

export interface Pipeline {
  /**
   * Where the request goes whose head stands in the record (its bytes at `at`).
   * @returns an endpoint, an error to answer with, or undefined: the connection waits until its `proceed` or `refuse`
   */
  route(connection: ServerConnection, at: number): Endpoint | ProxyError | undefined;
  /**
   * Another endpoint after `failed`, which the request never reached; undefined when none is ready: then, if it
   * `mayWait`, the connection waits as for `route`.
   */
  reroute(
    connection: ServerConnection,
    failed: Endpoint,
    mayWait: boolean,
  ): Endpoint | ProxyError | undefined;
  readonly requestDrops: DropMask;
  readonly responseDrops: DropMask;
  /** Header lines to add to a request: where they stand in linear memory, and their length. */
  readonly requestExtraAt: number;
  readonly requestExtraLength: number;
  /** The series in which the exchange with `endpoint` is counted. */
  seriesOf(connection: ServerConnection, endpoint: Endpoint): HttpSeries;
  /** May this client read why the mesh failed its request? */
  readonly isInformed: boolean;
  /** Counts and logs an error that the proxy answered by itself. */
  onError(error: ProxyError): void;
  /** The proxy is shutting down: connections close after their response. */
  readonly isDraining: boolean;
  /** The connection is gone. `errno` is "" for an orderly end. */
  onClosed(connection: ServerConnection, errno: string): void;
  /** The upgraded or CONNECTed connection is a tunnel now; `close` ends it. */
  onTunnel(connection: ServerConnection, close: () => void): void;
}
