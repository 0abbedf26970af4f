/**
 * A connection to an HTTP/1 upstream that carries one exchange after another: reads responses, forwards them as they
 * come, and goes back to its endpoint's pool when both sides are done and agree to keep it.
 */
import { EPIPE } from "../../../linux/errno.ts";
import { Body, Head, HeadFlag, Outcome } from "../../../wasm/http1.ts";
import { BlockKind } from "../../../wasm/http2.ts";
import { refusalOf } from "../../../wasm/refusal.ts";
import type { Endpoint } from "../../connect/endpoint.ts";
import { proxyError } from "../../error.ts";
import { type Arena, READ_SIZE } from "../../worker/arena.ts";
import { HeldBytes } from "../../worker/held.ts";
import { AGAIN, FAILED, type Stream, type StreamFailure, type StreamOwner } from "../../worker/stream.ts";
import { disarm, type Timer, timerOf } from "../../worker/timers.ts";
import type { Exchange } from "../exchange.ts";
import { connectError } from "../failure.ts";
import { MAX_HEAD_BYTES, MAX_HEADERS } from "../limits.ts";
import { overrideAuthority } from "../override.ts";
import type { Upstream } from "../sides.ts";
import { BodyReader, BROKEN } from "./body.ts";
import { MessageWriter } from "./message_writer.ts";
import { acceptOf, hideKey, keyLine, newKey, toConnected } from "../websocket.ts";
import { isTooLongToRepeat, rewriteRequest, upgradeLines } from "./rewrite.ts";

/** Reads of one connection in one event before others get their turn. */
const READS_PER_EVENT = 4;

export class ClientConnection implements StreamOwner, Upstream {
  readonly isHttp1 = true;
  /** An upstream may answer before it has read the request, and then leave. */
  readonly hearsOut = true;
  readonly arena: Arena;
  stream!: Stream;
  exchange: Exchange | undefined;
  isReused = false;
  /** Runs while it sits idle in its pool. */
  readonly idleTimer: Timer;
  /** Runs while it is being made. */
  readonly connectTimer: Timer;
  #isHeadDone = false;
  /** Nothing has come since the request was sent. */
  #isSilent = true;
  #keepsAlive = false;
  #isRequestDone = false;
  /** What must answer the key of the WebSocket that an HTTP/2 client asked for; "" when it did not. */
  #accept = "";
  /** The upstream has agreed: bytes pass as they are. */
  #isSwitched = false;
  /** It has said all it will, and the client has not. */
  #isHalfClosed = false;
  readonly #body: BodyReader;
  readonly #held: HeldBytes;
  readonly #writer: MessageWriter;

  constructor(
    readonly endpoint: Endpoint,
    arena: Arena,
    /** It carries requests in absolute form. */
    readonly isAbsolute: boolean,
  ) {
    this.arena = arena;
    this.#body = new BodyReader(arena);
    this.#held = new HeldBytes(arena);
    this.#writer = new MessageWriter(arena);
    this.idleTimer = timerOf(() => this.#idledOut());
    this.connectTimer = timerOf(() => this.stream.connectTimedOut());
  }

  get isBlocked(): boolean {
    // What came before the upstream has agreed to switch would be read as another request.
    return this.stream.isBlocked || (this.#accept !== "" && !this.#isSwitched);
  }

  get isUntilClose(): boolean {
    return this.#body.isUntilClose;
  }

  send(
    exchange: Exchange,
    at: number,
    headLength: number,
    bodyAt: number,
    bodyLength: number,
    isEnd: boolean,
  ): void {
    this.exchange = exchange;
    this.#isHeadDone = false;
    this.#isSilent = true;
    this.#isRequestDone = isEnd;
    const { arena } = this, { pipeline } = exchange, words = arena.memory.words, record = arena.recordAt >> 2;
    if (exchange.isWebSocket) return this.#sendUpgrade(exchange, at);
    this.#accept = "";
    const authority = this.#authorityOf(exchange);
    if (authority !== "" && words[record + Head.Version] !== 20) {
      return this.#sendAs(authority, exchange, at, bodyAt, bodyLength, isEnd);
    }
    if (words[record + Head.Version] === 20) {
      overrideAuthority(arena, at, authority);
      const { requestExtraAt, requestExtraLength } = pipeline;
      const written = this.#writer.head(
        BlockKind.Request,
        pipeline.requestDrops,
        requestExtraAt,
        requestExtraLength,
        bodyAt,
        bodyLength,
        isEnd,
      );
      if (written < 0) return this.#fail("bad-request", "the request head is too large for HTTP/1");
      return this.#write(arena.scratchAt, written);
    }
    this.#writer.isChunked = !exchange.isRaw && words[record + Head.Body] === Body.Chunked;
    const written = rewriteRequest(arena, at, pipeline), from = at + headLength - written;
    const isOneRun = bodyAt === at + headLength && !this.#writer.isChunked;
    this.#write(from, isOneRun ? written + bodyLength : written);
    if (!isOneRun && this.exchange === exchange) this.#writeBody(bodyAt, bodyLength, isEnd);
  }

  /** Whom the request is for, where that is not whom it names. */
  #authorityOf({ pipeline }: Exchange): string {
    return this.endpoint.authority || pipeline.authority;
  }

  /** A request for another authority than it names: written anew, in the form that a Host decides. */
  #sendAs(
    authority: string,
    exchange: Exchange,
    at: number,
    bodyAt: number,
    bodyLength: number,
    isEnd: boolean,
  ): void {
    const { arena } = this, { pipeline } = exchange, { words } = arena.memory, record = arena.recordAt >> 2;
    const isChunked = words[record + Head.Body] === Body.Chunked;
    const isUpgrade = (words[record + Head.Flags]! & HeadFlag.Upgrade) !== 0;
    const extra = arena.readAscii(pipeline.requestExtraAt, pipeline.requestExtraLength) +
      (isUpgrade ? upgradeLines(arena, at) : "");
    overrideAuthority(arena, at, authority);
    const { requestDrops: drops } = pipeline;
    const head = this.#writer.anew(at, isChunked, drops, arena.textAt, arena.writeAscii(arena.textAt, extra));
    this.#writer.isChunked = isChunked && !exchange.isRaw;
    if (head < 0) return this.#fail("bad-request", "the request head is too large");
    this.#write(arena.scratchAt, head);
    if (this.exchange === exchange) this.#writeBody(bodyAt, bodyLength, isEnd);
  }

  /** An extended CONNECT as HTTP/1 has it: the same fields, and a key of our own (RFC 8441 §5). */
  #sendUpgrade(exchange: Exchange, at: number): void {
    const { arena } = this, { pipeline } = exchange, { requestExtraAt, requestExtraLength } = pipeline;
    const key = newKey(), line = keyLine(key);
    this.#accept = acceptOf(key);
    this.#isSwitched = this.#isHalfClosed = false;
    hideKey(arena, at);
    // The form that was held is an Upgrade already, whose lines are written anew.
    const isHeld = arena.memory.words[(arena.recordAt >> 2) + Head.Version] !== 20;
    const extra = arena.readAscii(requestExtraAt, requestExtraLength) + line +
      (isHeld ? upgradeLines(arena, at) : "");
    const { requestDrops: drops } = pipeline;
    overrideAuthority(arena, at, this.#authorityOf(exchange));
    const head = this.#writer.anew(at, false, drops, arena.textAt, arena.writeAscii(arena.textAt, extra));
    this.#writer.isChunked = false;
    if (head < 0) return this.#fail("bad-request", "the request head is too large for HTTP/1");
    this.#write(arena.scratchAt, head);
  }

  sendBody(at: number, length: number, isEnd: boolean): void {
    this.#isRequestDone = isEnd;
    if (this.#accept !== "") return this.#sendThrough(at, length, isEnd);
    this.#writeBody(at, length, isEnd);
  }

  /** Bytes of the WebSocket, and the client's end of it. */
  #sendThrough(at: number, length: number, isEnd: boolean): void {
    if (!this.#isSwitched) return this.#fail("bad-request", "content before the upstream has switched");
    const { exchange } = this;
    this.#write(at, length);
    if (!isEnd || this.exchange !== exchange) return;
    if (this.#isHalfClosed) return this.#finish();
    this.stream.endWriting();
  }

  #writeBody(at: number, length: number, isEnd: boolean): void {
    if (!this.#writer.isChunked) return this.#write(at, length);
    this.#write(this.arena.scratchAt, this.#writer.body(at, length, isEnd));
  }

  sendTrailers(at: number): void {
    this.#isRequestDone = true;
    if (this.#accept !== "") return this.#sendThrough(at, 0, true);
    this.#write(this.arena.scratchAt, this.#writer.trailers(at));
  }

  #write(at: number, length: number): void {
    if (length > 0 && !this.stream.write(at, length)) this.onFailed(this.stream, this.stream.failure!);
  }

  resume(): void {
    this.stream.resume();
  }

  /** Closes a connection that carries nothing. */
  discard(): void {
    this.#forget();
    this.stream.close();
  }

  /** The same for one that its server has not closed. */
  #idledOut(): void {
    this.#forget();
    this.endpoint.closeUnused(this.stream);
  }

  #forget(): void {
    disarm(this.idleTimer);
    disarm(this.connectTimer);
    this.endpoint.forget(this);
    this.#release();
  }

  #release(): void {
    this.#body.release();
    this.#held.release();
  }

  onOpen(_stream: Stream): void {
    disarm(this.connectTimer);
    const refusal = this.endpoint.opened(this);
    if (refusal !== undefined) this.stream.fail(refusal);
  }

  onDrained(_stream: Stream): void {
    if (!this.#isRequestDone) this.exchange?.onUpstreamDrained();
  }

  onFailed(_stream: Stream, failure: StreamFailure): void {
    disarm(this.connectTimer);
    disarm(this.idleTimer);
    this.endpoint.closed(this, failure);
    this.#release();
    const exchange = this.exchange;
    this.exchange = undefined;
    if (exchange === undefined) return this.endpoint.forget(this);
    exchange.onResponseFailed(this, connectError(this.endpoint.name, failure, this.#isSilent));
  }

  /** The upstream's connection is of no more use: closes it and tells the exchange. */
  #fail(code: "bad-request" | "bad-response" | "upstream-reset", detail: string): void {
    this.#release();
    this.stream.close();
    this.endpoint.closed(this, undefined);
    const exchange = this.exchange;
    this.exchange = undefined;
    exchange?.onResponseFailed(this, proxyError(code, `${this.endpoint.name}: ${detail}`));
  }

  onReadable(stream: Stream): void {
    const { exchange } = this;
    // An idle connection has nothing to say: this is its end, or bytes nobody asked for.
    if (exchange === undefined) return this.discard();
    const { downstream } = exchange;
    for (let i = 0; i < READS_PER_EVENT; i++) {
      if (downstream.isBlocked) return stream.pause();
      const at = this.arena.receiveAt, held = this.#held.restore(at);
      const count = stream.read(at + held, READ_SIZE - held);
      if (count === AGAIN) {
        if (held > 0 && !this.#held.keep(at, held)) this.#fail("upstream-reset", "no buffer is left");
        return;
      }
      if (count === FAILED) return this.onFailed(stream, stream.failure!);
      if (count === 0) return this.#ended(held);
      this.#isSilent = false;
      this.#consume(at, at + held + count, exchange);
      if (this.exchange !== exchange || stream.isClosed) return;
      if (stream.tls === undefined || !stream.tls.hasPending()) return;
    }
    stream.readAgain();
  }

  /** The upstream closed. */
  #ended(held: number): void {
    const { loss } = this.stream;
    // EPIPE: its end had come, and so had all that it said; only we were not done.
    if (loss !== undefined && !(this.#isHeadDone && loss.errno === EPIPE)) return this.stream.fail(loss);
    if (this.#isHeadDone && this.#body.end()) {
      this.#keepsAlive = false;
      const { exchange } = this;
      // An HTTP/2 client has to be told; an HTTP/1 one sees the connection end.
      if (!exchange!.isRaw && !exchange!.onResponseBody(this.arena.receiveAt, 0, true)) return;
      if (this.#accept === "" || this.#isRequestDone) return this.#finish();
      this.#isHalfClosed = true;
      return;
    }
    const detail = this.#isHeadDone
      ? "closed in the middle of a response"
      : held > 0
      ? "closed in the middle of a response head"
      : "closed without a response";
    this.#fail("upstream-reset", detail);
  }

  #consume(start: number, end: number, exchange: Exchange): void {
    let at = start;
    while (at < end) {
      if (!this.#isHeadDone) {
        const consumed = this.#consumeHead(at, end, exchange);
        if (consumed < 0) return;
        at += consumed;
        continue;
      }
      const count = this.#body.read(at, end, exchange.isRaw);
      if (count === BROKEN) return this.#breakOff();
      const { isDone, hasTrailers, contentLength } = this.#body;
      if (!exchange.onResponseBody(at, contentLength, isDone && !hasTrailers)) return;
      at += count;
      if (isDone) return this.#end(at < end, exchange);
    }
  }

  #breakOff(): void {
    this.#fail("bad-response", refusalOf(this.#body.reason).text);
  }

  /** @returns bytes consumed of head and body together; negative when there is nothing more to do now */
  #consumeHead(at: number, end: number, exchange: Exchange): number {
    const { wasm, recordAt, memory } = this.arena;
    const length = wasm.parseResponseHead(at, end, recordAt, 0, MAX_HEAD_BYTES, MAX_HEADERS, exchange.method);
    if (length === Outcome.Partial) {
      if (!this.#held.keep(at, end - at)) {
        this.#fail("upstream-reset", "no buffer is left for a response head");
      }
      return -1;
    }
    const words = memory.words, record = recordAt >> 2;
    if (length === Outcome.Bad) {
      this.#fail("bad-response", refusalOf(words[record + Head.Reason]!).text);
      return -1;
    }
    const flags = words[record + Head.Flags]!;
    if ((flags & HeadFlag.Interim) !== 0) return exchange.onInterim(at, length) ? length : -1;
    if (exchange.isWebSocket && words[record + Head.Status]! < 300) {
      return this.#open(at, length, end, exchange);
    }
    if (words[record + Head.Body] === Body.Tunnel) return this.#switch(at, length, end, exchange);
    this.#keepsAlive = (flags & HeadFlag.KeepAlive) !== 0;
    if (!this.#body.begin()) {
      this.#fail("upstream-reset", "no room to follow another chunked body");
      return -1;
    }
    this.#isHeadDone = true;
    const count = this.#body.read(at + length, end, exchange.isRaw);
    if (count === BROKEN) {
      this.#breakOff();
      return -1;
    }
    const { isDone, hasTrailers, contentLength } = this.#body;
    const isEnd = isDone && !hasTrailers;
    if (!exchange.onResponse(this, at, length, at + length, contentLength, isEnd)) return -1;
    if (!isDone) return length + count;
    this.#end(at + length + count < end, exchange);
    return -1;
  }

  /** The connection is a tunnel from here on. */
  #switch(at: number, length: number, end: number, exchange: Exchange): -1 {
    if (!exchange.isRaw || !exchange.isTunnelRequest || isTooLongToRepeat(this.arena)) {
      this.#fail("bad-response", "it switched protocols, which its client did not ask for, or cannot");
      return -1;
    }
    if (!exchange.onResponse(this, at, length, at + length, 0, false)) return -1;
    this.exchange = undefined;
    exchange.onTunnel(this, this.stream, at + length, end - at - length);
    return -1;
  }

  /** The upstream takes the WebSocket: a response without an end to its HTTP/2 client. @returns as `#consumeHead` */
  #open(at: number, length: number, end: number, exchange: Exchange): number {
    const { words } = this.arena.memory, record = this.arena.recordAt >> 2;
    const problem = words[record + Head.Status] === 101
      ? toConnected(this.arena, at, this.#accept)
      : "it did not switch protocols";
    if (problem !== undefined) {
      this.#fail("bad-response", problem);
      return -1;
    }
    this.#isHeadDone = this.#isSwitched = true;
    this.#keepsAlive = false;
    this.#body.begin();
    if (!exchange.onResponse(this, at, length, at + length, end - at - length, false)) return -1;
    if (exchange.downstream.isRequestDone) this.sendBody(0, 0, true);
    else exchange.onUpstreamDrained();
    return -1;
  }

  #end(hasMore: boolean, exchange: Exchange): void {
    if (hasMore) this.#keepsAlive = false; // bytes nobody asked for
    if (this.#body.hasTrailers) {
      const at = this.#body.readTrailers();
      if (at === 0) return this.#fail("bad-response", "its trailers are malformed");
      if (!exchange.onResponseTrailers(at)) return;
    }
    this.#finish();
  }

  /** The response is whole: back to the pool, or closed; then the exchange goes on. */
  #finish(): void {
    const exchange = this.exchange!;
    this.exchange = undefined;
    // What HTTP/1.0 asks is asked on a connection of its own (proxy.md §7).
    const isReusable = this.#keepsAlive && exchange.version !== 10 && this.#isRequestDone &&
      !this.stream.isReadEnded && !this.stream.isLost &&
      !this.stream.isBlocked;
    this.endpoint.responded(this, isReusable);
    this.#release();
    if (!isReusable) this.endpoint.closeUnused(this.stream);
    exchange.onResponseEnd();
  }

  /**
   * A reset tells the server at once, where a mere end would look like that of the request, and no port waits. But one
   * that has yet to accept the connection might fail as a whole: some runtimes take a reset there for the listener's.
   */
  cancel(): void {
    this.exchange = undefined;
    disarm(this.connectTimer);
    this.#release();
    if (this.isReused || this.#isHeadDone) this.stream.abort();
    else this.endpoint.closeUnused(this.stream);
    this.endpoint.closed(this, undefined);
  }
}
