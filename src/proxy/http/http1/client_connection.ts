/**
 * A connection to an upstream that carries one exchange after another: reads responses, forwards them as they come,
 * and goes back to its endpoint's pool when both sides are done and agree to keep it.
 */
import { Body, Head, HeadFlag, Outcome } from "../../../wasm/http1.ts";
import { refusalOf } from "../../../wasm/refusal.ts";
import { disarm, type Timer, timerOf } from "../../worker/timers.ts";
import type { Endpoint } from "../../connect/endpoint.ts";
import { proxyError } from "../../error.ts";
import { type Arena, READ_SIZE } from "../../worker/arena.ts";
import { AGAIN, FAILED, type Stream, type StreamFailure, type StreamOwner } from "../../worker/stream.ts";
import { BodyReader, BROKEN } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import { HeldBytes } from "../../worker/held.ts";
import { MAX_HEAD_BYTES, MAX_HEADERS } from "./limits.ts";

/** Reads of one connection in one event before others get their turn. */
const READS_PER_EVENT = 4;

export class ClientConnection implements StreamOwner {
  readonly arena: Arena;
  stream!: Stream;
  exchange: Exchange | undefined;
  /** It has carried an exchange before: the upstream may have closed it meanwhile. */
  isReused = false;
  /** Runs while it sits idle in its pool. */
  readonly idleTimer: Timer;
  /** Runs while it is being made. */
  readonly connectTimer: Timer;
  #isHeadDone = false;
  #keepsAlive = false;
  readonly #body: BodyReader;
  readonly #held: HeldBytes;

  constructor(readonly endpoint: Endpoint, arena: Arena) {
    this.arena = arena;
    this.#body = new BodyReader(arena);
    this.#held = new HeldBytes(arena);
    this.idleTimer = timerOf(() => this.discard());
    this.connectTimer = timerOf(() => this.#connectTimedOut());
  }

  begin(exchange: Exchange): void {
    this.exchange = exchange;
    this.#isHeadDone = false;
  }

  /** Closes a connection that carries nothing. */
  discard(): void {
    disarm(this.idleTimer);
    disarm(this.connectTimer);
    this.endpoint.forget(this);
    this.#release();
    this.stream.close();
  }

  #release(): void {
    this.#body.release();
    this.#held.release();
  }

  #connectTimedOut(): void {
    this.stream.fail({ code: "connect-timeout", detail: "connect: timed out", errno: 0 });
  }

  onOpen(_stream: Stream): void {
    disarm(this.connectTimer);
    const refusal = this.endpoint.opened(this);
    if (refusal !== undefined) this.stream.fail(refusal);
  }

  onDrained(_stream: Stream): void {
    this.exchange?.onUpstreamDrained();
  }

  onFailed(_stream: Stream, failure: StreamFailure): void {
    disarm(this.connectTimer);
    disarm(this.idleTimer);
    this.endpoint.closed(this, failure);
    this.#release();
    const exchange = this.exchange;
    this.exchange = undefined;
    if (exchange === undefined) return this.endpoint.forget(this);
    const where = this.endpoint.name;
    if (failure.code === "connect") {
      exchange.onResponseFailed(this, proxyError("connect-failed", `${where}: ${failure.detail}`));
    } else if (failure.code === "connect-timeout") {
      exchange.onResponseFailed(this, proxyError("connect-timeout", `${where}: ${failure.detail}`));
    } else if (failure.code === "tls") {
      exchange.onResponseFailed(this, proxyError("tls-failed", `${where}: ${failure.detail}`));
    } else exchange.onResponseFailed(this, proxyError("upstream-reset", `${where}: ${failure.detail}`));
  }

  /** The upstream's connection is of no more use: closes it and tells the exchange. */
  #fail(code: "bad-response" | "upstream-reset", detail: string): void {
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
    const sink = exchange.stream;
    for (let i = 0; i < READS_PER_EVENT; i++) {
      if (sink.isBlocked) return stream.pause();
      const at = this.arena.receiveAt, held = this.#held.restore(at);
      const count = stream.read(at + held, READ_SIZE - held);
      if (count === AGAIN) {
        if (held > 0 && !this.#held.keep(at, held)) this.#fail("upstream-reset", "no buffer is left");
        return;
      }
      if (count === FAILED) return this.onFailed(stream, stream.failure!);
      if (count === 0) return this.#ended(held);
      this.#consume(at, at + held + count, exchange);
      if (this.exchange !== exchange || stream.isClosed) return;
      if (stream.tls === undefined || !stream.tls.hasPending()) return;
    }
    stream.readAgain();
  }

  /** The upstream closed. */
  #ended(held: number): void {
    if (this.#isHeadDone && this.#body.end()) {
      this.#keepsAlive = false;
      return this.#finish();
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
      const count = this.#body.take(at, end);
      if (count === BROKEN) return this.#breakOff();
      if (!exchange.stream.write(at, count)) return exchange.onDownstreamFailed(exchange.stream.failure!);
      at += count;
      if (this.#body.isDone) {
        if (at < end) this.#keepsAlive = false; // bytes nobody asked for
        return this.#finish();
      }
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
    const flags = words[record + Head.Flags]!, status = words[record + Head.Status]!;
    const isInterim = (flags & HeadFlag.Interim) !== 0;
    if (isInterim && exchange.isHttp10) return length;
    const isTunnel = words[record + Head.Body] === Body.Tunnel;
    this.#keepsAlive = (flags & HeadFlag.KeepAlive) !== 0;
    if (!isInterim && !isTunnel && !this.#body.begin()) {
      this.#fail("upstream-reset", "no room to follow another chunked body");
      return -1;
    }
    const written = exchange.onResponseHead(this, at, isInterim ? -status : status);
    if (written < 0) return -1;
    if (isInterim || isTunnel) {
      if (!exchange.stream.write(at + length - written, written)) {
        exchange.onDownstreamFailed(exchange.stream.failure!);
        return -1;
      }
      if (isInterim) return length;
      this.exchange = undefined;
      exchange.onTunnel(this, at + length, end - at - length);
      return -1;
    }
    this.#isHeadDone = true;
    const body = this.#body.take(at + length, end);
    if (body === BROKEN) {
      this.#breakOff();
      return -1;
    }
    if (!exchange.stream.write(at + length - written, written + body)) {
      exchange.onDownstreamFailed(exchange.stream.failure!);
      return -1;
    }
    if (!this.#body.isDone) return length + body;
    if (at + length + body < end) this.#keepsAlive = false;
    this.#finish();
    return -1;
  }

  /** The response is whole: back to the pool, or closed; then the exchange goes on. */
  #finish(): void {
    const exchange = this.exchange!;
    this.exchange = undefined;
    const isReusable = this.#keepsAlive && exchange.isRequestDone && !this.stream.isReadEnded &&
      !this.stream.isBlocked;
    this.endpoint.responded(this, isReusable);
    this.#release();
    if (!isReusable) this.stream.close();
    exchange.onResponseEnd(this);
  }

  /** The client is gone: what it asked for is of no use to anyone. */
  cancel(): void {
    this.exchange = undefined;
    disarm(this.connectTimer);
    this.#release();
    this.stream.close();
    this.endpoint.closed(this, undefined);
  }

  /** The response's body goes on until the connection ends: the client's must end too. */
  get isUntilClose(): boolean {
    return this.#body.isUntilClose;
  }
}
