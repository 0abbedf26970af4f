/** What the peer has told of itself (RFC 9113 §6.5.2), and what we tell it. */
import { FrameType, Http2Error, Setting } from "../../../wasm/http2.ts";
import type { Http2Connection } from "./connection.ts";
import { encodeSettings, encodeWord, PREFACE } from "./frame_bytes.ts";
import {
  CONNECTION_WINDOW,
  DEFAULT_WINDOW,
  MAX_CONCURRENT_STREAMS,
  MAX_FRAME_BYTES,
  MAX_HEADER_LIST_BYTES,
  MAX_WINDOW,
} from "./limits.ts";

/** Until the peer says otherwise there is no limit; what it refuses is sent again. */
const ASSUMED_STREAMS = MAX_CONCURRENT_STREAMS;

export class PeerSettings {
  /** Bytes that a new stream may send. */
  initialWindow = DEFAULT_WINDOW;
  maxFrameBytes = MAX_FRAME_BYTES;
  maxStreams = ASSUMED_STREAMS;
  acceptsExtendedConnect = false;

  constructor(private readonly connection: Http2Connection) {}

  /** Takes the content of a SETTINGS frame. @returns an `Http2Error`; None when all of it is allowed */
  take(at: number, length: number): number {
    const { arena } = this.connection, { bytes } = arena.memory;
    for (let cursor = at; cursor < at + length; cursor += 6) {
      const code = this.#apply(bytes[cursor]! << 8 | bytes[cursor + 1]!, arena.readWord(cursor + 2));
      if (code !== Http2Error.None) return code;
    }
    return Http2Error.None;
  }

  #apply(name: number, value: number): number {
    switch (name) {
      case Setting.HeaderTableSize:
        this.connection.writer.resizeTable(value);
        return Http2Error.None;
      case Setting.EnablePush:
        return value > 1 ? Http2Error.Protocol : Http2Error.None;
      case Setting.MaxConcurrentStreams:
        this.maxStreams = value;
        return Http2Error.None;
      case Setting.InitialWindowSize:
        return this.#resizeWindows(value);
      case Setting.MaxFrameSize:
        if (value < MAX_FRAME_BYTES || value > 0xffffff) return Http2Error.Protocol;
        this.maxFrameBytes = MAX_FRAME_BYTES; // more would only make the others wait
        return Http2Error.None;
      case Setting.EnableConnectProtocol:
        this.acceptsExtendedConnect = value === 1;
        return value > 1 ? Http2Error.Protocol : Http2Error.None;
    }
    return Http2Error.None;
  }

  #resizeWindows(value: number): number {
    if (value > MAX_WINDOW) return Http2Error.FlowControl;
    const change = value - this.initialWindow;
    this.initialWindow = value;
    for (const stream of this.connection.streams.values()) {
      stream.sendWindow += change;
      if (stream.sendWindow > MAX_WINDOW) return Http2Error.FlowControl;
      if (change > 0 && stream.isSendBlocked) this.connection.queueToSend(stream);
    }
    return Http2Error.None;
  }
}

const CREDIT = encodeWord(FrameType.WindowUpdate, 0, CONNECTION_WINDOW - DEFAULT_WINDOW);

/** What a server says first. */
export const SERVER_GREETING: Uint8Array = Uint8Array.from([
  ...encodeSettings([
    [Setting.MaxConcurrentStreams, MAX_CONCURRENT_STREAMS],
    [Setting.MaxHeaderListSize, MAX_HEADER_LIST_BYTES],
    [Setting.EnableConnectProtocol, 1],
  ]),
  ...CREDIT,
]);

/** What a client says first. */
export const CLIENT_GREETING: Uint8Array = Uint8Array.from([
  ...PREFACE,
  ...encodeSettings([[Setting.EnablePush, 0], [Setting.MaxHeaderListSize, MAX_HEADER_LIST_BYTES]]),
  ...CREDIT,
]);
