/**
 * One request and its response, whatever the versions on either side: asks the pipeline where it goes, sends it there,
 * and hands the response back. A request that never reached an application (its connection was refused, an idle one
 * turned out closed, a peer proxy says so) is sent to another endpoint while its bytes are still held: what can be
 * saved is not lost. Its route may have it sent again after a response that is not final, and ends it in time.
 *
 * The held form is HTTP/1's, whichever version it came in, since that is one run of bytes that can be parsed again.
 * Source: RFC 9110 §9.2.2; RFC 9113 §8.7; proxy.md §6, §7, §9, §10.
 */
import { Head, HeaderName } from "../../wasm/http1.ts";
import { Http2Error } from "../../wasm/http2.ts";
import type { Endpoint } from "../connect/endpoint.ts";
import { grpcCodeOf, type ProxyError, proxyError, reasonOf } from "../error.ts";
import type { Arena } from "../worker/arena.ts";
import type { Loop } from "../worker/loop.ts";
import type { Stream } from "../worker/stream.ts";
import { Attempt, WAITS } from "./attempt.ts";
import { CarriedRequest, UNREADABLE } from "./carried_request.ts";
import { Constraints } from "./constraints.ts";
import { grpcTimeoutMs } from "./grpc.ts";
import { withHeaders } from "./header_rules.ts";
import { Onlookers } from "./onlookers.ts";
import { hasHeader } from "./record.ts";
import { MAX_ATTEMPTS, MAX_REPLAY_BYTES } from "./limits.ts";
import type { Pipeline } from "./pipeline.ts";
import type { Downstream, Upstream } from "./sides.ts";
import { Tally } from "./tally.ts";

/** Nothing is under way; waiting for the pipeline; sent; held until an endpoint is ready, or for a while; over. */
const IDLE = 0, WAITING = 1, SENT = 2, PARKED = 3, BACKING_OFF = 4, ENDED = 5;

export class Exchange extends CarriedRequest {
  /** Both sides speak HTTP/1.1: bodies pass with their framing. */
  isRaw = false;
  #state = IDLE;
  #upstream: Upstream | undefined;
  readonly #attempt: Attempt;
  readonly #tally: Tally;
  /** What the request at hand is bound by; undefined: nothing. */
  #constraints: Constraints | undefined;
  #spareConstraints: Constraints | undefined;
  #parkedFor: ProxyError | undefined;
  #isResponseStarted = false;
  #status = 0;
  /** It counts among the requests in hand. */
  #isInFlight = false;
  #onlookers: Onlookers | undefined;

  constructor(
    readonly downstream: Downstream,
    readonly pipeline: Pipeline,
    private readonly loop: Loop,
    arena: Arena,
  ) {
    super(arena);
    this.#attempt = new Attempt(loop, arena);
    this.#tally = new Tally(loop);
  }

  get isWaiting(): boolean {
    return this.#state === WAITING;
  }

  get upstream(): Upstream | undefined {
    return this.#upstream;
  }

  /** The request's side must not give more of the body now. */
  get isRequestBlocked(): boolean {
    return this.#state === PARKED || this.#state === BACKING_OFF || (this.#upstream?.isBlocked ?? false);
  }

  /**
   * Takes the request whose head stands in the record.
   * @returns whether `send` must follow; otherwise it waits for the pipeline, or has been answered
   */
  start(at: number): boolean {
    this.#readHead(at);
    if (!this.#isInFlight) {
      this.#tally.begin();
      if (this.#onlookers !== undefined || this.pipeline.isWatched) this.#looking.begin(this, at);
      if (!(this.#isInFlight = this.pipeline.inFlight.enter())) {
        this.#answer(proxyError("load-shed", "too many requests are in hand"));
        return false;
      }
    }
    const endpoint = this.#attempt.awaited ?? this.#route(at);
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
    this.#tally.route = this.pipeline.requestSeries;
    this.#constrain(at);
    if (destination === undefined) this.#state = WAITING;
    else if ("code" in destination) this.#answer(destination);
    else {
      this.#tally.request(this.pipeline.seriesOf(this, destination));
      if (this.pipeline.taps.isActive) this.#looking.routed(destination, at, this.loop.micros());
      return destination;
    }
    return undefined;
  }

  /** Made when somebody first looks. */
  get #looking(): Onlookers {
    return this.#onlookers ??= new Onlookers(this.pipeline, this.loop, this.arena);
  }

  /** Follows what the request's route asks for, as soon as that is known, and its call, unless a peer proxy did. */
  #constrain(at: number): void {
    const { rules, isDowngrading } = this.pipeline;
    const callMs = this.isGrpc && !isDowngrading ? grpcTimeoutMs(this.arena, at) : -1;
    if ((rules === undefined && callMs < 0) || this.#constraints?.rules !== undefined) return;
    this.#constraints ??= this.#spareConstraints ??= new Constraints(this.loop, this.arena, this);
    this.#constraints.begin(rules && withHeaders(rules, this.arena, at), callMs, this.#tally.passedMs);
    this.replay.limit = this.#constraints.retry?.maxRequestBytes ?? MAX_REPLAY_BYTES;
  }

  /** Answers a request with an error, of whose HTTP/2 head not all was kept. */
  refuseHead(error: ProxyError): void {
    this.#readHead(0);
    this.#answer(error);
  }

  #readHead(at: number): void {
    this.readFacts(at, this.downstream.isHttp1, this.pipeline.isDowngrading);
    this.#isResponseStarted = false;
    this.#attempt.restart();
    this.#upstream = undefined;
    this.#parkedFor = undefined;
  }

  /** Takes a connection to `endpoint`, or another. @returns why there is none, or that it waits for one */
  #acquire(endpoint: Endpoint, isFresh: boolean): ProxyError | typeof WAITS | undefined {
    const upstream = this.#attempt.acquire(this, endpoint, isFresh);
    if (upstream === WAITS || "code" in upstream) return upstream;
    this.#upstream = upstream;
    this.isRaw = upstream.isHttp1 && this.downstream.isHttp1 && !this.downstream.isHttp10;
    return undefined;
  }

  /** Sends the request that `start` has taken; its head still stands in the record. */
  send(at: number, headLength: number, bodyAt: number, bodyLength: number, isEnd: boolean): void {
    this.hold(at, headLength, bodyAt, bodyLength, this.downstream.isHttp1);
    this.#tally.requestFrame(bodyLength);
    this.#send(at, headLength, bodyAt, bodyLength, isEnd);
  }

  #send(at: number, headLength: number, bodyAt: number, bodyLength: number, isEnd: boolean): void {
    this.pipeline.editRequest(at, this.#attempt.sent(this.#onlookers?.trace));
    this.#constraints?.begun(isEnd);
    this.#upstream!.send(this, at, headLength, bodyAt, bodyLength, isEnd);
  }

  sendBody(at: number, length: number, isEnd: boolean): void {
    if (this.isWebSocket) this.replay.release();
    else this.replay.add(at, length);
    this.#tally.requestFrame(length);
    if (isEnd) this.#tally.requestEnded();
    this.#constraints?.moved(isEnd && !this.#isResponseStarted);
    this.#upstream?.sendBody(at, length, isEnd);
  }

  /** Trailers of the request stand in the record. */
  sendTrailers(at: number): void {
    this.#tally.requestEnded();
    this.replay.release(); // they are not part of what is held
    this.#constraints?.moved(!this.#isResponseStarted);
    this.#upstream?.sendTrailers(at);
  }

  /** The request's bytes are still held, and it has not been sent too often. */
  get #canRepeat(): boolean {
    return this.replay.isWhole && this.#attempt.count < MAX_ATTEMPTS;
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
    if (!this.#tally.isOpen) this.#tally.retry(this.pipeline.seriesOf(this, this.#attempt.endpoint!));
    const head = this.restore(), { bodyAt, bodyLength } = this.replay;
    if (head === 0) {
      this.#upstream!.cancel();
      return this.#answer(UNREADABLE);
    }
    this.#send(this.arena.resendAt, head, bodyAt, bodyLength, this.downstream.isRequestDone);
  }

  /** `upstream` waited to know what its peer takes, and sends what is held now. */
  sendHeld(upstream: Upstream): void {
    if (this.#upstream !== upstream) return;
    const at = this.arena.resendAt, head = this.restore();
    if (head === 0) return this.refuse(UNREADABLE);
    this.pipeline.editRequest(at, this.#attempt.trace);
    upstream.send(this, at, head, at + head, 0, this.downstream.isRequestDone);
    if (this.#upstream === upstream && !this.downstream.isRequestDone) this.downstream.onUpstreamDrained();
  }

  /** `upstream`, to which nothing was sent, cannot carry the request: its endpoint is asked in another way. */
  onCannotCarry(upstream: Upstream): void {
    if (this.#upstream !== upstream) return;
    this.#upstream = undefined;
    this.#attempt.trace?.notSent();
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
    const isFinal = !(this.#constraints?.isRetryableError(error, this.isGrpc) ?? false);
    if (isFinal || !this.#tryAgain(error.status, reasonOf(error))) this.#answer(error);
  }

  /** All of the request has come, and is held. */
  get #isWhole(): boolean {
    return this.replay.isWhole && this.downstream.isRequestDone;
  }

  /** What came of the request is not final: sends it again after a while, if that can be. What came counts then. */
  #tryAgain(status: number, label: string | undefined): boolean {
    if (!this.#constraints!.tryAgain(this.#attempt.endpoint!, this.#isWhole)) return false;
    this.#tally.response(status, label, this.grpcStatus);
    const upstream = this.#upstream;
    this.#upstream = undefined;
    this.#attempt.end();
    this.#attempt.restart();
    this.grpcStatus = -1;
    this.#state = BACKING_OFF;
    upstream?.cancel();
    return true;
  }

  /** It has waited long enough for its next attempt. */
  onBackedOff(): void {
    this.#state = PARKED;
    this.#unpark();
  }

  /** Its route's limit, or its client's, has passed. */
  onOverdue(error: ProxyError): void {
    this.pipeline.release(); // it may wait there
    this.refuse(error);
  }

  /** No response has begun in time. */
  onAttemptOverdue(error: ProxyError): void {
    this.#attempt.failed(error.code);
    if (!this.#tryAgain(error.status, reasonOf(error))) this.refuse(error);
  }

  /** The pipeline knows more now: tries the request that waited again. */
  proceed(): void {
    if (this.#state === PARKED) return this.#unpark();
    if (this.#state !== WAITING) return;
    this.#state = IDLE;
    this.downstream.proceed();
  }

  #unpark(): void {
    const next = this.pipeline.reroute(this, this.#attempt.endpoint!, true);
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
    if (this.#state === PARKED) return this.#resendParked(this.#attempt.awaited!);
    this.#state = IDLE;
    this.downstream.proceed();
  }

  onTooLate(): void {
    this.refuse(proxyError("failfast", `${this.#attempt.awaited!.name}: no connection became free`));
  }

  /** Gives the request up with an error of the proxy: a wait that was too long, a body that is malformed. */
  refuse(error: ProxyError): void {
    if (this.#state === ENDED) return;
    const cause = this.#state === PARKED ? this.#parkedFor ?? error : error; // it says more than "not in time"
    const upstream = this.#upstream;
    if (upstream !== undefined && !this.#isResponseStarted && this.downstream.isRequestDone) {
      this.#attempt.failed(error.code);
    }
    this.#upstream = undefined;
    upstream?.cancel();
    if (this.#isResponseStarted && this.#state === SENT) return this.#breakOff(error);
    this.#answer(cause);
  }

  /** Answers with an error of the proxy; it is counted where the request was. */
  #answer(error: ProxyError): void {
    if (this.isGrpc && error.reset === undefined) this.grpcStatus = grpcCodeOf(error);
    this.#tally.final(error.status, reasonOf(error), this.grpcStatus);
    this.pipeline.onError(error);
    this.#status = error.status;
    this.#finish(error.reset);
    this.downstream.respondError(error);
  }

  /** @param reset the HTTP/2 error of a response that is not whole; -1 when it is */
  #finish(reset = -1): void {
    if (this.#isInFlight) this.pipeline.inFlight.leave();
    this.#isInFlight = false;
    this.#attempt.stop(this);
    this.#constraints?.end();
    this.#constraints = undefined;
    this.#onlookers?.ended(this.#status, this.grpcStatus, reset, this.#tally.startedAt);
    this.#state = IDLE;
    this.#upstream = undefined;
    this.replay.release();
  }

  /** The final response head stands in the record. @returns false when it must not go on, but elsewhere or not at all */
  onResponse(
    upstream: Upstream,
    at: number,
    headLength: number,
    bodyAt: number,
    bodyLength: number,
    isEnd: boolean,
  ): boolean {
    const status = this.#status = this.arena.memory.words[(this.arena.recordAt >> 2) + Head.Status]!;
    this.readGrpcStatus(at);
    this.#attempt.answered(at, status, this.grpcStatus, isEnd || bodyLength > 0);
    if (hasHeader(this.arena, HeaderName.L5dProxyUndelivered) && this.#trySaving(upstream)) return false;
    if (this.#constraints !== undefined) {
      this.#constraints.deadlines.answered();
      if (this.#isRetried()) return false;
      if (!isEnd && bodyLength === 0 && this.#isWhole && this.#constraints.hold(this, at)) return true;
    }
    return this.#forward(at, headLength, bodyAt, bodyLength, isEnd);
  }

  /** The response, as far as it is known, is not final, and another attempt will be made. */
  #isRetried(): boolean {
    if (!this.#constraints!.isRetryable(this.#status, this.grpcStatus)) return false;
    this.#attempt.ended(this.#status, this.grpcStatus);
    return this.#tryAgain(this.#status, undefined);
  }

  /** Hands on the response's head, and what of its content came with it: there is no way back. */
  #forward(at: number, headLength: number, bodyAt: number, bodyLength: number, isEnd: boolean): boolean {
    this.#isResponseStarted = true;
    this.#constraints?.settle(this.#status, this.grpcStatus);
    this.#onlookers?.responded(this.#attempt.endpoint!, this.#status, at, bodyLength);
    this.replay.release();
    this.#tally.responseFrame(bodyLength);
    this.pipeline.editResponse(at);
    return this.downstream.respond(at, headLength, bodyAt, bodyLength, isEnd);
  }

  /** Hands on the head that was held, now that content follows, or a final end. @returns as `onResponse` */
  #forwardHeld(): boolean {
    const head = this.#constraints!.held.restoreHead();
    if (head > 0) return this.#forward(this.arena.resendAt, head, 0, 0, false);
    this.refuse(UNREADABLE);
    return false;
  }

  onInterim(at: number, headLength: number): boolean {
    return this.downstream.isHttp10 || this.downstream.respondInterim(at, headLength);
  }

  onResponseBody(at: number, length: number, isEnd: boolean): boolean {
    this.#attempt.moved();
    if (this.#constraints !== undefined) {
      this.#constraints.deadlines.moved();
      if (this.#constraints.held.isHeld && !this.#forwardHeld()) return false;
    }
    this.#tally.responseFrame(length);
    this.#onlookers?.content(length);
    return this.downstream.respondBody(at, length, isEnd);
  }

  onResponseTrailers(at: number): boolean {
    this.readGrpcStatus(at);
    return this.#constraints?.held.isHeld ? this.#endHeld(at) : this.#forwardTrailers(at);
  }

  #forwardTrailers(at: number): boolean {
    this.#onlookers?.trailers(at);
    return this.downstream.respondTrailers(at);
  }

  /** The trailers in the record follow the head that was held. @returns as `onResponse` */
  #endHeld(at: number): boolean {
    const { held } = this.#constraints!;
    if (this.#isRetried()) return false;
    const isKept = held.keepTrailers(at);
    if (!this.#forwardHeld()) return false;
    if (isKept && held.restoreTrailers()) return this.#forwardTrailers(this.arena.resendAt);
    this.refuse(UNREADABLE);
    return false;
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

  /** The response is whole, and has gone to the client. */
  onResponseEnd(): void {
    this.#attempt.ended(this.#status, this.grpcStatus);
    this.#tally.final(this.#status, undefined, this.grpcStatus);
    this.#finish();
    this.downstream.onExchangeEnd();
  }

  /** The response broke off, or never came. `upstream` is of no more use. */
  onResponseFailed(upstream: Upstream, error: ProxyError): void {
    if (this.#upstream !== upstream) return;
    this.#upstream = undefined;
    if (this.#isResponseStarted) {
      this.#attempt.failed(error.code);
      return this.#breakOff(error);
    }
    this.#constraints?.held.release();
    const { isDowngrading: isLocal } = this.pipeline;
    if (this.#canRepeat && this.#attempt.isWorthRepeating(upstream, error, this.isIdempotent, isLocal)) {
      return this.#resend(upstream.endpoint, error.code === "upstream-reset");
    }
    this.#attempt.failed(error.code);
    this.#retryOrFail(error, upstream.endpoint);
  }

  #breakOff(error: ProxyError): void {
    this.#tally.final(this.#status, reasonOf(error), this.grpcStatus);
    this.pipeline.onError(error);
    this.#finish(error.reset ?? Http2Error.Internal);
    this.downstream.breakOff(error);
  }

  /** The upstream switched protocols; its head has been forwarded. */
  onTunnel(upstream: Upstream, stream: Stream, at: number, length: number): void {
    this.#tally.final(this.#status, undefined, this.grpcStatus);
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
    const isUnderWay = this.#state === SENT || this.#state === PARKED || this.#state === BACKING_OFF;
    if (isUnderWay || this.#attempt.awaited !== undefined) {
      if (!this.#isResponseStarted) this.#status = 499;
      this.#tally.final(this.#status, "unclassified", this.grpcStatus);
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
