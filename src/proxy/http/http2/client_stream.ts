/** One request that is sent over HTTP/2, and its response: a stream, as the exchange's upstream. */
import { Body, Head, HeadFlag, Method } from "../../../wasm/http1.ts";
import { BlockKind, BlockReason, Http2Error } from "../../../wasm/http2.ts";
import type { Endpoint } from "../../connect/endpoint.ts";
import { proxyError } from "../../error.ts";
import type { Exchange } from "../exchange.ts";
import { connectError } from "../failure.ts";
import { isAbsoluteForm } from "../original_form.ts";
import { overrideAuthority } from "../override.ts";
import type { Upstream } from "../sides.ts";
import { toExtendedConnect } from "../websocket.ts";
import type { ClientConnection } from "./client_connection.ts";
import { errorName } from "./error_names.ts";
import { joinLines } from "./join_lines.ts";
import { Http2Stream } from "./stream.ts";

/** Failures before there was a connection. */
const UNREACHABLE: ReadonlySet<string> = new Set(["connect", "connect-timeout", "tls"]);

export class ClientStream extends Http2Stream implements Upstream {
  readonly isHttp1 = false;
  readonly isUntilClose = false;
  readonly endpoint: Endpoint;
  isReused = false;
  isAnswered = false;
  #exchange: Exchange | undefined;
  /** It counts among its endpoint's requests. */
  #isPending = false;
  /** Nothing has been sent: it is not known yet whether the peer takes an extended CONNECT. */
  #isWaiting = false;
  /** The response agrees to a tunnel: each side ends by itself. */
  #isTunnel = false;

  constructor(readonly connection: ClientConnection) {
    super(connection.arena);
    this.endpoint = connection.endpoint;
  }

  /** It was chosen for a request; `send` follows, or `cancel`. */
  acquired(): this {
    this.#isPending = true;
    return this;
  }

  #ended(): void {
    if (!this.#isPending) return;
    this.#isPending = false;
    this.endpoint.streamEnded();
  }

  get isBlocked(): boolean {
    return this.isSendBlocked || this.#isWaiting;
  }

  protected get canDeliver(): boolean {
    return this.#exchange === undefined || !this.#exchange.downstream.isBlocked;
  }

  send(
    exchange: Exchange,
    at: number,
    _headLength: number,
    bodyAt: number,
    bodyLength: number,
    isEnd: boolean,
  ): void {
    const { connection, arena } = this, { pipeline } = exchange;
    this.#exchange = exchange;
    if (exchange.isTunnelRequest && !this.#mayTunnel(exchange, at)) return;
    this.open(connection.begin(this), connection.peer.initialWindow);
    this.isAnswered = this.#isTunnel = false;
    this.isReused = connection.stream.isOpen;
    let extraAt = pipeline.requestExtraAt, extraLength = pipeline.requestExtraLength;
    if (exchange.version !== 20) { // proxy.md §6: the peer makes it HTTP/1 again
      const isAbsolute = isAbsoluteForm(arena);
      const lineAt = isAbsolute ? arena.absoluteProtocolAt : arena.originalProtocolAt;
      const length = isAbsolute ? arena.absoluteProtocolLength : arena.originalProtocolLength;
      extraAt = extraLength === 0 ? lineAt : joinLines(arena, extraAt, extraLength, lineAt, length);
      extraLength += length;
    }
    const isEmpty = isEnd && bodyLength === 0;
    if (isEmpty) this.isSendEnded = true;
    const { requestDrops: drops } = pipeline;
    overrideAuthority(arena, at, this.endpoint.authority || pipeline.authority);
    if (!connection.writer.block(this.id, BlockKind.Request, at, isEmpty, drops, extraAt, extraLength)) {
      return;
    }
    if (bodyLength > 0) this.sendData(bodyAt, bodyLength, isEnd);
  }

  /** An extended CONNECT goes only to a peer that has said that it takes such (RFC 8441 §3). */
  #mayTunnel(exchange: Exchange, at: number): boolean {
    const { connection, arena } = this, { words } = arena.memory, record = arena.recordAt >> 2;
    if (exchange.isWebSocket) {
      if (connection.peer.acceptsExtendedConnect) {
        if (words[record + Head.Version] !== 20) toExtendedConnect(arena, at);
        return true;
      }
      this.#isWaiting = true;
      connection.awaitSettings(this);
      return false;
    }
    if (words[record + Head.ProtocolLength] === 0 || connection.peer.acceptsExtendedConnect) return true;
    if (!connection.isGreeted) return true;
    this.#leave();
    exchange.onResponseFailed(
      this,
      proxyError("bad-request", `${this.endpoint.name}: no such protocol`, 501),
    );
    return false;
  }

  /** It is known now what the peer takes, or that nobody will say (`connection.failure`: because it is gone). */
  settle(): void {
    const exchange = this.#exchange!, { connection } = this, { failure } = connection;
    if (connection.peer.acceptsExtendedConnect && connection.hasRoom) {
      this.#isWaiting = false;
      return exchange.sendHeld(this);
    }
    this.#leave();
    const wasUnreachable = failure !== undefined && UNREACHABLE.has(failure.code);
    if (wasUnreachable) exchange.onResponseFailed(this, connectError(this.endpoint.name, failure, true));
    else exchange.onCannotCarry(this);
  }

  /** Nothing was sent on it, and nothing will be. */
  #leave(): void {
    this.#exchange = undefined;
    this.#isWaiting = false;
    this.#ended();
    this.connection.recycle(this);
  }

  sendBody(at: number, length: number, isEnd: boolean): void {
    this.sendData(at, length, isEnd);
    if (isEnd && this.#isTunnel) this.completeIfDone();
  }

  sendTrailers(at: number): void {
    this.sendTrailersFrom(at);
  }

  resume(): void {
    this.drainReceived();
  }

  protected onSendDrained(): void {
    this.#exchange?.onUpstreamDrained();
  }

  // ---- the response

  /** A head of the response stands in the record. @returns where to go on reading */
  takeHead(isEnd: boolean, next: number, end: number): number {
    const exchange = this.#exchange, { words, doubles } = this.arena.memory, { recordAt } = this.arena;
    const record = recordAt >> 2;
    if (this.connection.blockReason !== BlockReason.None) {
      this.#fail(`a response head is malformed (${BlockReason[this.connection.blockReason]})`);
      return next;
    }
    if (exchange === undefined) return this.#takeUnwanted(isEnd, next);
    if ((words[record + Head.Flags]! & HeadFlag.Interim) !== 0) {
      if (isEnd || words[record + Head.Status] === 101) this.#fail("an interim response ends, or switches");
      else exchange.onInterim(0, 0);
      return next;
    }
    this.isAnswered = true;
    this.isReceiveEnded = isEnd;
    const status = words[record + Head.Status]!;
    this.#isTunnel = exchange.isTunnelRequest && status < 300;
    if (words[record + Head.Body] === Body.Length) {
      const isBodiless = exchange.method === Method.Head || status === 204 || status === 304;
      this.expected = isBodiless ? 0 : doubles[(recordAt >> 3) + (Head.ContentLength >> 1)]!;
      if (isEnd && this.expected > 0) {
        this.#fail("a response is shorter than it says");
        return next;
      }
    }
    const body = isEnd ? -1 : this.connection.peekData(next, end, this);
    const isWhole = this.isReceiveEnded;
    if (!exchange.onResponse(this, 0, 0, next + 9, Math.max(0, body), isWhole)) {
      return body < 0 ? next : next + 9 + body;
    }
    if (isWhole) {
      this.#end();
      this.completeIfDone();
    }
    if (body < 0) return next;
    this.credit(body);
    return next + 9 + body;
  }

  /** The same of a stream that was given up. */
  #takeUnwanted(isEnd: boolean, next: number): number {
    const { words } = this.arena.memory, flags = words[(this.arena.recordAt >> 2) + Head.Flags]!;
    this.isAnswered = isEnd || (flags & HeadFlag.Interim) === 0;
    this.isReceiveEnded = isEnd;
    this.completeIfDone();
    return next;
  }

  protected deliver(at: number, length: number, isEnd: boolean): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (!this.isAnswered) return this.#fail("content before a head");
    const isOver = isEnd && (!this.#isTunnel || this.isSendEnded);
    if (exchange.onResponseBody(at, length, isEnd) && isOver) this.#end();
  }

  protected deliverTrailers(at: number): void {
    if (this.#exchange?.onResponseTrailers(at)) this.#end();
  }

  /** The response is whole. */
  #end(): void {
    const exchange = this.#exchange!;
    this.#exchange = undefined;
    this.#ended();
    // The request may not be: nobody wants the rest (RFC 9113 §8.1).
    if (!this.isSendEnded) this.#giveUp(Http2Error.None);
    exchange.onResponseEnd();
  }

  #giveUp(code: number): void {
    if (this.id === 0) return;
    if (this.connection.mayReset(this)) this.reset(code);
    else this.abandon();
  }

  /** Ends it for the peer too. */
  reset(code: number): void {
    this.connection.dropStream(this, code);
    this.#finish();
  }

  #fail(detail: string): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#ended();
    this.connection.dropStream(this, Http2Error.Protocol);
    this.#finish();
    exchange?.onResponseFailed(this, proxyError("bad-response", `${this.endpoint.name}: ${detail}`));
  }

  protected onComplete(): void {
    const exchange = this.#exchange; // of a tunnel whose client ended last
    this.#exchange = undefined;
    this.#ended();
    this.connection.streams.delete(this.id);
    this.#finish();
    exchange?.onResponseEnd();
  }

  #finish(): void {
    this.close();
    this.connection.recycle(this);
  }

  onReset(code: number, isOurs: boolean): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#ended();
    const { failure } = this.connection, where = this.endpoint.name;
    this.#finish();
    if (exchange === undefined) return;
    if (failure !== undefined) {
      return exchange.onResponseFailed(this, connectError(where, failure, !this.connection.isGreeted));
    }
    if (isOurs) {
      const detail = `${where}: it broke the rules of HTTP/2 (${errorName(code)})`;
      return exchange.onResponseFailed(this, proxyError("bad-response", detail));
    }
    if (code === Http2Error.RefusedStream) {
      return exchange.onResponseFailed(this, proxyError("refused", `${where}: the stream was refused`));
    }
    const error = proxyError("upstream-reset", `${where}: the stream was reset (${errorName(code)})`);
    // Between HTTP/2 sides a reset stays one (proxy.md §10); to an HTTP/1 client it is a bad gateway.
    const isPassedOn = exchange.version === 20 && !exchange.downstream.isHttp1;
    exchange.onResponseFailed(this, isPassedOn ? { ...error, reset: code } : error);
  }

  cancel(): void {
    if (this.#isWaiting) {
      this.connection.stopAwaiting(this);
      return this.#leave();
    }
    this.#exchange = undefined;
    this.#ended();
    if (!this.isReceiveEnded || !this.isSendEnded) return this.#giveUp(Http2Error.Cancel);
    // A whole response that nobody wants: there is nothing left to reset.
    this.connection.streams.delete(this.id);
    this.#finish();
  }
}
