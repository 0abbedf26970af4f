/** One request of an HTTP/2 client and its response: a stream, as the exchange's downstream. */
import { Body, Head, Method, Outcome } from "../../../wasm/http1.ts";
import { BlockKind, Http2Error } from "../../../wasm/http2.ts";
import { errorHead, errorTrailers, isOverdue, type ProxyError, proxyError } from "../../error.ts";
import type { Stream } from "../../worker/stream.ts";
import { Exchange } from "../exchange.ts";
import { MAX_HEAD_BYTES, MAX_HEADERS } from "../limits.ts";
import { hasPeerWords } from "../record.ts";
import type { DropMask, Pipeline } from "../pipeline.ts";
import type { Downstream } from "../sides.ts";
import type { ServerConnection } from "./server_connection.ts";
import { joinLines } from "./join_lines.ts";
import { Http2Stream } from "./stream.ts";

const NO_DROPS: DropMask = [0, 0, 0];

export class ServerStream extends Http2Stream implements Downstream {
  readonly isHttp1 = false;
  readonly isHttp10 = false;
  readonly #exchange: Exchange;
  readonly #pipeline: Pipeline;
  /** The request's head has gone to its upstream: content can follow. */
  #isStarted = false;
  isAnswered = false;
  /** The client was told to go on with its content. */
  #isContinued = false;
  /** The exchange is over; content of the response may still wait for the client. */
  #isExchangeOver = false;

  constructor(readonly connection: ServerConnection, pipeline: Pipeline) {
    super(connection.arena);
    this.#pipeline = pipeline;
    this.#exchange = new Exchange(this, pipeline, connection.stream.loop, connection.arena);
  }

  get isRequestDone(): boolean {
    return this.isReceiveEnded && !this.isEndHeld;
  }

  get isBlocked(): boolean {
    return this.isSendBlocked;
  }

  protected get canDeliver(): boolean {
    return this.#isExchangeOver || (this.#isStarted && !this.#exchange.isRequestBlocked);
  }

  /** Takes a new request, whose head stands in the record; the stream is in the connection's table. */
  begin(id: number, sendWindow: number, isEnd: boolean, next: number, end: number): number {
    this.open(id, sendWindow);
    this.#isStarted =
      this.isAnswered =
      this.#isExchangeOver =
      this.#isContinued =
        false;
    const { words, doubles } = this.arena.memory, { recordAt } = this.arena, record = recordAt >> 2;
    this.isReceiveEnded = isEnd;
    if (words[record + Head.Body] === Body.Length) {
      this.expected = doubles[(recordAt >> 3) + (Head.ContentLength >> 1)]!;
      if (isEnd) {
        this.connection.breach(this, Http2Error.Protocol);
        return next;
      }
    }
    if (!this.#exchange.start(0)) {
      // It waits; or was answered already.
      if (this.#exchange.isWaiting && !this.#exchange.holdHead()) {
        this.#exchange.refuse(proxyError("load-shed", "no buffer is left"));
      }
      return next;
    }
    const body = isEnd || this.#exchange.isWebSocket ? -1 : this.connection.peekData(next, end, this);
    this.#send(0, 0, next + 9, Math.max(0, body));
    if (body < 0) return next;
    this.credit(body);
    return next + 9 + body;
  }

  /** Answers a request whose fields are more than are taken; the record has those that came first. */
  refuseHead(id: number, sendWindow: number, isEnd: boolean): void {
    this.open(id, sendWindow);
    this.#isStarted = this.isAnswered = this.#isExchangeOver = false;
    this.isReceiveEnded = isEnd;
    this.#exchange.refuseHead(proxyError("bad-request", "the request has too many header fields", 431));
  }

  #send(at: number, headLength: number, bodyAt: number, bodyLength: number): void {
    this.#isStarted = true;
    const isEnd = this.#exchange.isWebSocket
      ? this.isRequestDone
      : this.isReceiveEnded && !this.hasHeldTrailers;
    this.#exchange.send(at, headLength, bodyAt, bodyLength, isEnd);
  }

  proceed(): void {
    const head = this.#exchange.restore(), at = this.arena.resendAt;
    if (head === 0) {
      return this.#exchange.refuse(proxyError("internal", "a held request could not be read again"));
    }
    if (!this.#exchange.start(at)) return; // it waits again, its head still held; or was answered
    if (this.#exchange.isWebSocket) { // its content follows when the other side has agreed
      this.#send(at, head, 0, 0);
      return this.drainReceived();
    }
    const length = this.receivedLength, hasTrailers = this.hasHeldTrailers;
    this.#send(at, head, this.receivedAt, length);
    if (this.id === 0) return;
    if (hasTrailers) this.drainReceived();
    else this.releaseReceived(length);
  }

  protected deliver(at: number, length: number, isEnd: boolean): void {
    if (!this.#isExchangeOver) this.#exchange.sendBody(at, length, isEnd);
  }

  protected deliverTrailers(at: number): void {
    if (!this.#isExchangeOver) this.#exchange.sendTrailers(at);
  }

  protected onSendDrained(): void {
    if (!this.#isExchangeOver) this.#exchange.upstream?.resume();
  }

  onUpstreamDrained(): void {
    this.drainReceived();
  }

  // ---- the response

  respond(at: number, _headLength: number, bodyAt: number, bodyLength: number, isEnd: boolean): boolean {
    this.isAnswered = true;
    if (hasPeerWords(this.arena) && this.#pipeline.heedPeer(this.#exchange.upstream!.endpoint, at)) {
      this.connection.drain();
    }
    if (this.#exchange.isTunnelRequest) this.#watchTunnel();
    const isEmpty = isEnd && bodyLength === 0;
    if (!this.#writeHead(at, isEmpty, this.#pipeline.responseDrops, true)) return false;
    if (!isEmpty) this.sendData(bodyAt, bodyLength, isEnd);
    return this.id !== 0;
  }

  /** The response in the record may agree to a tunnel, which the pipeline can end from then on. */
  #watchTunnel(): void {
    const { id } = this, status = this.arena.memory.words[(this.arena.recordAt >> 2) + Head.Status]!;
    if (status >= 300) return;
    this.#pipeline.onTunnel(() => {
      // The object serves another stream once this one is over.
      if (this.id === id) this.connection.resetStream(this, Http2Error.Connect);
    });
  }

  /** @param isFinal the head of an upstream's response, which lines of our own go with */
  #writeHead(at: number, isEnd: boolean, drops: DropMask, isFinal: boolean): boolean {
    if (isEnd) this.isSendEnded = true;
    const { arena } = this, { writer } = this.connection;
    if (!isFinal) return writer.block(this.id, BlockKind.Response, at, isEnd, drops, 0, 0);
    const { responseExtraAt, responseExtraLength } = this.#pipeline;
    let extraAt = responseExtraAt, extraLength = responseExtraLength;
    if (this.#exchange.version !== 20) { // proxy.md §6: the peer makes it HTTP/1 again
      const { originalProtocolAt: lineAt, originalProtocolLength: length } = arena;
      extraAt = extraLength === 0 ? lineAt : joinLines(arena, extraAt, extraLength, lineAt, length);
      extraLength += length;
    }
    return writer.block(this.id, BlockKind.Response, at, isEnd, drops, extraAt, extraLength);
  }

  respondInterim(at: number, _headLength: number): boolean {
    const status = this.arena.memory.words[(this.arena.recordAt >> 2) + Head.Status]!;
    // Nothing holds an application back that says them without end. The client may wait for the first 100; of others
    // none is owed it while it does not read.
    if (status === 100 ? this.#isContinued : this.connection.output.isBlocked) return true;
    if (status === 100) this.#isContinued = true;
    return this.#writeHead(at, false, this.#pipeline.responseDrops, false);
  }

  respondBody(at: number, length: number, isEnd: boolean): boolean {
    this.sendData(at, length, isEnd);
    return this.id !== 0;
  }

  respondTrailers(at: number): boolean {
    this.sendTrailersFrom(at);
    return this.id !== 0;
  }

  respondError(error: ProxyError): void {
    this.#isExchangeOver = true;
    if (error.reset !== undefined) return this.connection.resetStream(this, error.reset);
    const { arena } = this, { wasm, recordAt, resendAt } = arena, isGrpc = this.#exchange.isGrpc;
    const text = errorHead(error, this.#pipeline.isInformed, { isGrpc });
    const length = arena.writeAscii(resendAt, text);
    const head = wasm.parseResponseHead(
      resendAt,
      resendAt + length,
      recordAt,
      0,
      MAX_HEAD_BYTES,
      MAX_HEADERS,
      Method.Get,
    );
    if (head === Outcome.Bad) return this.connection.resetStream(this, Http2Error.Internal);
    if (this.#writeHead(resendAt, true, NO_DROPS, false)) this.#over();
  }

  breakOff(error: ProxyError): void {
    this.#isExchangeOver = true;
    if (this.#exchange.isGrpc && isOverdue(error) && this.#endCall(error)) return;
    this.connection.resetStream(this, error.reset ?? Http2Error.Internal);
  }

  /** Ends a gRPC call in gRPC's own way (proxy.md §9): between its messages nothing is lost. @returns false on failure */
  #endCall(error: ProxyError): boolean {
    const { arena } = this, { wasm, recordAt, resendAt } = arena;
    const length = arena.writeAscii(resendAt, errorTrailers(error, this.#pipeline.isInformed));
    if (wasm.parseTrailers(resendAt, resendAt + length, recordAt, MAX_HEADERS) <= 0) return false;
    this.sendTrailersFrom(resendAt);
    if (this.id !== 0) this.#over();
    return true;
  }

  onExchangeEnd(): void {
    this.#over();
  }

  /** The exchange is over: what the client still sends is of no use to anyone. */
  #over(): void {
    this.#isExchangeOver = true;
    this.drainReceived();
    this.completeIfDone();
    // Sent whole, though the request is not: RFC 9113 §8.1.
    if (this.id !== 0 && this.isSendEnded) this.connection.resetStream(this, Http2Error.None);
  }

  protected override completeIfDone(): void {
    if (this.#isExchangeOver) super.completeIfDone();
  }

  protected onComplete(): void {
    this.connection.streams.delete(this.id);
    this.#finish();
  }

  onReset(): void {
    if (!this.#isExchangeOver) this.#exchange.abandon();
    this.#finish();
  }

  #finish(): void {
    this.#isExchangeOver = true;
    this.#exchange.release();
    this.close();
    this.connection.recycle(this);
  }

  onTunnel(_stream: Stream): void {
    throw new Error("an HTTP/2 stream never becomes a raw tunnel"); // isRaw is false: HTTP/1 upstreams refuse to switch
  }
}
