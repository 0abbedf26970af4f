/** A span that is over: what a collector is told. Plain data, so that a worker can hand it to the main loop. */

export type Direction = "inbound" | "outbound";
/** In the name's terms of OpenTelemetry: a request that came, or one that was made. */
export type SpanKind = "server" | "client";
export type Attribute = readonly [name: string, value: string | number];

export interface Span {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentId: Uint8Array;
  /** The request's path. */
  readonly name: string;
  readonly kind: SpanKind;
  readonly direction: Direction;
  /** Microseconds since the Unix epoch. */
  readonly startMicros: number;
  readonly endMicros: number;
  /** Of the request: all spans of a request in one proxy share them. */
  readonly attributes: readonly Attribute[];
  /** The HTTP status; 0 when there was none. */
  readonly status: number;
  /** Why it failed, in a word; undefined: it did not. */
  readonly error: string | undefined;
}

/** Where spans go when they are over. Never blocks, never throws: what there is no room for is dropped and counted. */
export interface SpanSink {
  take(span: Span): void;
}
