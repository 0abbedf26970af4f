/** A connection of a tap's client: HTTP/2, few streams, each an Observe call. Source: RFC 9113; proxy.md §16. */
import { BlockReason, Http2Error } from "../../wasm/http2.ts";
import { AcceptedConnection } from "../http/http2/accepted_connection.ts";
import type { Stream } from "../worker/stream.ts";
import type { TapHub } from "./hub.ts";
import { TapStream } from "./tap_stream.ts";

/** Calls at one time; a client makes one a second, and the last ones may still have requests to wait for. */
const MAX_CALLS = 32;
const STALE_LOOK_MS = 60_000;

export class TapConnection extends AcceptedConnection {
  #cancelLook = () => {};

  constructor(
    stream: Stream,
    tables: readonly [number, number],
    readonly hub: TapHub,
    /** Why this client may not observe; undefined when it may. */
    readonly stranger: string | undefined,
    private readonly onClosed: () => void,
  ) {
    super(stream, tables);
    this.#look();
    if (stream.tls?.hasPending()) stream.readAgain();
  }

  /** Ends calls whose client has read nothing for a while. */
  #look(): void {
    this.#cancelLook = this.stream.loop.after(STALE_LOOK_MS, () => {
      for (const stream of this.streams.values()) {
        if (!(stream as TapStream).checkProgress()) this.resetStream(stream, Http2Error.EnhanceYourCalm);
      }
      if (!this.isClosed) this.#look();
    });
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
    if (this.stranger !== undefined && this.streams.size === 0) this.close();
  }

  protected onConnectionEnd(): void {
    this.#cancelLook();
    this.onClosed();
  }

  /** Takes nothing more, says so, and ends. */
  close(): void {
    if (this.isClosed) return;
    this.writer.goAway(this.lastPeerStream, Http2Error.None);
    this.output.flush();
    if (!this.isClosed) this.end(undefined);
  }
}
