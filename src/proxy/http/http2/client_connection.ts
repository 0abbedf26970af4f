/**
 * A connection to an HTTP/2 upstream, which carries many exchanges at a time. Its endpoint keeps it until it is removed
 * from discovery or the peer says that it goes away.
 * Source: RFC 9113 §5.1.2, §6.8, §8.7.
 */
import { BlockKind, Http2Error } from "../../../wasm/http2.ts";
import type { Endpoint } from "../../connect/endpoint.ts";
import type { Stream, StreamFailure } from "../../worker/stream.ts";
import { disarm, type Timer, timerOf } from "../../worker/timers.ts";
import { ClientStream } from "./client_stream.ts";
import { Http2Connection } from "./connection.ts";
import {
  GREETING_TIMEOUT_MS,
  MAX_ABANDONED_STREAMS,
  MAX_CONCURRENT_STREAMS,
  MAX_WINDOW,
  RESET_PACE_MS,
} from "./limits.ts";
import { ResetPacer } from "./reset_pacer.ts";
import { CLIENT_GREETING } from "./settings.ts";
import { SpareStreams } from "./spare_streams.ts";

export class ClientConnection extends Http2Connection {
  /** Runs while it is being made. */
  readonly connectTimer: Timer;
  readonly #spare = new SpareStreams<ClientStream>();
  #isGoingAway = false;
  /** The peer's first SETTINGS have come. */
  isGreeted = false;
  /** Streams that wait for them, and until when. */
  readonly #waiting = new Set<ClientStream>();
  readonly #greetingTimer: Timer;
  /** Streams that were given up, of which the peer is told when it can bear it; what comes on them is dropped. */
  readonly #abandoned = new Set<ClientStream>();
  readonly #resets: ResetPacer;
  readonly #resetTimer: Timer;

  constructor(stream: Stream, tables: readonly [number, number], readonly endpoint: Endpoint) {
    super(stream, false, tables);
    this.nextOwnStream = 1;
    this.connectTimer = timerOf(() => stream.connectTimedOut());
    this.#greetingTimer = timerOf(() => this.#settle());
    this.#resets = new ResetPacer(endpoint.isMeshed, stream.loop.now);
    this.#resetTimer = timerOf(() => this.#resetAbandoned());
    this.writer.greet(CLIENT_GREETING);
  }

  /** It takes another request now. */
  get hasRoom(): boolean {
    return !this.isClosed && !this.#isGoingAway && this.nextOwnStream < MAX_WINDOW &&
      !this.output.isBlocked &&
      this.streams.size < Math.min(this.#streamLimit, MAX_CONCURRENT_STREAMS);
  }

  /** What the peer allows; before it has said so, what it allowed on another connection. */
  get #streamLimit(): number {
    return this.isGreeted ? this.peer.maxStreams : this.endpoint.streamLimit;
  }

  /** A stream for a request; `Upstream.send` begins it. */
  newStream(): ClientStream {
    return this.#spare.take() ?? new ClientStream(this);
  }

  /** Takes a stream into the table. @returns its number */
  begin(stream: ClientStream): number {
    const id = this.nextOwnStream;
    this.nextOwnStream += 2;
    this.streams.set(id, stream);
    return id;
  }

  /** `stream` must know whether the peer takes an extended CONNECT: its `settle` is called when that is known. */
  awaitSettings(stream: ClientStream): void {
    if (this.isGreeted) return stream.settle();
    const { loop } = this.stream;
    this.#waiting.add(stream);
    if (this.#greetingTimer.deadline === 0) loop.lane(GREETING_TIMEOUT_MS).arm(this.#greetingTimer, loop.now);
  }

  stopAwaiting(stream: ClientStream): void {
    this.#waiting.delete(stream);
  }

  override onPeerSettings(): void {
    this.isGreeted = true;
    this.endpoint.streamLimit = this.peer.maxStreams;
    this.#settle();
    super.onPeerSettings();
  }

  /** The peer has spoken, or has had its time to. */
  #settle(): void {
    disarm(this.#greetingTimer);
    this.endpoint.takesExtendedConnect = this.peer.acceptsExtendedConnect;
    this.#settleWaiting();
  }

  #settleWaiting(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const stream of waiting) stream.settle();
  }

  /**
   * `stream` is of no more use.
   * @returns whether it may be reset now; otherwise that is done later, or it ends by itself. A connection that is worn
   * out takes no more requests, and closes once there is nobody left whom it serves: that ends the rest at once.
   */
  mayReset(stream: ClientStream): boolean {
    const { loop } = this.stream;
    if (this.#abandoned.size === 0 && this.#resets.spend(loop.now)) return true;
    this.#abandoned.add(stream);
    if (this.#abandoned.size >= MAX_ABANDONED_STREAMS || this.#resets.isWornOut(loop.now)) {
      this.endpoint.forgetHttp2(this);
      this.#isGoingAway = true;
    }
    this.#discardIfUnused();
    if (this.#resetTimer.deadline === 0) loop.lane(RESET_PACE_MS).arm(this.#resetTimer, loop.now);
    return false;
  }

  #resetAbandoned(): void {
    const { loop } = this.stream;
    for (const stream of [...this.#abandoned]) {
      if (!this.#resets.spend(loop.now)) break;
      stream.reset(Http2Error.Cancel);
    }
    if (this.#abandoned.size > 0) loop.lane(RESET_PACE_MS).arm(this.#resetTimer, loop.now);
  }

  recycle(stream: ClientStream): void {
    this.#abandoned.delete(stream);
    this.#spare.give(stream);
    this.#discardIfUnused();
  }

  protected override trim(): void {
    this.#spare.trim();
  }

  /** Nobody waits for anything that it carries. */
  get #isUnused(): boolean {
    return this.streams.size === this.#abandoned.size;
  }

  #discardIfUnused(): void {
    if (this.#isGoingAway && this.#isUnused) this.stream.loop.defer(() => this.discard());
  }

  override onOpen(stream: Stream): void {
    disarm(this.connectTimer);
    const refusal = this.endpoint.opened(this);
    if (refusal !== undefined) return stream.fail(refusal);
    super.onOpen(stream);
  }

  protected kindOf(id: number): number {
    const stream = this.streams.get(id);
    if (stream === undefined) {
      if ((id & 1) === 1 && id < this.nextOwnStream) return -1; // given up meanwhile
      return this.fail(Http2Error.Protocol, "HEADERS on an idle stream");
    }
    if (stream.isReceiveEnded) {
      this.resetStream(stream, Http2Error.StreamClosed);
      return -1;
    }
    return stream.isAnswered ? BlockKind.Trailers : BlockKind.Response;
  }

  protected onMessage(id: number, isEnd: boolean, next: number, end: number): number {
    const stream = this.streams.get(id) as ClientStream;
    if (!stream.isAnswered) {
      const after = stream.takeHead(isEnd, next, end);
      return this.isClosed ? -1 : after;
    }
    if (!isEnd || this.blockReason !== 0 || stream.expected > 0) {
      this.resetStream(stream, Http2Error.Protocol);
    } else stream.receiveTrailers();
    return this.isClosed ? -1 : next;
  }

  /** Streams that the peer never looked at are free to go elsewhere. */
  onGoAway(lastStream: number): void {
    this.#isGoingAway = true;
    this.endpoint.forgetHttp2(this);
    for (const stream of this.streams.values()) {
      if (stream.id <= lastStream) continue;
      this.streams.delete(stream.id);
      stream.onReset(Http2Error.RefusedStream, false);
    }
    if (this.#isUnused) this.discard();
  }

  /** Takes nothing new, and closes after what it has in hand. */
  retire(): void {
    this.#isGoingAway = true;
    if (this.#isUnused) this.discard();
  }

  /** Closes it; it carries nothing that anyone wants. */
  discard(): void {
    if (this.isClosed || !this.#isUnused) return;
    if (this.stream.isOpen) this.writer.goAway(0, Http2Error.None);
    this.output.flush();
    this.end(undefined);
  }

  protected onConnectionEnd(failure: StreamFailure | undefined): void {
    disarm(this.connectTimer);
    disarm(this.#greetingTimer);
    disarm(this.#resetTimer);
    this.endpoint.forgetHttp2(this);
    this.endpoint.closedStream(failure);
    if (this.#waiting.size === 0) return;
    // It stood, and ended without a word of HTTP/2: it speaks HTTP/1 (or nothing at all, as will be seen then).
    if (failure?.code === "reset") this.endpoint.takesExtendedConnect = false;
    this.#settleWaiting();
  }
}
