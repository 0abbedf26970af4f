/**
 * One request and its response, whatever the versions on either side: asks the pipeline where it goes, sends it there,
 * and hands the response back. A request that never reached an application (its connection was refused, an idle one
 * turned out closed, a peer proxy says so) is sent to another endpoint while its bytes are still held: what can be
 * saved is not lost.
 *
 * The held form is HTTP/1's, whichever version it came in, since that is one run of bytes that can be parsed again.
 * Source: RFC 9110 §9.2.2; RFC 9113 §8.7; proxy.md §6, §7, §10.
 */
import { Head, HeaderName, HeadFlag, Method } from "../../wasm/http1.ts";
import { Http2Error } from "../../wasm/http2.ts";
import type { Endpoint } from "../connect/endpoint.ts";
import { type ProxyError, proxyError } from "../error.ts";
import { type AccessRequest, lengthText } from "../telemetry/access_log.ts";
import type { TappedRequest } from "../tap/tapped_request.ts";
import type { HttpSeries } from "../telemetry/http_series.ts";
import type { Arena } from "../worker/arena.ts";
import type { Loop } from "../worker/loop.ts";
import type { Stream } from "../worker/stream.ts";
import { grpcStatusOf, isGrpcMessage } from "./grpc.ts";
import { isAbsoluteForm, restoreForm } from "./original_form.ts";
import { hasHeader } from "./record.ts";
import { isWebSocket } from "./websocket.ts";
import { MAX_ATTEMPTS } from "./limits.ts";
import type { Pipeline } from "./pipeline.ts";
import { Replay } from "./replay.ts";
import type { Downstream, Upstream } from "./sides.ts";

/** Nothing is under way; waiting for the pipeline; sent; held until an endpoint is ready; over. */
const IDLE = 0, WAITING = 1, SENT = 2, PARKED = 3, ENDED = 4;
/** No connection can be had now: it will be told when. */
const WAITS = "waits";
/** RFC 9110 §9.2.2, by Method. */
const IDEMPOTENT: ReadonlySet<number> = new Set([
  Method.Get,
  Method.Head,
  Method.Put,
  Method.Delete,
  Method.Options,
  Method.Trace,
]);

export class Exchange {
  method = 0;
  /** The request goes out as HTTP/2 unless it says that it was HTTP/1 (10, 11 or 20). */
  version = 0;
  /** Its target is in absolute form: such requests have connections of their own. */
  isAbsolute = false;
  /** It asks for a tunnel: Upgrade, or CONNECT. */
  isTunnelRequest = false;
  /** An HTTP/2 client asks for a WebSocket (extended CONNECT), which is an Upgrade where its upstream speaks HTTP/1. */
  isWebSocket = false;
  /** Both sides speak HTTP/1.1: bodies pass with their framing. */
  isRaw = false;
  /** A gRPC call (its content type says so): errors are told in gRPC's way. */
  isGrpc = false;
  /** The response's grpc-status once it is known; -1 before. */
  grpcStatus = -1;
  #state = IDLE;
  #upstream: Upstream | undefined;
  #endpoint: Endpoint | undefined;
  #series: HttpSeries | undefined;
  #startedAt = 0;
  /** The endpoint that it waits to be connected to. */
  #awaited: Endpoint | undefined;
  #attempts = 0;
  #parkedFor: ProxyError | undefined;
  #isResponseStarted = false;
  #status = 0;
  /** The request as it was received, until its response begins; empty when it cannot be sent again. */
  readonly #replay: Replay;
  /** It counts among the requests in hand. */
  #isInFlight = false;
  /** Somebody is told of this request: the access log, a tap. */
  #isWatched = false;
  #access: AccessRequest | undefined;
  #tapped: TappedRequest | undefined;
  #answeredAt = 0;
  #responseBytes = "";

  constructor(
    readonly downstream: Downstream,
    readonly pipeline: Pipeline,
    private readonly loop: Loop,
    private readonly arena: Arena,
  ) {
    this.#replay = new Replay(arena);
  }

  get isWaiting(): boolean {
    return this.#state === WAITING;
  }

  get upstream(): Upstream | undefined {
    return this.#upstream;
  }

  /** The request's side must not give more of the body now. */
  get isRequestBlocked(): boolean {
    return this.#state === PARKED || (this.#upstream?.isBlocked ?? false);
  }

  /**
   * Takes the request whose head stands in the record.
   * @returns whether `send` must follow; otherwise it waits for the pipeline, or has been answered
   */
  start(at: number): boolean {
    this.#readHead(at);
    if (!this.#isInFlight) {
      this.#startedAt = this.loop.micros();
      this.#access = this.pipeline.logAccess(this, at);
      this.#isWatched = this.#access !== undefined;
      if (!(this.#isInFlight = this.pipeline.inFlight.enter())) {
        this.#answer(proxyError("load-shed", "too many requests are in hand"));
        return false;
      }
    }
    const endpoint = this.#awaited ?? this.#route(at);
    if (endpoint === undefined) return false;
    this.#state = SENT;
    const error = this.#acquire(endpoint, false);
    if (error === undefined) return true;
    if (error === WAITS) this.#state = WAITING;
    else this.#answer(error);
    return false;
  }

  /** @returns undefined when it waits for the pipeline, or has been answered */
  #route(at: number): Endpoint | undefined {
    const destination = this.pipeline.route(this, at);
    if (destination === undefined) {
      this.#state = WAITING;
      return undefined;
    }
    if ("code" in destination) {
      this.#answer(destination);
      return undefined;
    }
    this.#series = this.pipeline.seriesOf(this, destination);
    this.#series.request(this.loop.now);
    if (this.pipeline.taps.isActive) this.#tap(destination, at);
    return destination;
  }

  /** Answers a request with an error, of whose HTTP/2 head not all was kept. */
  refuseHead(error: ProxyError): void {
    this.#readHead(0);
    this.#answer(error);
  }

  #tap(endpoint: Endpoint, at: number): void {
    const { pipeline, arena } = this, { address } = endpoint.info;
    this.#tapped = pipeline.taps.begin(arena, at, pipeline.tapPlace(endpoint), address, this.loop.micros());
    this.#isWatched ||= this.#tapped !== undefined;
  }

  #readHead(at: number): void {
    const { memory: { words }, recordAt } = this.arena, record = recordAt >> 2;
    this.method = words[record + Head.Method]!;
    // A head that was held comes back in HTTP/1's form.
    const version = this.downstream.isHttp1 ? words[record + Head.Version]! : 20;
    const wasHttp1 = version === 20 && this.pipeline.isDowngrading &&
      hasHeader(this.arena, HeaderName.L5dOrigProto);
    this.version = wasHttp1 ? 11 : version;
    if (wasHttp1) restoreForm(this.arena, at);
    this.isAbsolute = isAbsoluteForm(this.arena);
    this.isTunnelRequest = (words[record + Head.Flags]! & HeadFlag.Upgrade) !== 0 ||
      this.method === Method.Connect;
    this.isWebSocket = this.isTunnelRequest && !this.downstream.isHttp1 && isWebSocket(this.arena, at);
    if (this.isWebSocket) this.method = Method.Get; // to HTTP/1, and in the form that is held
    this.isGrpc = version === 20 && isGrpcMessage(this.arena, at);
    this.grpcStatus = -1;
    this.#isResponseStarted = false;
    this.#attempts = 0;
    this.#upstream = undefined;
    this.#parkedFor = undefined;
  }

  /**
   * Takes a connection to `endpoint`, or to another while none can be had at once.
   * @returns why there is none, or that it waits for one
   */
  #acquire(endpoint: Endpoint, isFresh: boolean): ProxyError | typeof WAITS | undefined {
    this.#awaited = undefined;
    for (;;) {
      this.#endpoint = endpoint;
      const upstream = endpoint.acquire(this, isFresh);
      if (upstream === undefined) {
        this.#awaited = endpoint;
        return WAITS;
      }
      this.#attempts++;
      if ("endpoint" in upstream) {
        this.#upstream = upstream;
        this.isRaw = upstream.isHttp1 && this.downstream.isHttp1 && !this.downstream.isHttp10;
        return undefined;
      }
      const error = "label" in upstream
        ? upstream
        : proxyError("connect-failed", `${endpoint.name}: ${upstream.detail}`);
      if (this.#attempts >= MAX_ATTEMPTS) return error;
      const next = this.pipeline.reroute(this, endpoint, false) ?? error;
      if ("code" in next) return next;
      endpoint = next;
    }
  }

  /** Sends the request that `start` has taken; its head still stands in the record. */
  send(at: number, headLength: number, bodyAt: number, bodyLength: number, isEnd: boolean): void {
    this.#hold(at, headLength, bodyAt, bodyLength);
    this.pipeline.editRequest(at);
    this.#upstream!.send(this, at, headLength, bodyAt, bodyLength, isEnd);
  }

  #hold(at: number, headLength: number, bodyAt: number, bodyLength: number): void {
    if (!this.isTunnelRequest || this.downstream.isHttp1 || this.isWebSocket) {
      this.#replay.keep(at, headLength, bodyAt, bodyLength);
    }
  }

  /** Keeps an HTTP/2 head while it waits. @returns false when that cannot be */
  holdHead(): boolean {
    return (!this.isTunnelRequest || this.isWebSocket) && this.#replay.keepHead();
  }

  /** Reads again what is held, at `arena.resendAt`, as if it had just come. @returns the head's length; 0 on failure */
  restore(): number {
    return this.#replay.restore();
  }

  sendBody(at: number, length: number, isEnd: boolean): void {
    if (this.isWebSocket) this.#replay.release();
    else this.#replay.add(at, length);
    this.#upstream?.sendBody(at, length, isEnd);
  }

  /** Trailers of the request stand in the record. */
  sendTrailers(at: number): void {
    this.#replay.release(); // they are not part of what is held
    this.#upstream?.sendTrailers(at);
  }

  /** The request's bytes are still held, and it has not been sent too often. */
  get #canRepeat(): boolean {
    return this.#replay.isWhole && this.#attempts < MAX_ATTEMPTS;
  }

  /** Sends what is held to `endpoint`. */
  #resend(endpoint: Endpoint, isFresh = false): void {
    this.#state = SENT;
    const error = this.#acquire(endpoint, isFresh);
    if (error === WAITS) {
      this.#state = PARKED;
      return;
    }
    if (error !== undefined) return this.#answer(error);
    const at = this.arena.resendAt, { length } = this.#replay, head = this.restore();
    if (head === 0) {
      this.#upstream!.cancel();
      return this.#answer(proxyError("internal", "a held request could not be read again"));
    }
    this.pipeline.editRequest(at);
    this.#upstream!.send(this, at, head, at + head, length - head, this.downstream.isRequestDone);
  }

  /** `upstream` waited to know what its peer takes, and sends what is held now. */
  sendHeld(upstream: Upstream): void {
    if (this.#upstream !== upstream) return;
    const at = this.arena.resendAt, head = this.restore();
    if (head === 0) return this.refuse(proxyError("internal", "a held request could not be read again"));
    this.pipeline.editRequest(at);
    upstream.send(this, at, head, at + head, 0, this.downstream.isRequestDone);
    if (this.#upstream === upstream && !this.downstream.isRequestDone) this.downstream.onUpstreamDrained();
  }

  /** `upstream`, to which nothing was sent, cannot carry the request: its endpoint is asked in another way. */
  onCannotCarry(upstream: Upstream): void {
    if (this.#upstream !== upstream) return;
    this.#upstream = undefined;
    if (this.#canRepeat) return this.#resend(upstream.endpoint);
    this.#answer(proxyError("refused", `${upstream.endpoint.name}: it takes no WebSocket`));
  }

  #retryOrFail(error: ProxyError, failed: Endpoint): void {
    if (error.isUndelivered && this.#canRepeat) {
      // A peer that cannot prove who it is will not be able to in a moment: only what may pass is waited for.
      const next = this.pipeline.reroute(this, failed, error.code !== "tls-failed") ?? error;
      if (next === error && error.code !== "tls-failed") {
        this.#state = PARKED;
        this.#parkedFor = error;
        return;
      }
      if (!("code" in next)) return this.#resend(next);
    }
    this.#answer(error);
  }

  /** The pipeline knows more now: tries the request that waited again. */
  proceed(): void {
    if (this.#state === PARKED) return this.#unpark();
    if (this.#state !== WAITING) return;
    this.#state = IDLE;
    this.downstream.proceed();
  }

  #unpark(): void {
    const next = this.pipeline.reroute(this, this.#endpoint!, true);
    if (next === undefined) return;
    if ("code" in next) this.#answer(next);
    else this.#resendParked(next);
  }

  #resendParked(endpoint: Endpoint): void {
    this.#resend(endpoint);
    if (this.#state === SENT && !this.downstream.isRequestDone) this.downstream.onUpstreamDrained();
  }

  /** The endpoint that it waits for has a connection for it. */
  onTurn(): void {
    if (this.#state === PARKED) return this.#resendParked(this.#awaited!);
    this.#state = IDLE;
    this.downstream.proceed();
  }

  onTooLate(): void {
    this.refuse(proxyError("failfast", `${this.#awaited!.name}: no connection became free`));
  }

  /** Gives the request up with an error of the proxy: a wait that was too long, a body that is malformed. */
  refuse(error: ProxyError): void {
    if (this.#state === ENDED) return;
    const cause = this.#state === PARKED ? this.#parkedFor ?? error : error; // it says more than "not in time"
    const upstream = this.#upstream;
    this.#upstream = undefined;
    upstream?.cancel();
    if (this.#isResponseStarted && this.#state === SENT) return this.#breakOff(error);
    this.#answer(cause);
  }

  /** Answers with an error of the proxy; it is counted where the request was. */
  #answer(error: ProxyError): void {
    this.#countResponse(error.status, error.label);
    this.pipeline.onError(error);
    this.#status = error.status;
    this.#finish(error.reset);
    this.downstream.respondError(error);
  }

  /** @param reset the HTTP/2 error of a response that is not whole; -1 when it is */
  #finish(reset = -1): void {
    if (this.#isInFlight) this.pipeline.inFlight.leave();
    this.#isInFlight = false;
    this.#awaited?.stopWaiting(this);
    this.#awaited = undefined;
    if (this.#isWatched) this.#tellEnd(reset);
    this.#state = IDLE;
    this.#upstream = this.#endpoint = undefined;
    this.#replay.release();
  }

  #tellEnd(reset: number): void {
    this.#isWatched = false;
    if (this.#access !== undefined) this.#logAccess(this.#access);
    const tapped = this.#tapped, now = this.loop.micros();
    this.#tapped = undefined;
    if (tapped === undefined) return;
    // The proxy answered by itself: that is what the client sees.
    if (!tapped.isResponded && reset < 0) tapped.responded(this.#status, -1, now);
    tapped.ended({ grpcStatus: this.grpcStatus, reset }, now);
  }

  #logAccess(request: AccessRequest): void {
    const now = this.loop.micros();
    this.pipeline.endAccess(request, {
      status: this.#status,
      responseBytes: this.#responseBytes,
      processingMicros: (this.#isResponseStarted ? this.#answeredAt : now) - this.#startedAt,
      totalMicros: now - this.#startedAt,
    });
    this.#access = undefined;
    this.#responseBytes = "";
  }

  /**
   * The final response head stands in the record.
   * @returns false when it must not be forwarded: the exchange goes on elsewhere, or is over
   */
  onResponse(
    upstream: Upstream,
    at: number,
    headLength: number,
    bodyAt: number,
    bodyLength: number,
    isEnd: boolean,
  ): boolean {
    if (hasHeader(this.arena, HeaderName.L5dProxyUndelivered) && this.#trySaving(upstream)) return false;
    this.#status = this.arena.memory.words[(this.arena.recordAt >> 2) + Head.Status]!;
    this.#isResponseStarted = true;
    this.#readGrpcStatus(at);
    this.#answeredAt = this.loop.micros();
    if (this.#isWatched) this.#tellResponse(at, bodyLength);
    this.#endpoint!.answered(this.#answeredAt - this.#startedAt, this.loop.now);
    this.#replay.release();
    this.pipeline.editResponse(at);
    return this.downstream.respond(at, headLength, bodyAt, bodyLength, isEnd);
  }

  #tellResponse(at: number, bodyLength: number): void {
    if (this.#access !== undefined) this.#responseBytes = lengthText(this.arena);
    if (this.#tapped === undefined) return;
    this.#tapped.movedTo(this.#endpoint!.info.address);
    this.#tapped.responded(this.#status, at, this.#answeredAt);
    this.#tapped.responseBytes = bodyLength;
  }

  #readGrpcStatus(at: number): void {
    if (this.isGrpc) this.grpcStatus = grpcStatusOf(this.arena, at);
  }

  onInterim(at: number, headLength: number): boolean {
    return this.downstream.isHttp10 || this.downstream.respondInterim(at, headLength);
  }

  onResponseBody(at: number, length: number, isEnd: boolean): boolean {
    if (this.#tapped !== undefined) this.#tapped.responseBytes += length;
    return this.downstream.respondBody(at, length, isEnd);
  }

  onResponseTrailers(at: number): boolean {
    this.#readGrpcStatus(at);
    this.#tapped?.trailers(at);
    return this.downstream.respondTrailers(at);
  }

  /** The peer proxy says that the application never saw the request. @returns true when it goes elsewhere now */
  #trySaving(upstream: Upstream): boolean {
    // Only a proxy of the mesh is believed: anyone else's word would have a request carried out twice.
    if (!upstream.endpoint.isMeshed || !this.#canRepeat) return false;
    const next = this.pipeline.reroute(this, upstream.endpoint, false);
    if (next === undefined || "code" in next || next === upstream.endpoint) return false;
    this.#upstream = undefined;
    upstream.cancel();
    this.#resend(next);
    return true;
  }

  #countResponse(status: number, error: string | undefined): void {
    this.#series?.response(status, error, this.loop.micros() - this.#startedAt, this.grpcStatus);
    this.#series = undefined;
  }

  /** The response is whole, and has gone to the client. */
  onResponseEnd(): void {
    this.#countResponse(this.#status, undefined);
    this.#finish();
    this.downstream.onExchangeEnd();
  }

  /** The response broke off, or never came. `upstream` is of no more use. */
  onResponseFailed(upstream: Upstream, error: ProxyError): void {
    if (this.#upstream !== upstream) return;
    this.#upstream = undefined;
    if (this.#isResponseStarted) return this.#breakOff(error);
    // A kept connection that the upstream closed as we wrote: its endpoint is asked again, on a new connection, where
    // the method allows it (RFC 9110 §9.2.2).
    const isStale = upstream.isReused && error.code === "upstream-reset" && this.#canRepeat;
    if (isStale && IDEMPOTENT.has(this.method)) return this.#resend(upstream.endpoint, true);
    this.#retryOrFail(error, upstream.endpoint);
  }

  #breakOff(error: ProxyError): void {
    this.#countResponse(this.#status, error.label);
    this.pipeline.onError(error);
    this.#finish(error.reset ?? Http2Error.Internal);
    this.downstream.breakOff(error);
  }

  /** The upstream switched protocols; its head has been forwarded. */
  onTunnel(upstream: Upstream, stream: Stream, at: number, length: number): void {
    this.#countResponse(this.#status, undefined);
    this.#finish();
    this.downstream.onTunnel(stream, upstream.endpoint, at, length);
  }

  onUpstreamDrained(): void {
    this.downstream.onUpstreamDrained();
  }

  /** The client is gone: the upstream is told, and the exchange counted as far as it came. */
  abandon(): void {
    const upstream = this.#upstream;
    this.#upstream = undefined;
    upstream?.cancel();
    if (this.#state === SENT || this.#state === PARKED || this.#awaited !== undefined) {
      if (!this.#isResponseStarted) this.#status = 499;
      this.#countResponse(this.#status, "unclassified");
    }
    this.release(Http2Error.Cancel);
  }

  /** Over for good. @param reset as of `#finish` */
  release(reset = -1): void {
    this.#finish(reset);
    this.#state = ENDED;
    this.pipeline.release();
  }
}
