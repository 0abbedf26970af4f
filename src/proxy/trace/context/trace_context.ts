/**
 * The trace that a request says it belongs to: its id, the span that the request comes from, and whether somebody wants
 * to see it. One object is used for one request after the other; what a format reads is copied into it.
 */
export const TRACE_ID_BYTES = 16, SPAN_ID_BYTES = 8;
/** Flags of W3C's traceparent and of OpenCensus' trace options: somebody records the trace; its id is random. */
export const SAMPLED = 1, RANDOM = 2;

export class TraceContext {
  readonly traceId = new Uint8Array(TRACE_ID_BYTES);
  readonly parentId = new Uint8Array(SPAN_ID_BYTES);
  flags = 0;

  get isSampled(): boolean {
    return (this.flags & SAMPLED) !== 0;
  }
}
