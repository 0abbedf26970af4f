/** Who is told of one request after the other of an exchange: the access log, a trace, a tap. Nearly always nobody. */
import { Method } from "../../wasm/http1.ts";
import type { Endpoint } from "../connect/endpoint.ts";
import { type AccessRequest, lengthText } from "../telemetry/access_log.ts";
import type { TappedRequest } from "../tap/tapped_request.ts";
import { mayCarryTrace } from "../trace/context/fields.ts";
import { RequestTrace } from "../trace/request_trace.ts";
import type { Arena } from "../worker/arena.ts";
import type { Loop } from "../worker/loop.ts";
import type { Exchange } from "./exchange.ts";
import { errorName } from "./http2/error_names.ts";
import type { Pipeline } from "./pipeline.ts";

export class Onlookers {
  /** Somebody is told of the request at hand. */
  #isAny = false;
  #access: AccessRequest | undefined;
  #tapped: TappedRequest | undefined;
  /** Of the request at hand; undefined when it belongs to none. */
  trace: RequestTrace | undefined;
  #spareTrace: RequestTrace | undefined;
  #responseBytes = "";
  /** Microseconds; undefined while no response has begun. */
  #answeredAt: number | undefined;

  constructor(
    private readonly pipeline: Pipeline,
    private readonly loop: Loop,
    private readonly arena: Arena,
  ) {}

  /** A request's head stands in the record (offsets from `at`). */
  begin(exchange: Exchange, at: number): void {
    this.#access = this.pipeline.logAccess(exchange, at);
    this.trace = this.#beginTrace(exchange, at);
    this.#isAny = this.#access !== undefined || this.trace !== undefined;
    this.#answeredAt = undefined;
  }

  #beginTrace(exchange: Exchange, at: number): RequestTrace | undefined {
    const { tracer } = this.pipeline;
    if (tracer === undefined || !mayCarryTrace(this.arena)) return undefined;
    const trace = this.#spareTrace ??= new RequestTrace(this.arena);
    const isConnect = exchange.method === Method.Connect || exchange.isWebSocket;
    return trace.begin(tracer, at, isConnect) ? trace : undefined;
  }

  /** It goes to `endpoint`; a tap runs. */
  routed(endpoint: Endpoint, at: number, now: number): void {
    const { pipeline, arena } = this, { address } = endpoint.info;
    this.#tapped = pipeline.taps.begin(arena, at, pipeline.tapPlace(endpoint), address, now);
    this.#isAny ||= this.#tapped !== undefined;
  }

  /** The response's head stands in the record; its first `bodyLength` bytes of content came with it. */
  responded(endpoint: Endpoint, status: number, at: number, bodyLength: number): void {
    if (!this.#isAny) return;
    const now = this.#answeredAt = this.loop.micros();
    this.trace?.responded(status);
    if (this.#access !== undefined) this.#responseBytes = lengthText(this.arena);
    if (this.#tapped === undefined) return;
    this.#tapped.movedTo(endpoint.info.address);
    this.#tapped.responded(status, at, now);
    this.#tapped.responseBytes = bodyLength;
  }

  content(length: number): void {
    if (this.#tapped !== undefined) this.#tapped.responseBytes += length;
  }

  trailers(at: number): void {
    this.#tapped?.trailers(at);
  }

  /**
   * The request, which came at `startedAt` (microseconds), is over.
   * @param reset the HTTP/2 error of a response that is not whole; -1 when it is
   */
  ended(status: number, grpcStatus: number, reset: number, startedAt: number): void {
    if (!this.#isAny) return;
    const access = this.#access, tapped = this.#tapped, now = this.loop.micros();
    this.trace?.ended(status, grpcStatus, reset < 0 ? undefined : errorName(reset));
    this.#isAny = false;
    this.#access = this.#tapped = this.trace = undefined;
    if (access !== undefined) {
      this.pipeline.endAccess(access, {
        status,
        responseBytes: this.#responseBytes,
        processingMicros: (this.#answeredAt ?? now) - startedAt,
        totalMicros: now - startedAt,
      });
      this.#responseBytes = "";
    }
    if (tapped === undefined) return;
    // The proxy answered by itself: that is what the client sees.
    if (!tapped.isResponded && reset < 0) tapped.responded(status, -1, now);
    tapped.ended({ grpcStatus, reset }, now);
  }
}
