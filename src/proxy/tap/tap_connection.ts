/** A connection of a tap's client: HTTP/2, few streams, each an Observe call. Source: RFC 9113; proxy.md §16. */
import { BlockKind, BlockReason, Http2Error } from "../../wasm/http2.ts";
import { Http2Connection } from "../http/http2/connection.ts";
import { PREFACE } from "../http/http2/frame_bytes.ts";
import { SERVER_GREETING } from "../http/http2/settings.ts";
import type { Stream } from "../worker/stream.ts";
import type { TapHub } from "./hub.ts";
import { TapStream } from "./tap_stream.ts";

/** Calls at one time; a client makes one a second, and the last ones may still have requests to wait for. */
const MAX_CALLS = 32;
const STALE_LOOK_MS = 60_000;

export class TapConnection extends Http2Connection {
  #prefaceLeft = PREFACE.length;
  readonly #cancelLook: { cancel: () => void } = { cancel: () => {} };

  constructor(
    stream: Stream,
    tables: readonly [number, number],
    readonly hub: TapHub,
    /** Why this client may not observe; undefined when it may. */
    readonly stranger: string | undefined,
    private readonly onClosed: () => void,
  ) {
    super(stream, true, tables);
    this.writer.greet(SERVER_GREETING);
    this.#look();
    if (stream.tls?.hasPending()) stream.readAgain();
  }

  /** Ends calls whose client has read nothing for a while. */
  #look(): void {
    this.#cancelLook.cancel = this.stream.loop.after(STALE_LOOK_MS, () => {
      for (const stream of [...this.streams.values()]) {
        if (!(stream as TapStream).checkProgress()) this.resetStream(stream, Http2Error.EnhanceYourCalm);
      }
      if (!this.isClosed) this.#look();
    });
  }

  protected override consume(start: number, end: number): void {
    let at = start;
    const { bytes } = this.arena.memory;
    while (this.#prefaceLeft > 0 && at < end) {
      if (bytes[at++] !== PREFACE[PREFACE.length - this.#prefaceLeft--]) {
        this.fail(Http2Error.Protocol, "the connection does not begin as HTTP/2");
        return;
      }
    }
    super.consume(at, end);
  }

  protected kindOf(id: number): number {
    if ((id & 1) === 0) return this.fail(Http2Error.Protocol, "a client's stream has an even number");
    if (id > this.lastPeerStream) return BlockKind.Request;
    const stream = this.streams.get(id);
    if (stream === undefined) {
      if (this.recentResets.has(id)) return -1;
      return this.fail(Http2Error.StreamClosed, "HEADERS on a closed stream");
    }
    if (!stream.isReceiveEnded) return BlockKind.Trailers;
    this.resetStream(stream, Http2Error.StreamClosed);
    return -1;
  }

  protected onMessage(id: number, isEnd: boolean, next: number): number {
    const known = this.streams.get(id);
    if (known !== undefined) {
      if (isEnd && this.blockReason === BlockReason.None) known.receiveTrailers();
      else this.resetStream(known, Http2Error.Protocol);
      return this.isClosed ? -1 : next;
    }
    this.lastPeerStream = id;
    if (this.blockReason !== BlockReason.None) this.writeReset(id, Http2Error.Protocol);
    else if (this.streams.size >= MAX_CALLS) this.writeReset(id, Http2Error.RefusedStream);
    else {
      const call = new TapStream(this);
      this.streams.set(id, call);
      call.begin(id, this.peer.initialWindow, isEnd);
    }
    return this.isClosed ? -1 : next;
  }

  /** A stranger has been told, and is sent away. */
  streamEnded(): void {
    if (this.stranger === undefined || this.isClosed || this.streams.size > 0) return;
    this.writer.goAway(this.lastPeerStream, Http2Error.None);
    this.output.flush();
    if (!this.isClosed) this.end(undefined);
  }

  protected onGoAway(): void {} // its calls go on; there will be no new ones

  protected onConnectionEnd(): void {
    this.#cancelLook.cancel();
    this.onClosed();
  }

  /** The proxy ends. */
  close(): void {
    if (this.isClosed) return;
    this.writer.goAway(this.lastPeerStream, Http2Error.None);
    this.output.flush();
    if (!this.isClosed) this.end(undefined);
  }
}
