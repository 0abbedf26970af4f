/**
 * One HTTP/2 connection to a control service: gRPC calls and streams, flow control both ways, keep-alive. Whatever the
 * peer sends that RFC 9113 does not allow ends the connection, which ends its calls with UNAVAILABLE; they are made
 * again on another. The data path's HTTP/2 has its own code, without strings and promises.
 *
 * Source: RFC 9113; gRPC over HTTP/2; keep-alive as proxy.md §8.
 */
import { FrameFlag, FrameType, Http2Error, Setting } from "../../wasm/http2.ts";
import { AsyncStream, StreamError } from "../worker/async_stream.ts";
import type { Loop } from "../worker/loop.ts";
import { GrpcCode, type GrpcStatus, type StreamObserver } from "./grpc.ts";
import { encodeMessage, MessageReader, statusOf } from "./grpc_message.ts";
import type { HeaderCodec } from "./header_codec.ts";
import {
  encodeFrame,
  encodeSettings,
  encodeWord,
  type Frame,
  FrameReader,
  MAX_FRAME_SIZE,
  PREFACE,
  unpadded,
} from "../http/http2/frame_bytes.ts";
import type { Watch } from "./plane.ts";

const WINDOW = 1 << 20, DEFAULT_WINDOW = 65535, MAX_WINDOW = 0x7fffffff;
const PING_INTERVAL_MS = 10_000, PING_TIMEOUT_MS = 3000, MAX_HEADER_BLOCK = 16384;
const NO_ERROR = Http2Error.None, CANCEL = Http2Error.Cancel;

interface Call {
  readonly observer: StreamObserver;
  readonly messages: MessageReader;
  received: number;
  sendWindow: number;
  /** Request bytes that wait for the peer's window. */
  unsent: Uint8Array;
  hasHeaders: boolean;
}

export interface ConnectionOptions {
  readonly loop: Pick<Loop, "after">;
  readonly authority: string;
  readonly codec: HeaderCodec;
  /** No PING while there is no call: servers of gRPC close connections that ask more often than every few minutes. */
  readonly isQuietWhenIdle: boolean;
  /** The connection is over: no more calls. */
  readonly onClosed: (reason: string) => void;
}

export class Http2Connection {
  readonly #calls = new Map<number, Call>();
  readonly #frames = new FrameReader();
  #nextStream = 1;
  #sendWindow = DEFAULT_WINDOW;
  #initialWindow = DEFAULT_WINDOW;
  #received = 0;
  #block: { stream: number; flags: number; parts: Uint8Array[]; size: number } | undefined;
  #cancelPing: (() => void) | undefined;
  #isPingOut = false;
  #isClosed = false;
  #isGoingAway = false;
  #writes: Promise<void> = Promise.resolve();

  constructor(private readonly stream: AsyncStream, private readonly options: ConnectionOptions) {
    this.#write(PREFACE, encodeSettings([[Setting.EnablePush, 0], [Setting.InitialWindowSize, WINDOW]]));
    this.#write(encodeWord(FrameType.WindowUpdate, 0, WINDOW - DEFAULT_WINDOW));
    this.#armPing();
    this.#read().catch((error) => this.#close(error instanceof Error ? error.message : String(error)));
  }

  /** It takes new calls. */
  get isUsable(): boolean {
    return !this.#isClosed && !this.#isGoingAway && this.#nextStream < MAX_WINDOW;
  }

  /** Begins a call. After `cancel` of what is returned the observer is told nothing more. */
  call(path: string, request: Uint8Array, observer: StreamObserver): Watch {
    const id = this.#nextStream;
    this.#nextStream += 2;
    const call: Call = {
      observer,
      messages: new MessageReader(),
      received: 0,
      sendWindow: this.#initialWindow,
      unsent: encodeMessage(request),
      hasHeaders: false,
    };
    this.#calls.set(id, call);
    const block = this.options.codec.encode([
      [":method", "POST"],
      [":scheme", "http"],
      [":path", path],
      [":authority", this.options.authority],
      ["te", "trailers"],
      ["content-type", "application/grpc"],
      ["user-agent", "linkerd-deno-proxy"],
    ]);
    this.#write(encodeFrame(FrameType.Headers, FrameFlag.EndHeaders, id, block));
    this.#sendData(id, call);
    return {
      cancel: () => {
        if (!this.#calls.delete(id)) return;
        this.#write(encodeWord(FrameType.ResetStream, id, CANCEL));
      },
    };
  }

  #sendData(id: number, call: Call): void {
    while (call.unsent.length > 0) {
      const size = Math.min(call.unsent.length, call.sendWindow, this.#sendWindow, MAX_FRAME_SIZE);
      if (size <= 0) return;
      const part = call.unsent.subarray(0, size);
      call.unsent = call.unsent.subarray(size);
      call.sendWindow -= size;
      this.#sendWindow -= size;
      this.#write(encodeFrame(FrameType.Data, call.unsent.length === 0 ? FrameFlag.EndStream : 0, id, part));
    }
  }

  /** Writes are queued in order; a failure ends the connection. */
  #write(...parts: Uint8Array[]): void {
    this.#writes = this.#writes.then(async () => {
      for (const part of parts) await this.stream.write(part);
    }).catch((error) => this.#close(error instanceof StreamError ? error.message : `write: ${error}`));
  }

  async #read(): Promise<void> {
    for (;;) {
      const bytes = await this.stream.read();
      if (bytes === null) return this.#close("the peer closed the connection");
      const frames = this.#frames.push(bytes);
      if (typeof frames === "string") return this.#close(`protocol error: ${frames}`);
      for (const frame of frames) {
        const problem = this.#handle(frame);
        if (problem !== undefined) return this.#close(`protocol error: ${problem}`);
        if (this.#isClosed) return;
      }
    }
  }

  #handle(frame: Frame): string | undefined {
    if (
      this.#block !== undefined &&
      (frame.type !== FrameType.Continuation || frame.stream !== this.#block.stream)
    ) {
      return "another frame within a header block";
    }
    switch (frame.type) {
      case FrameType.Data:
        return this.#onData(frame);
      case FrameType.Headers:
      case FrameType.Continuation:
        return this.#onHeaders(frame);
      case FrameType.ResetStream:
        return this.#onReset(frame);
      case FrameType.Settings:
        return this.#onSettings(frame);
      case FrameType.Ping:
        return this.#onPing(frame);
      case FrameType.GoAway:
        return this.#onGoAway(frame);
      case FrameType.WindowUpdate:
        return this.#onWindowUpdate(frame);
    }
    return undefined; // unknown types are ignored (RFC 9113 §4.1)
  }

  #onData(frame: Frame): string | undefined {
    const data = unpadded(frame);
    if (data === undefined || frame.stream === 0) return "a DATA frame that does not fit";
    this.#received += frame.payload.length;
    if (this.#received >= WINDOW / 2) {
      this.#write(encodeWord(FrameType.WindowUpdate, 0, this.#received));
      this.#received = 0;
    }
    const call = this.#calls.get(frame.stream);
    if (call === undefined) return undefined; // cancelled by us
    call.received += frame.payload.length;
    if (call.received >= WINDOW / 2) {
      this.#write(encodeWord(FrameType.WindowUpdate, frame.stream, call.received));
      call.received = 0;
    }
    const messages = call.messages.push(data);
    if (typeof messages === "string") {
      this.#write(encodeWord(FrameType.ResetStream, frame.stream, CANCEL));
      this.#end(frame.stream, { code: GrpcCode.INTERNAL, message: messages });
      return undefined;
    }
    for (const message of messages) {
      if (this.#calls.get(frame.stream) !== call) return undefined;
      call.observer.onMessage(message);
    }
    if (frame.flags & FrameFlag.EndStream) {
      this.#end(frame.stream, { code: GrpcCode.UNKNOWN, message: "the stream ended without a status" });
    }
    return undefined;
  }

  #onHeaders(frame: Frame): string | undefined {
    if (frame.stream === 0) return "headers on stream 0";
    const part = frame.type === FrameType.Headers ? unpadded(frame) : frame.payload;
    if (part === undefined) return "a HEADERS frame that does not fit";
    if (frame.type === FrameType.Continuation && this.#block === undefined) {
      return "a CONTINUATION of nothing";
    }
    this.#block ??= { stream: frame.stream, flags: frame.flags, parts: [], size: 0 };
    const block = this.#block;
    block.parts.push(part);
    block.size += part.length;
    if (block.size > MAX_HEADER_BLOCK || block.parts.length > 64) return "a header block without end";
    if (!(frame.flags & FrameFlag.EndHeaders)) return undefined;
    this.#block = undefined;
    const whole = new Uint8Array(block.size);
    let at = 0;
    for (const one of block.parts) {
      whole.set(one, at);
      at += one.length;
    }
    const call = this.#calls.get(block.stream);
    // Decoded even when nobody waits for it: the dynamic table must follow.
    const fields = this.options.codec.decode(whole, call?.hasHeaders ?? false);
    if (fields === undefined && call !== undefined) return "a header block that cannot be decoded";
    if (call === undefined || fields === undefined) return undefined;
    if (block.flags & FrameFlag.EndStream || fields.has("grpc-status")) {
      this.#end(block.stream, statusOf(fields));
    } else if (!call.hasHeaders && fields.get(":status")?.startsWith("1") !== true) {
      call.hasHeaders = true;
      if (fields.get(":status") !== "200") {
        this.#write(encodeWord(FrameType.ResetStream, block.stream, CANCEL));
        this.#end(block.stream, statusOf(fields));
      }
    }
    return undefined;
  }

  #end(id: number, status: GrpcStatus): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    this.#calls.delete(id);
    // The server answered before it had the whole request: it will not read the rest.
    if (call.unsent.length > 0) this.#write(encodeWord(FrameType.ResetStream, id, NO_ERROR));
    call.observer.onEnd(status);
    if (this.#isGoingAway && this.#calls.size === 0) this.#close("the peer is going away");
  }

  #onReset(frame: Frame): string | undefined {
    if (frame.payload.length !== 4 || frame.stream === 0) return "an RST_STREAM frame that does not fit";
    const code = new DataView(frame.payload.buffer, frame.payload.byteOffset).getUint32(0);
    this.#end(frame.stream, {
      code: code === CANCEL ? GrpcCode.CANCELLED : GrpcCode.UNAVAILABLE,
      message: `the peer reset the stream (HTTP/2 error ${code})`,
    });
    return undefined;
  }

  #onSettings(frame: Frame): string | undefined {
    if (frame.stream !== 0 || frame.payload.length % 6 !== 0) return "a SETTINGS frame that does not fit";
    if (frame.flags & FrameFlag.Acknowledge) {
      return frame.payload.length === 0 ? undefined : "an acknowledgement with settings";
    }
    const view = new DataView(frame.payload.buffer, frame.payload.byteOffset);
    for (let at = 0; at < frame.payload.length; at += 6) {
      const id = view.getUint16(at), value = view.getUint32(at + 2);
      if (id === Setting.HeaderTableSize) this.options.codec.limitEncoderTable(value);
      else if (id === Setting.InitialWindowSize) {
        if (value > MAX_WINDOW) return "an initial window beyond 2^31 - 1";
        for (const call of this.#calls.values()) call.sendWindow += value - this.#initialWindow;
        this.#initialWindow = value;
      }
    }
    this.#write(encodeFrame(FrameType.Settings, FrameFlag.Acknowledge, 0));
    this.#resumeSending();
    return undefined;
  }

  #resumeSending(): void {
    for (const [id, call] of this.#calls) this.#sendData(id, call);
  }

  #onPing(frame: Frame): string | undefined {
    if (frame.payload.length !== 8 || frame.stream !== 0) return "a PING frame that does not fit";
    if (!(frame.flags & FrameFlag.Acknowledge)) {
      this.#write(encodeFrame(FrameType.Ping, FrameFlag.Acknowledge, 0, frame.payload));
    } else if (this.#isPingOut) this.#armPing();
    return undefined;
  }

  #armPing(): void {
    this.#cancelPing?.();
    this.#isPingOut = false;
    this.#cancelPing = this.options.loop.after(PING_INTERVAL_MS, () => {
      if (this.options.isQuietWhenIdle && this.#calls.size === 0) return this.#armPing();
      this.#isPingOut = true;
      this.#write(encodeFrame(FrameType.Ping, 0, 0, new Uint8Array(8)));
      this.#cancelPing = this.options.loop.after(
        PING_TIMEOUT_MS,
        () => this.#close("the peer does not answer PING"),
      );
    });
  }

  #onGoAway(frame: Frame): string | undefined {
    if (frame.payload.length < 8 || frame.stream !== 0) return "a GOAWAY frame that does not fit";
    const last = new DataView(frame.payload.buffer, frame.payload.byteOffset).getUint32(0) & 0x7fffffff;
    this.#isGoingAway = true;
    for (const id of [...this.#calls.keys()]) {
      if (id > last) this.#end(id, { code: GrpcCode.UNAVAILABLE, message: "the peer is going away" });
    }
    if (this.#calls.size === 0) this.#close("the peer is going away");
    return undefined;
  }

  #onWindowUpdate(frame: Frame): string | undefined {
    if (frame.payload.length !== 4) return "a WINDOW_UPDATE frame that does not fit";
    const by = new DataView(frame.payload.buffer, frame.payload.byteOffset).getUint32(0) & 0x7fffffff;
    if (by === 0) return "a window update of nothing";
    if (frame.stream === 0) this.#sendWindow += by;
    const call = this.#calls.get(frame.stream);
    if (call !== undefined) call.sendWindow += by;
    if (this.#sendWindow > MAX_WINDOW || (call?.sendWindow ?? 0) > MAX_WINDOW) {
      return "a window beyond 2^31 - 1";
    }
    this.#resumeSending();
    return undefined;
  }

  #close(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelPing?.();
    this.stream.close();
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    this.options.codec.release();
    for (const { observer } of calls) observer.onEnd({ code: GrpcCode.UNAVAILABLE, message: reason });
    this.options.onClosed(reason);
  }

  close(): void {
    this.#close("closed by the proxy");
  }
}
