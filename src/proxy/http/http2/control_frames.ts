/**
 * Frames that are about a connection or its streams' windows rather than their messages: SETTINGS, PING, GOAWAY,
 * WINDOW_UPDATE, RST_STREAM. Each costs its sender next to nothing, so what it can make us do is bounded.
 * Source: RFC 9113 §6, §10.5; CVE-2019-9512, -9515, CVE-2023-44487, CVE-2025-8671.
 */
import { FrameFlag, FrameType, Http2Error } from "../../../wasm/http2.ts";
import type { Http2Connection } from "./connection.ts";
import { MAX_WINDOW } from "./limits.ts";

export class ControlFrames {
  constructor(private readonly connection: Http2Connection) {}

  /**
   * Takes one whose head has been read, and whose content stands at `at`.
   * @returns false when the connection has ended
   */
  take(type: number, id: number, flags: number, at: number, length: number): boolean {
    const { connection } = this;
    switch (type) {
      case FrameType.Settings:
        return this.#takeSettings(flags, at, length);
      case FrameType.Ping:
        return this.#takePing(flags, at);
      case FrameType.WindowUpdate:
        return this.#takeWindowUpdate(id, connection.arena.readWord(at) & 0x7fffffff);
      case FrameType.ResetStream:
        return this.#takeReset(id, connection.arena.readWord(at));
      case FrameType.GoAway:
        connection.onGoAway(connection.arena.readWord(at) & 0x7fffffff, connection.arena.readWord(at + 4));
        return !connection.isClosed && connection.nuisance();
      case FrameType.PushPromise:
        return connection.fail(Http2Error.Protocol, "PUSH_PROMISE was not allowed") > 0;
    }
    return connection.nuisance(); // PRIORITY, and types that are not known, are ignored (§4.1, §5.3.2)
  }

  #takeSettings(flags: number, at: number, length: number): boolean {
    const { connection } = this;
    if (!connection.nuisance()) return false;
    if ((flags & FrameFlag.Acknowledge) !== 0) return true;
    const code = connection.peer.take(at, length);
    if (code !== Http2Error.None) return connection.fail(code, "a setting is not allowed") > 0;
    connection.writer.frame(FrameType.Settings, FrameFlag.Acknowledge, 0, 0, 0);
    connection.onPeerSettings();
    return !connection.isClosed;
  }

  #takePing(flags: number, at: number): boolean {
    const { connection } = this;
    if ((flags & FrameFlag.Acknowledge) !== 0) {
      connection.onPingAnswered();
      return !connection.isClosed && connection.nuisance();
    }
    // Not counted: a peer may measure by them, and what it does not read stops us reading (OUTPUT_PAUSE_BYTES).
    return connection.writer.frame(FrameType.Ping, FrameFlag.Acknowledge, 0, at, 8);
  }

  #takeWindowUpdate(id: number, increment: number): boolean {
    const { connection } = this;
    if (id === 0) {
      if (increment === 0) return connection.fail(Http2Error.Protocol, "WINDOW_UPDATE of nothing") > 0;
      connection.sendWindow += increment;
      if (connection.sendWindow > MAX_WINDOW) {
        return connection.fail(Http2Error.FlowControl, "the window is too large") > 0;
      }
      connection.resumeWaiting();
      return !connection.isClosed;
    }
    const stream = connection.streams.get(id);
    if (stream === undefined) {
      return connection.isClosedStream(id) ||
        connection.fail(Http2Error.Protocol, "WINDOW_UPDATE on an idle stream") > 0;
    }
    stream.sendWindow += increment;
    if (increment === 0) connection.breach(stream, Http2Error.Protocol);
    else if (stream.sendWindow > MAX_WINDOW) connection.breach(stream, Http2Error.FlowControl);
    else if (stream.isSendBlocked) stream.resumeSending();
    return !connection.isClosed;
  }

  #takeReset(id: number, code: number): boolean {
    const { connection } = this, stream = connection.streams.get(id);
    if (stream === undefined) {
      return connection.isClosedStream(id) ||
        connection.fail(Http2Error.Protocol, "RST_STREAM on an idle stream") > 0;
    }
    // A request that goes as soon as it came costs us work, and the peer nothing.
    if (connection.isServer && !stream.isAnswered && !connection.nuisance()) return false;
    connection.streams.delete(id);
    stream.onReset(code, false);
    return !connection.isClosed;
  }
}
