/**
 * A client's HTTP/2 connection: each request is a stream with an exchange of its own.
 * Source: RFC 9113 §3.4, §5.1, §6.8, §8.
 */
import { BlockReason, Http2Error } from "../../../wasm/http2.ts";
import { CLOSED_BY_PEER, type Stream, type StreamFailure } from "../../worker/stream.ts";
import type { Pipeline } from "../pipeline.ts";
import type { AcceptedConnection as Accepted } from "../../worker/accepted.ts";
import { AcceptedConnection } from "./accepted_connection.ts";
import { GOAWAY_GRACE_MS, MAX_CONCURRENT_STREAMS, MAX_WINDOW } from "./limits.ts";
import { ServerStream } from "./server_stream.ts";
import { SpareStreams } from "./spare_streams.ts";
import type { Http2Stream } from "./stream.ts";

export class ServerConnection extends AcceptedConnection implements Accepted {
  readonly #spare = new SpareStreams<ServerStream>();
  #isDraining = false;
  #isLastKnown = false;
  idleSince: number;

  constructor(
    stream: Stream,
    tables: readonly [number, number],
    readonly clientIp: string,
    /** What decides for one request; made once for each stream object. */
    private readonly pipelineOf: () => Pipeline,
    /** The connection is over; `errno` is "" for an orderly end. */
    private readonly onClosed: (errno: string) => void,
    /** A request was refused by its form: counted. */
    private readonly onMalformed: (reason: string) => void,
  ) {
    super(stream, tables);
    this.idleSince = stream.loop.now;
    this.arena.http2Connections.add(this);
    this.arena.acceptedConnections.add(this);
  }

  get isIdle(): boolean {
    return this.streams.size === 0;
  }

  /** Begins with bytes that detection has read already, which lie in the receive area. */
  begin(at: number, length: number): void {
    if (length > 0) this.consume(at, at + length);
    if (!this.isClosed && this.stream.tls?.hasPending()) this.stream.readAgain();
  }

  protected onMessage(id: number, isEnd: boolean, next: number, end: number): number {
    const stream = this.streams.get(id);
    if (stream !== undefined) {
      this.#takeTrailers(stream, isEnd);
      return this.isClosed ? -1 : next;
    }
    this.lastPeerStream = id;
    const reason = this.blockReason, isTooLarge = reason === BlockReason.ListTooLarge;
    if (reason !== BlockReason.None && !isTooLarge) {
      this.onMalformed(BlockReason[reason]);
      this.writeReset(id, Http2Error.Protocol);
      return this.isClosed || !this.nuisance() ? -1 : next;
    }
    if (this.#isLastKnown || this.streams.size >= MAX_CONCURRENT_STREAMS) {
      this.writeReset(id, Http2Error.RefusedStream);
      return this.isClosed ? -1 : next;
    }
    const request = this.#spare.take() ?? new ServerStream(this, this.pipelineOf());
    this.streams.set(id, request);
    if (isTooLarge) request.refuseHead(id, this.peer.initialWindow, isEnd);
    const after = isTooLarge ? next : request.begin(id, this.peer.initialWindow, isEnd, next, end);
    return this.isClosed ? -1 : after;
  }

  #takeTrailers(stream: Http2Stream, isEnd: boolean): void {
    const isComplete = stream.expected <= 0;
    if (!isEnd || !isComplete || this.blockReason !== BlockReason.None) {
      this.onMalformed("Trailers");
      return this.breach(stream, Http2Error.Protocol);
    }
    stream.receiveTrailers();
  }

  recycle(stream: ServerStream): void {
    this.#spare.give(stream);
    this.idleSince = this.stream.loop.now;
    if (this.#isDraining && this.#isLastKnown && this.streams.size === 0) this.#close();
  }

  protected override trim(): void {
    this.#spare.trim();
  }

  #close(isAtOnce = false): void {
    if (this.isClosed) return;
    this.output.flush();
    if (!this.isClosed) this.end(undefined, !isAtOnce);
  }

  /**
   * The proxy shuts down: first asks for no new streams, then, when the peer has had time to read that, says which was
   * the last one, and closes after it. No request is lost between the two (§6.8).
   */
  drain(): void {
    if (this.#isDraining || this.isClosed) return;
    this.#isDraining = true;
    this.writer.goAway(MAX_WINDOW, Http2Error.None);
    this.writer.ping();
    this.stream.loop.after(GOAWAY_GRACE_MS, () => this.#sayLast());
  }

  override onPingAnswered(): void {
    super.onPingAnswered();
    if (this.#isDraining) this.#sayLast();
  }

  /** Others have more use for what it holds: says that it has not looked at anything since the last stream (§6.8). */
  giveUp(isForDescriptor: boolean): void {
    if (this.isClosed) return;
    this.writer.goAwayAtOnce(this.lastPeerStream);
    this.#close(isForDescriptor);
  }

  #sayLast(): void {
    if (this.isClosed || this.#isLastKnown) return;
    this.#isLastKnown = true;
    this.writer.goAway(this.lastPeerStream, Http2Error.None);
    if (this.streams.size === 0) this.#close();
  }

  protected onConnectionEnd(failure: StreamFailure | undefined): void {
    this.arena.http2Connections.delete(this);
    this.arena.acceptedConnections.delete(this);
    this.#spare.clear();
    const isOrderly = failure === undefined || failure === CLOSED_BY_PEER;
    this.onClosed(isOrderly ? "" : failure.code === "reset" ? "ECONNRESET" : failure.code);
  }
}
