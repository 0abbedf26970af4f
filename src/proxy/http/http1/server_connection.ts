/**
 * A client's HTTP/1 connection: reads requests, gives each to its exchange, writes the response, and goes on with the
 * next. One exchange at a time, in order; pipelined requests wait in the kernel or in one slot.
 * Source: RFC 9112 §9; RFC 9110 §7.6, §10.1.1; proxy.md §7, §10.
 */
import { Head, HeadFlag, Method, Outcome } from "../../../wasm/http1.ts";
import { refusalOf } from "../../../wasm/refusal.ts";
import type { Endpoint } from "../../connect/endpoint.ts";
import { errorHead, type ProxyError, proxyError } from "../../error.ts";
import { Tunnel } from "../../opaque/tunnel.ts";
import { READ_SIZE } from "../../worker/arena.ts";
import type { AcceptedConnection } from "../../worker/accepted.ts";
import { HeldBytes } from "../../worker/held.ts";
import { AGAIN, FAILED, type Stream, type StreamFailure, type StreamOwner } from "../../worker/stream.ts";
import { disarm, type Timer, timerOf } from "../../worker/timers.ts";
import { Exchange } from "../exchange.ts";
import { DRAIN_GRACE_MS, HEAD_TIMEOUT_MS, MAX_HEAD_BYTES, MAX_HEADERS, MAX_TARGET_BYTES } from "../limits.ts";
import type { Pipeline } from "../pipeline.ts";
import type { Downstream } from "../sides.ts";
import { hasPeerWords } from "../record.ts";
import { BodyReader, BROKEN } from "./body.ts";
import { Lingering } from "../lingering.ts";
import { ResponseMode, ResponseWriter } from "./response_writer.ts";
import { isTooLongToRepeat } from "./rewrite.ts";

/** Waiting for a request; a request on its way; a request that waits for its pipeline; nothing more to come. */
const IDLE = 0, BUSY = 1, WAITING = 2, ENDED = 3;
const READS_PER_EVENT = 4;

export class ServerConnection implements StreamOwner, Downstream, AcceptedConnection {
  readonly isHttp1 = true;
  isHttp10 = false;
  readonly #exchange: Exchange;
  #state = IDLE;
  idleSince: number;
  #isClientKeepAlive = true;
  #isUpgrade = false;
  readonly #body: BodyReader;
  readonly #held: HeldBytes;
  readonly #response: ResponseWriter;
  /** Of the response at hand; made once. */
  readonly #mode = new ResponseMode();
  /** Made when a head comes in parts for the first time: most connections never need it. */
  #headTimer: Timer | undefined;
  #drainTimer: Timer | undefined;

  constructor(
    readonly stream: Stream,
    readonly clientIp: string,
    private readonly pipeline: Pipeline,
    /** The connection is over; `errno` is "" for an orderly end. */
    private readonly onClosed: (errno: string) => void,
  ) {
    stream.owner = this;
    this.#exchange = new Exchange(this, pipeline, stream.loop, stream.arena);
    this.#body = new BodyReader(stream.arena);
    this.#held = new HeldBytes(stream.arena);
    this.#response = new ResponseWriter(stream);
    this.idleSince = stream.loop.now;
    stream.arena.acceptedConnections.add(this);
  }

  get isIdle(): boolean {
    return this.#state === IDLE && this.#held.length === 0;
  }

  giveUp(): void {
    this.#close("");
  }

  #newHeadTimer(): Timer {
    return timerOf(() => this.#refuse(proxyError("bad-request", "the request head took too long")));
  }

  get isRequestDone(): boolean {
    return this.#body.isDone;
  }

  get isBlocked(): boolean {
    return this.stream.isBlocked;
  }

  /** Begins with bytes that detection has read already, which lie in the receive area. */
  begin(at: number, length: number): void {
    if (length > 0) this.#consume(at, at + length);
    if (this.#state !== ENDED && this.stream.tls?.hasPending()) this.stream.readAgain();
  }

  onOpen(): void {}

  onReadable(stream: Stream): void {
    for (let i = 0; i < READS_PER_EVENT; i++) {
      if (this.#state !== IDLE && (this.#state !== BUSY || this.#body.isDone)) return stream.pause();
      if (this.#exchange.isRequestBlocked) return stream.pause();
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
      this.#exchange.abandon();
      this.#close("");
    }
  }

  #loadShed(): void {
    this.#refuse(proxyError("load-shed", "no buffer is left"));
  }

  #consume(start: number, end: number): void {
    let at = start;
    while (at < end && this.#state !== ENDED) {
      if (this.#state === IDLE) {
        const consumed = this.#consumeHead(at, end);
        if (consumed < 0) return;
        at += consumed;
      } else if (this.#state === BUSY && !this.#body.isDone) {
        const count = this.#body.read(at, end, this.#exchange.isRaw);
        if (count === BROKEN) return this.#refuseFor(this.#body.reason);
        const { contentLength, isDone, hasTrailers } = this.#body;
        if (contentLength > 0 || isDone) {
          this.#exchange.sendBody(at, contentLength, isDone && !hasTrailers);
        }
        if (isDone && this.#state === BUSY) this.#sendTrailers();
        at += count;
      } else {
        if (!this.#held.keep(at, end - at)) return this.#loadShed();
        return this.stream.pause();
      }
    }
  }

  #sendTrailers(): void {
    if (!this.#body.hasTrailers) return;
    const at = this.#body.readTrailers();
    if (at === 0) return this.#refuse(proxyError("bad-request", "the trailers are malformed"));
    this.#exchange.sendTrailers(at);
  }

  /** Refuses a message that the parser did. */
  #refuseFor(reason: number): void {
    const refusal = refusalOf(reason);
    this.#refuse(proxyError("bad-request", refusal.text, refusal.status));
  }

  /** Ends the connection with an error, now that nothing that comes on it could be understood. */
  #refuse(error: ProxyError): void {
    if (this.#state === ENDED) return;
    this.#isClientKeepAlive = false;
    this.#exchange.refuse(error);
  }

  /** @returns bytes consumed of head and body together; negative when nothing more is to be done now */
  #consumeHead(at: number, end: number): number {
    const { arena } = this.stream, { wasm, recordAt } = arena, words = arena.memory.words;
    const length = wasm.parseRequestHead(at, end, recordAt, 0, MAX_HEAD_BYTES, MAX_TARGET_BYTES, MAX_HEADERS);
    if (length === Outcome.Partial) {
      if (!this.#held.keep(at, end - at)) this.#loadShed();
      else if ((this.#headTimer ??= this.#newHeadTimer()).deadline === 0) {
        this.stream.loop.lane(HEAD_TIMEOUT_MS).arm(this.#headTimer, this.stream.loop.now);
      }
      return -1;
    }
    disarm(this.#headTimer);
    const record = recordAt >> 2;
    if (length === Outcome.Bad) {
      this.#refuseFor(words[record + Head.Reason]!);
      return -1;
    }
    const flags = words[record + Head.Flags]!;
    if ((flags & (HeadFlag.Upgrade | HeadFlag.HostDiffers)) !== 0 && isTooLongToRepeat(arena)) {
      this.#refuse(proxyError("bad-request", "the Upgrade or the authority is too long", 431));
      return -1;
    }
    this.isHttp10 = words[record + Head.Version] === 10;
    this.#isClientKeepAlive = (flags & HeadFlag.KeepAlive) !== 0;
    this.#isUpgrade = (flags & HeadFlag.Upgrade) !== 0 || words[record + Head.Method] === Method.Connect;
    this.#response.begin();
    if (!this.#body.begin()) {
      this.#loadShed();
      return -1;
    }
    if (this.#exchange.start(at)) return this.#send(at, length, end);
    if (!this.#exchange.isWaiting) return this.#state === IDLE ? length : -1; // answered
    this.#state = WAITING;
    this.stream.pause();
    if (!this.#held.keep(at, end - at)) this.#loadShed();
    return -1;
  }

  #send(at: number, length: number, end: number): number {
    this.#state = BUSY;
    const count = this.#body.read(at + length, end, this.#exchange.isRaw);
    if (count === BROKEN) {
      this.#refuseFor(this.#body.reason);
      return -1;
    }
    const { contentLength, isDone, hasTrailers } = this.#body;
    this.#exchange.send(at, length, at + length, contentLength, isDone && !hasTrailers);
    if (isDone && this.#state === BUSY) this.#sendTrailers();
    return this.stream.isClosed ? -1 : length + count;
  }

  proceed(): void {
    if (this.#state !== WAITING) return;
    this.#state = IDLE;
    const at = this.stream.arena.receiveAt, length = this.#held.restore(at);
    this.#consume(at, at + length);
    if (this.#state !== WAITING) this.stream.resume();
  }

  respond(at: number, headLength: number, bodyAt: number, bodyLength: number, isEnd: boolean): boolean {
    const { arena } = this.stream,
      words = arena.memory.words,
      status = words[(arena.recordAt >> 2) + Head.Status]!;
    const isUpgraded = this.#isUpgrade &&
      (status === 101 || (this.#exchange.method === Method.Connect && status < 300));
    const { endpoint } = this.#exchange.upstream!;
    const isToClose = hasPeerWords(arena) && this.pipeline.heedPeer(endpoint, at);
    const isClosing = !isUpgraded &&
      (!this.#isClientKeepAlive || isToClose || this.#exchange.upstream!.isUntilClose ||
        this.pipeline.isDraining ||
        !this.#body.isDone);
    if (isClosing) this.#isClientKeepAlive = false;
    const mode = this.#mode, { responseDrops } = this.pipeline;
    mode.isHttp10 = this.isHttp10;
    mode.isClosing = isClosing;
    mode.method = this.#exchange.method;
    mode.extraAt = this.pipeline.responseExtraAt;
    mode.extraLength = this.pipeline.responseExtraLength;
    const isWritten = this.#response.head(
      responseDrops,
      at,
      headLength,
      bodyAt,
      bodyLength,
      isEnd,
      mode,
    );
    if (this.#response.isUntilClose) this.#isClientKeepAlive = false;
    return isWritten || this.#failed();
  }

  #failed(): false {
    this.onFailed(this.stream, this.stream.failure!);
    return false;
  }

  respondInterim(at: number, headLength: number): boolean {
    // Nothing holds an application back that says them without end: while the client does not read it is owed none.
    if (this.stream.isBlocked) return true;
    return this.#response.interim(this.pipeline.responseDrops, at, headLength) || this.#failed();
  }

  respondBody(at: number, length: number, isEnd: boolean): boolean {
    return this.#response.body(at, length, isEnd) || this.#failed();
  }

  respondTrailers(at: number): boolean {
    return this.#response.trailers(at) || this.#failed();
  }

  onExchangeEnd(): void {
    if (!this.#isClientKeepAlive || !this.#body.isDone) return this.#linger();
    this.#next();
  }

  /** The exchange is over and the connection stays. */
  #next(): void {
    const { stream } = this;
    this.#state = IDLE;
    this.idleSince = stream.loop.now;
    this.#body.letGo();
    if (stream.isReadEnded && this.#held.length === 0) return this.#linger();
    if (this.#held.length === 0) return stream.resume();
    // In a turn of its own: a long pipeline must not keep the others waiting.
    this.#state = WAITING;
    stream.loop.defer(() => this.proceed());
  }

  breakOff(_error: ProxyError): void {
    this.#release();
    this.stream.abort();
    this.onClosed("ECONNRESET");
  }

  respondError(error: ProxyError): void {
    // What follows of the request would be taken for the next one.
    const isClosing = error.isClosing || !this.#isClientKeepAlive || !this.#body.isDone ||
      this.pipeline.isDraining || this.#state === WAITING;
    const { arena } = this.stream;
    const length = arena.writeAscii(
      arena.scratchAt,
      errorHead(error, this.pipeline.isInformed, { isClosing }),
    );
    if (!this.stream.write(arena.scratchAt, length)) return this.#close("EPIPE");
    if (isClosing) return this.#linger();
    const wasBusy = this.#state !== IDLE;
    this.#state = IDLE;
    if (wasBusy) this.#next();
  }

  onTunnel(far: Stream, endpoint: Endpoint, at: number, length: number): void {
    const { stream, pipeline } = this;
    endpoint.becameTunnel();
    const tunnel = new Tunnel(stream.arena, stream, far, (failure) => {
      endpoint.closedStream(failure);
      this.onClosed(failure === undefined ? "" : "ECONNRESET");
    });
    if (length > 0) stream.write(at, length);
    const early = this.#held.restore(stream.arena.receiveAt);
    if (early > 0) far.write(stream.arena.receiveAt, early);
    this.#release();
    tunnel.start();
    pipeline.onTunnel(() => tunnel.close());
  }

  onUpstreamDrained(): void {
    if (this.#state === BUSY && !this.#body.isDone) this.stream.resume();
  }

  onDrained(): void {
    this.#exchange.upstream?.resume();
  }

  onFailed(_stream: Stream, failure: StreamFailure): void {
    if (this.#state === ENDED) return;
    this.#exchange.abandon();
    this.#close(failure.code === "reset" ? "ECONNRESET" : failure.code);
  }

  /** Closes after the client has had time to read the last response. */
  #linger(): void {
    this.#release();
    new Lingering(this.stream);
    this.onClosed("");
  }

  #close(errno: string): void {
    this.#release();
    this.stream.close();
    this.onClosed(errno);
  }

  #release(): void {
    this.#state = ENDED;
    this.stream.arena.acceptedConnections.delete(this);
    disarm(this.#headTimer);
    disarm(this.#drainTimer);
    this.#exchange.release();
    this.#body.release();
    this.#held.release();
  }

  /**
   * The proxy shuts down: closes after the response. An idle client may be sending at this moment, and could not know
   * what became of its request: for a moment one more is taken.
   */
  drain(): void {
    if (this.#state !== IDLE || this.#drainTimer !== undefined) return;
    this.#drainTimer = timerOf(() => {
      if (this.#state === IDLE && this.#held.length === 0) this.#linger();
    });
    this.stream.loop.lane(DRAIN_GRACE_MS).arm(this.#drainTimer, this.stream.loop.now);
  }
}
