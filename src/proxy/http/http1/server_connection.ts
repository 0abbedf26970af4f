/**
 * A client's HTTP/1 connection: reads requests, sends each where the pipeline says, forwards the response, and goes on
 * with the next. One exchange at a time, in order; pipelined requests wait in the kernel or in one slot.
 *
 * A request that never reached an application (its connection was refused, or an idle one turned out closed) is sent
 * to another endpoint while its bytes are still held: what can be saved is not lost.
 * Source: RFC 9112 §9; RFC 9110 §7.6, §9.2.2, §10.1.1; proxy.md §7, §10.
 */
import { Head, HeaderName, HeadFlag, Method, Outcome } from "../../../wasm/http1.ts";
import { refusalOf } from "../../../wasm/refusal.ts";
import { monotonicMicros } from "../../../linux/clock.ts";
import type { Endpoint } from "../../connect/endpoint.ts";
import { errorHead, type ProxyError, proxyError } from "../../error.ts";
import { Tunnel } from "../../opaque/tunnel.ts";
import type { HttpSeries } from "../../telemetry/http_series.ts";
import { READ_SIZE } from "../../worker/arena.ts";
import { AGAIN, FAILED, type Stream, type StreamFailure, type StreamOwner } from "../../worker/stream.ts";
import { disarm, type Timer, timerOf } from "../../worker/timers.ts";
import { BodyReader, BROKEN } from "./body.ts";
import { ClientConnection } from "./client_connection.ts";
import type { Exchange } from "./exchange.ts";
import { HeldBytes } from "../../worker/held.ts";
import {
  HEAD_TIMEOUT_MS,
  MAX_ATTEMPTS,
  MAX_HEAD_BYTES,
  MAX_HEADERS,
  MAX_REPLAY_BYTES,
  MAX_TARGET_BYTES,
} from "./limits.ts";
import { Lingering } from "./lingering.ts";
import type { Pipeline } from "./pipeline.ts";
import { rewriteInPlace, rewriteRequest, upgradeLines } from "./rewrite.ts";

/** Waiting for a request; a request on its way; a request that waits for its pipeline; nothing more to come. */
const IDLE = 0, BUSY = 1, WAITING = 2, ENDED = 3;
/** A request that reached nobody, held until an endpoint is ready again. */
const PARKED = 4;
/** RFC 9110 §9.2.2, by Method. */
const IDEMPOTENT: ReadonlySet<number> = new Set([
  Method.Get,
  Method.Head,
  Method.Put,
  Method.Delete,
  Method.Options,
  Method.Trace,
]);

export class ServerConnection implements StreamOwner, Exchange {
  readonly stream: Stream;
  method = 0;
  isHttp10 = false;
  #state = IDLE;
  #client: ClientConnection | undefined;
  #endpoint: Endpoint | undefined;
  #series: HttpSeries | undefined;
  #startedAt = 0;
  #attempts = 0;
  #parkedFor: ProxyError | undefined;
  #isClientKeepAlive = true;
  #isUpgrade = false;
  #isResponseStarted = false;
  #status = 0;
  readonly #body: BodyReader;
  readonly #held: HeldBytes;
  /** The request as it was sent, until its response begins. */
  readonly #replay: HeldBytes;
  readonly #headTimer: Timer;

  constructor(stream: Stream, private readonly pipeline: Pipeline) {
    this.stream = stream;
    stream.owner = this;
    this.#body = new BodyReader(stream.arena);
    this.#held = new HeldBytes(stream.arena);
    this.#replay = new HeldBytes(stream.arena);
    this.#headTimer = timerOf(() => this.refuse(proxyError("bad-request", "the request head took too long")));
  }

  get isRequestDone(): boolean {
    return this.#body.isDone;
  }

  /** Begins with bytes that detection has read already, which lie in the receive area. */
  begin(at: number, length: number): void {
    if (length > 0) this.#consume(at, at + length);
    if (this.#state !== ENDED && this.stream.tls?.hasPending()) this.stream.readAgain();
  }

  onOpen(): void {}

  onReadable(stream: Stream): void {
    for (let i = 0; i < 4; i++) {
      if (this.#state !== IDLE && (this.#state !== BUSY || this.#body.isDone)) return stream.pause();
      if (this.#client?.stream.isBlocked) return stream.pause();
      const { arena } = stream, at = arena.receiveAt, held = this.#held.restore(at);
      const count = stream.read(at + held, READ_SIZE - held);
      if (count === AGAIN) {
        if (held > 0 && !this.#held.keep(at, held)) this.#loadShed();
        return;
      }
      if (count === FAILED) return this.onFailed(stream, stream.failure!);
      if (count === 0) return this.#clientEnded();
      this.#consume(at, at + held + count);
      if (stream.isClosed || stream.tls === undefined || !stream.tls.hasPending()) return;
    }
    stream.readAgain();
  }

  /** The client half-closed: what it asked for it still gets. */
  #clientEnded(): void {
    if (this.#state === IDLE) return this.#close("");
    if (this.#state === BUSY && !this.#body.isDone) {
      this.#client?.cancel();
      this.#countResponse(this.#isResponseStarted ? this.#status : 499, "unclassified");
      this.#close("");
    }
  }

  #loadShed(): void {
    this.refuse(proxyError("load-shed", "no buffer is left"));
  }

  #consume(start: number, end: number): void {
    let at = start;
    while (at < end && this.#state !== ENDED) {
      if (this.#state === IDLE) {
        const consumed = this.#consumeHead(at, end);
        if (consumed < 0) return;
        at += consumed;
      } else if (this.#state === BUSY && !this.#body.isDone) {
        const count = this.#forwardBody(at, end);
        if (count < 0) return;
        at += count;
      } else {
        if (!this.#held.keep(at, end - at)) return this.#loadShed();
        return this.stream.pause();
      }
    }
  }

  #forwardBody(at: number, end: number): number {
    const count = this.#body.take(at, end);
    if (count === BROKEN) {
      this.#cancelUpstream();
      return this.#refuseFor(this.#body.reason);
    }
    const client = this.#client;
    // The upstream failed meanwhile, but the client goes on sending: read and forget.
    if (client !== undefined && !client.stream.write(at, count)) {
      client.onFailed(client.stream, client.stream.failure!);
      return -1;
    }
    return count;
  }

  /** Refuses a message that the parser did. @returns -1: nothing more is to be done */
  #refuseFor(reason: number): -1 {
    const refusal = refusalOf(reason);
    this.refuse(proxyError("bad-request", refusal.text, refusal.status));
    return -1;
  }

  #cancelUpstream(): void {
    const client = this.#client;
    this.#client = undefined;
    client?.cancel();
  }

  /** @returns bytes consumed of head and body together; negative when nothing more is to be done now */
  #consumeHead(at: number, end: number): number {
    const { arena } = this.stream,
      { wasm, recordAt } = arena,
      words = arena.memory.words,
      record = recordAt >> 2;
    const length = wasm.parseRequestHead(at, end, recordAt, 0, MAX_HEAD_BYTES, MAX_TARGET_BYTES, MAX_HEADERS);
    if (length === Outcome.Partial) {
      if (!this.#held.keep(at, end - at)) this.#loadShed();
      else if (this.#headTimer.deadline === 0) {
        this.stream.loop.lane(HEAD_TIMEOUT_MS).arm(this.#headTimer, this.stream.loop.now);
      }
      return -1;
    }
    disarm(this.#headTimer);
    if (length === Outcome.Bad) return this.#refuseFor(words[record + Head.Reason]!);
    const flags = words[record + Head.Flags]!;
    this.method = words[record + Head.Method]!;
    this.isHttp10 = words[record + Head.Version] === 10;
    this.#isClientKeepAlive = (flags & HeadFlag.KeepAlive) !== 0;
    this.#isUpgrade = (flags & HeadFlag.Upgrade) !== 0 || this.method === Method.Connect;
    this.#isResponseStarted = false;
    this.#attempts = 0;
    const destination = this.pipeline.route(this, at);
    if (destination === undefined) {
      this.#state = WAITING;
      this.stream.pause();
      if (!this.#held.keep(at, end - at)) this.#loadShed();
      return -1;
    }
    if ("code" in destination) {
      this.#skipBody();
      this.#answer(destination);
      return this.#body.isDone && this.#state === IDLE ? length : -1;
    }
    return this.#send(destination, at, length, end);
  }

  /** An error is answered without an upstream: the connection can only be kept when no body follows. */
  #skipBody(): void {
    if (!this.#body.begin() || !this.#body.isDone) this.#isClientKeepAlive = false;
  }

  #send(endpoint: Endpoint, at: number, length: number, end: number): number {
    const { stream, pipeline } = this;
    if (!this.#body.begin()) {
      this.#loadShed();
      return -1;
    }
    this.#state = BUSY;
    this.#startedAt = monotonicMicros();
    const written = rewriteRequest(stream.arena, at, pipeline);
    const body = this.#body.take(at + length, end);
    if (body === BROKEN) return this.#refuseFor(this.#body.reason);
    const from = at + length - written, total = written + body;
    if (this.#body.isDone && total <= MAX_REPLAY_BYTES) this.#replay.keep(from, total);
    this.#series = pipeline.seriesOf(this, endpoint);
    this.#series.request(stream.loop.now);
    this.#attempt(endpoint, from, total);
    return this.stream.isClosed ? -1 : length + body;
  }

  /** Sends the request's first bytes to `endpoint`; goes on to others while it can be said that none was reached. */
  #attempt(endpoint: Endpoint, from: number, total: number, isFresh = false): void {
    this.#attempts++;
    this.#endpoint = endpoint;
    const client = endpoint.acquire(isFresh);
    if (!(client instanceof ClientConnection)) {
      return this.#retryOrFail(proxyError("connect-failed", `${endpoint.name}: ${client.detail}`), endpoint);
    }
    this.#client = client;
    client.begin(this);
    if (!client.stream.write(from, total)) client.onFailed(client.stream, client.stream.failure!);
  }

  /** The request's bytes are still held, and it has not been sent too often. */
  get #canRepeat(): boolean {
    return this.#replay.length > 0 && this.#attempts < MAX_ATTEMPTS;
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
      if (!("code" in next)) return this.#attempt(next, this.#replay.at, this.#replay.length);
    }
    this.#countResponse(error.status, error.label);
    this.#answer(error);
  }

  /** The pipeline knows more now: tries the request that waited again. */
  proceed(): void {
    if (this.#state === PARKED) return this.#unpark();
    if (this.#state !== WAITING) return;
    this.#state = IDLE;
    const at = this.stream.arena.receiveAt, length = this.#held.restore(at);
    this.#consume(at, at + length);
    if (this.#state !== WAITING) this.stream.resume();
  }

  #unpark(): void {
    const next = this.pipeline.reroute(this, this.#endpoint!, true);
    if (next === undefined) return;
    this.#state = BUSY;
    if (!("code" in next)) return this.#attempt(next, this.#replay.at, this.#replay.length);
    this.#countResponse(next.status, next.label);
    this.#answer(next);
  }

  onResponseHead(client: ClientConnection, at: number, status: number): number {
    const { arena } = this.stream, words = arena.memory.words, record = arena.recordAt >> 2;
    if (status > 0) {
      const undelivered = 1 << (HeaderName.L5dProxyUndelivered & 31);
      const isUndelivered =
        (words[record + Head.Present + (HeaderName.L5dProxyUndelivered >> 5)]! & undelivered) !== 0;
      if (isUndelivered && this.#trySaving(client)) return -1;
      this.#status = status;
      this.#isResponseStarted = true;
      this.#endpoint!.answered(monotonicMicros() - this.#startedAt, this.stream.loop.now);
      this.#replay.release();
    }
    if (!this.isHttp10 && words[record + Head.Version] === 10) arena.memory.bytes[at + 7] = 0x31;
    const flags = words[record + Head.Flags]!;
    const isClosing = status > 0 && !this.#isUpgraded(status) && this.#isClosingAfter(client);
    let extra = "";
    if (isClosing) extra = "connection: close\r\n";
    else if (this.isHttp10 && this.#isClientKeepAlive && status > 0) extra = "connection: keep-alive\r\n";
    else if (status === 101 && (flags & HeadFlag.Upgrade) !== 0) extra = upgradeLines(arena, at);
    if (isClosing) this.#isClientKeepAlive = false;
    const extraLength = extra === "" ? 0 : arena.writeAscii(arena.textAt, extra);
    return rewriteInPlace(arena, at, 0, this.pipeline.responseDrops, 0, arena.textAt, extraLength);
  }

  #isUpgraded(status: number): boolean {
    return this.#isUpgrade && (status === 101 || (this.method === Method.Connect && status < 300));
  }

  #isClosingAfter(client: ClientConnection): boolean {
    return !this.#isClientKeepAlive || client.isUntilClose || this.pipeline.isDraining || !this.#body.isDone;
  }

  /** The peer proxy says that the application never saw the request. @returns true when it goes elsewhere now */
  #trySaving(client: ClientConnection): boolean {
    // Only a proxy of the mesh is believed: anyone else's word would have a request carried out twice.
    if (!client.endpoint.isMeshed || !this.#canRepeat) return false;
    const next = this.pipeline.reroute(this, client.endpoint, false);
    if (next === undefined || "code" in next || next === client.endpoint) return false;
    this.#client = undefined;
    client.cancel();
    this.#attempt(next, this.#replay.at, this.#replay.length);
    return true;
  }

  #countResponse(status: number, error: string | undefined): void {
    this.#series?.response(status, error, monotonicMicros() - this.#startedAt);
    this.#series = undefined;
  }

  onResponseEnd(_client: ClientConnection): void {
    this.#client = undefined;
    this.#countResponse(this.#status, undefined);
    if (!this.#isClientKeepAlive || !this.#body.isDone) return this.#linger();
    this.#next();
  }

  /** The exchange is over and the connection stays. */
  #next(): void {
    this.#state = IDLE;
    this.#endpoint = undefined;
    if (this.stream.isReadEnded && this.#held.length === 0) return this.#linger();
    if (this.#held.length > 0) {
      const { stream } = this;
      // In a turn of its own: a long pipeline must not keep the others waiting.
      this.#state = WAITING;
      stream.loop.defer(() => this.proceed());
      return;
    }
    this.stream.resume();
  }

  onResponseFailed(client: ClientConnection, error: ProxyError): void {
    this.#client = undefined;
    if (this.#isResponseStarted) return this.#breakOff(error);
    // A kept connection that the upstream closed as we wrote: its endpoint is asked again, on a new connection, where
    // the method allows it (RFC 9110 §9.2.2).
    const isStale = client.isReused && error.code === "upstream-reset" && this.#canRepeat;
    if (isStale && IDEMPOTENT.has(this.method)) {
      return this.#attempt(client.endpoint, this.#replay.at, this.#replay.length, true);
    }
    this.#retryOrFail(error, client.endpoint);
  }

  /** A response that has begun cannot be mended: the client must see that it is not whole. */
  #breakOff(error: ProxyError): void {
    this.#countResponse(this.#status, error.label);
    this.pipeline.onError(error);
    this.#release();
    this.stream.abort();
    this.pipeline.onClosed(this, "ECONNRESET");
  }

  /** Answers the exchange with an error of the proxy. */
  #answer(error: ProxyError): void {
    this.pipeline.onError(error);
    this.#replay.release();
    const { arena } = this.stream;
    const isClosing = error.isClosing || !this.#isClientKeepAlive || !this.#body.isDone ||
      this.pipeline.isDraining;
    const length = arena.writeAscii(arena.scratchAt, errorHead(error, this.pipeline.isInformed, isClosing));
    if (!this.stream.write(arena.scratchAt, length)) return this.#close("EPIPE");
    if (isClosing) return this.#linger();
    this.#state = IDLE;
    this.stream.resume();
  }

  /** Ends the connection with an error: a head that cannot be parsed, a wait that was too long. */
  refuse(error: ProxyError): void {
    if (this.#state === ENDED) return;
    this.#isClientKeepAlive = false;
    if (this.#isResponseStarted && this.#state === BUSY) {
      this.#cancelUpstream();
      return this.#breakOff(error);
    }
    if (this.#state !== PARKED) return this.#answer(error);
    // What it was parked for says more than that no endpoint became ready.
    const cause = this.#parkedFor ?? error;
    this.#countResponse(cause.status, cause.label);
    this.#answer(cause);
  }

  onTunnel(client: ClientConnection, at: number, length: number): void {
    const { stream, pipeline } = this, endpoint = client.endpoint;
    this.#client = undefined;
    this.#countResponse(this.#status, undefined);
    endpoint.becameTunnel();
    const tunnel = new Tunnel(stream.arena, stream, client.stream, (failure) => {
      endpoint.closedStream(failure);
      pipeline.onClosed(this, failure === undefined ? "" : "ECONNRESET");
    });
    if (length > 0) stream.write(at, length);
    const early = this.#held.restore(stream.arena.receiveAt);
    if (early > 0) client.stream.write(stream.arena.receiveAt, early);
    this.#release();
    tunnel.start();
    pipeline.onTunnel(this, () => tunnel.close());
  }

  onUpstreamDrained(): void {
    if (this.#state === BUSY && !this.#body.isDone) this.stream.resume();
  }

  onDrained(): void {
    this.#client?.stream.resume();
  }

  onDownstreamFailed(failure: StreamFailure): void {
    this.onFailed(this.stream, failure);
  }

  onFailed(_stream: Stream, failure: StreamFailure): void {
    if (this.#state === ENDED) return;
    const client = this.#client;
    this.#client = undefined;
    client?.cancel();
    if (client !== undefined) {
      this.#countResponse(this.#isResponseStarted ? this.#status : 499, "unclassified");
    }
    this.#close(failure.code === "reset" ? "ECONNRESET" : failure.code);
  }

  /** Closes after the client has had time to read the last response. */
  #linger(): void {
    this.#release();
    new Lingering(this.stream);
    this.pipeline.onClosed(this, "");
  }

  #close(errno: string): void {
    this.#release();
    this.stream.close();
    this.pipeline.onClosed(this, errno);
  }

  #release(): void {
    this.#state = ENDED;
    disarm(this.#headTimer);
    this.#body.release();
    this.#held.release();
    this.#replay.release();
  }

  /** The proxy shuts down: closes now when idle, after the response otherwise. */
  drain(): void {
    if (this.#state === IDLE && this.#held.length === 0) this.#linger();
  }
}
