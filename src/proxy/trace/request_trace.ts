/**
 * The spans of one request in this proxy: the server's, from the request's head to the end of its response, whose parent
 * is the span that the request came from; and beneath it the client's, one for each attempt. The request goes on from
 * the client's span, whether somebody records the trace or not: only what is recorded is told of.
 *
 * One object is used for one request after the other. What it is told when it has no span open, it passes over.
 * Source: proxy.md §15; OpenTelemetry, semantic conventions for HTTP spans (each attempt is a span).
 */
import { isFailure } from "../telemetry/http_series.ts";
import type { Arena } from "../worker/arena.ts";
import { B3 } from "./context/b3.ts";
import { SPAN_ID_BYTES, TraceContext } from "./context/trace_context.ts";
import type { TraceFormat } from "./context/format.ts";
import { GRPC_TRACE_BIN } from "./context/grpc_trace_bin.ts";
import { readRequest, type RequestFacts } from "./request_attributes.ts";
import type { SpanKind } from "./span.ts";
import { TRACEPARENT } from "./context/traceparent.ts";
import type { Tracer } from "./tracer.ts";

/** In the order in which they are looked for: the first that is well-formed counts. */
const FORMATS: readonly TraceFormat[] = [TRACEPARENT, GRPC_TRACE_BIN, B3];
/** The status that agrees to another protocol, and those that agree to a CONNECT. */
const SWITCHING = 101, FIRST_SUCCESS = 200, FIRST_REDIRECT = 300;

export class RequestTrace {
  readonly #context = new TraceContext();
  #format: TraceFormat | undefined;
  #tracer: Tracer | undefined;
  #isConnect = false;
  readonly #serverId = new Uint8Array(SPAN_ID_BYTES);
  #serverStart = 0;
  readonly #clientId = new Uint8Array(SPAN_ID_BYTES);
  /** 0 while there is no attempt. */
  #clientStart = 0;
  /** What the attempt was answered; 0 before. */
  #clientStatus = 0;
  /** Undefined when nobody records the trace. */
  #facts: RequestFacts | undefined;

  constructor(private readonly arena: Arena) {}

  /**
   * A request came, whose head stands in the record (offsets from `at`).
   * @param isConnect it asks for a tunnel by CONNECT
   * @returns false when it belongs to no trace
   */
  begin(tracer: Tracer, at: number, isConnect: boolean): boolean {
    const { arena } = this, context = this.#context;
    this.#tracer = this.#format = undefined;
    for (const format of FORMATS) {
      if (!format.read(arena, at, context)) continue;
      this.#format = format;
      break;
    }
    if (this.#format === undefined) return false;
    this.#tracer = tracer;
    this.#isConnect = isConnect;
    this.#clientStart = 0;
    tracer.ids.write(this.#serverId);
    this.#facts = context.isSampled ? readRequest(arena, at) : undefined;
    if (this.#facts !== undefined) this.#serverStart = tracer.now();
    return true;
  }

  /** An attempt begins: the request's head is about to be written. */
  sent(): void {
    const tracer = this.#tracer;
    if (tracer === undefined) return;
    this.attemptLeft("unanswered");
    tracer.ids.write(this.#clientId);
    this.#clientStatus = 0;
    if (this.#facts !== undefined) this.#clientStart = tracer.now();
  }

  /**
   * Has the request go on from the attempt's span: hides fields of the head in the record, and writes header lines to
   * `to`, MAX_TRACE_LINES bytes at most.
   * @returns bytes written
   */
  replace(to: number): number {
    return this.#format?.replace(this.arena, this.#context, this.#clientId, this.#serverId, to) ?? 0;
  }

  /** Nothing has been sent: it was no attempt. */
  notSent(): void {
    this.#clientStart = 0;
  }

  /** The attempt has an answer. */
  answered(status: number): void {
    this.#clientStatus = status;
    if (this.#isSwitch(status)) this.#endClient(status, undefined);
  }

  /** What follows a response with this status is a tunnel: the spans end where it begins. */
  #isSwitch(status: number): boolean {
    if (status === SWITCHING) return true;
    return this.#isConnect && status >= FIRST_SUCCESS && status < FIRST_REDIRECT;
  }

  /** The attempt is over: its response is whole. @param grpcStatus -1 when it has none */
  attemptEnded(status: number, grpcStatus: number): void {
    this.#endClient(status, errorOf(status, grpcStatus));
  }

  /** The attempt is over: there was no response, or none that is whole. @param error in a word */
  attemptFailed(error: string): void {
    this.#endClient(this.#clientStatus, error);
  }

  /** Nothing more is learnt of the attempt. @param error if there was no answer, in a word */
  attemptLeft(error = "cancelled"): void {
    const status = this.#clientStatus;
    this.#endClient(status, status === 0 ? error : errorOf(status, -1));
  }

  /** The client gets a response. */
  responded(status: number): void {
    if (this.#isSwitch(status)) this.ended(status, -1, undefined);
  }

  /**
   * The request is over.
   * @param error why its response is not whole, in a word; undefined when it is
   */
  ended(status: number, grpcStatus: number, error: string | undefined): void {
    const tracer = this.#tracer;
    this.attemptLeft();
    this.#tracer = undefined;
    if (tracer === undefined || this.#facts === undefined) return;
    const failed = error ?? errorOf(status, grpcStatus), { parentId } = this.#context;
    this.#tell(tracer, "server", this.#serverId, parentId, this.#serverStart, status, failed);
    this.#facts = undefined;
  }

  #endClient(status: number, error: string | undefined): void {
    const tracer = this.#tracer, start = this.#clientStart;
    if (start === 0 || tracer === undefined) return;
    this.#clientStart = 0;
    this.#tell(tracer, "client", this.#clientId, this.#serverId, start, status, error);
  }

  #tell(
    tracer: Tracer,
    kind: SpanKind,
    id: Uint8Array,
    parentId: Uint8Array,
    startMicros: number,
    status: number,
    error: string | undefined,
  ): void {
    const { path, attributes } = this.#facts!;
    tracer.sink.take({
      traceId: this.#context.traceId.slice(),
      spanId: id.slice(),
      parentId: parentId.slice(),
      name: path,
      kind,
      direction: tracer[kind],
      startMicros,
      endMicros: Math.max(startMicros, tracer.now()),
      attributes,
      status,
      error,
    });
  }
}

/** Why a whole response is a failure; undefined: it is none. */
function errorOf(status: number, grpcStatus: number): string | undefined {
  if (!isFailure(status, undefined, grpcStatus)) return undefined;
  return status >= 500 ? String(status) : `grpc ${grpcStatus}`;
}
