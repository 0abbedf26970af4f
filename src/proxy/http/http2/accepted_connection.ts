/** The side of HTTP/2 that was connected to: the client's preface, and the numbers of its streams. Source: RFC 9113 §3.4, §5.1. */
import { BlockKind, Http2Error } from "../../../wasm/http2.ts";
import type { Stream } from "../../worker/stream.ts";
import { Http2Connection } from "./connection.ts";
import { PREFACE } from "./frame_bytes.ts";
import { SERVER_GREETING } from "./settings.ts";

export abstract class AcceptedConnection extends Http2Connection {
  #prefaceLeft = PREFACE.length;

  constructor(stream: Stream, tables: readonly [number, number]) {
    super(stream, true, tables);
  }

  /** Says what a server says first. @returns false when there was no room for it: the connection has ended */
  greet(): boolean {
    this.writer.greet(SERVER_GREETING);
    return !this.isClosed;
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
    this.breach(stream, Http2Error.StreamClosed);
    return -1;
  }

  onGoAway(): void {} // what was asked goes on; there will be nothing new
}
