/**
 * One call of a tap's client: an HTTP/2 stream that brings one gRPC message and is answered with many.
 *
 * Nothing here grows with what a peer sends: a request of more than MAX_REQUEST bytes is refused, events that are not
 * read wait in their observation, which is bounded.
 * Source: gRPC over HTTP/2 (PROTOCOL-HTTP2.md).
 */
import { Head, Method, Outcome } from "../../wasm/http1.ts";
import { BlockKind, Http2Error } from "../../wasm/http2.ts";
import { GrpcCode, type GrpcStatus } from "../control/grpc.ts";
import { isGrpcMessage } from "../http/grpc.ts";
import { MAX_FIELDS } from "../http/http2/limits.ts";
import { Http2Stream } from "../http/http2/stream.ts";
import { MAX_HEAD_BYTES } from "../http/limits.ts";
import type { DropMask } from "../http/pipeline.ts";
import type { ObserveCall } from "./observe_call.ts";
import type { TapConnection } from "./tap_connection.ts";

const OBSERVE = "/io.linkerd.proxy.tap.Tap/Observe";
/** Bytes of an ObserveRequest. */
const MAX_REQUEST = 16_384;
/** The flag that tells compression, and the length. */
const PREFIX = 5;
const NO_DROPS: DropMask = [0, 0, 0];

export class TapStream extends Http2Stream {
  isAnswered = false;
  protected readonly canDeliver = true;
  #request = new Uint8Array(0);
  #isRefused = false;
  #call: ObserveCall | undefined;
  #stop: () => void = () => {};
  #isPumpQueued = false;
  /** It has sent something since `checkProgress` was asked last. */
  #hasSent = true;

  constructor(readonly connection: TapConnection) {
    super(connection.arena);
  }

  /** Takes a new call, whose head stands in the record. */
  begin(id: number, sendWindow: number, isEnd: boolean): void {
    this.open(id, sendWindow);
    this.isReceiveEnded = isEnd;
    const refusal = this.#refusal();
    if (refusal !== undefined) return this.#refuse(refusal);
    if (isEnd) this.#whole();
  }

  #refusal(): GrpcStatus | undefined {
    const { arena } = this, { words } = arena.memory, record = arena.recordAt >> 2;
    if (this.connection.stranger !== undefined) {
      return { code: GrpcCode.UNAUTHENTICATED, message: this.connection.stranger };
    }
    if (words[record + Head.Method] !== Method.Post || !isGrpcMessage(arena, 0)) {
      return { code: GrpcCode.INTERNAL, message: "not a gRPC call" };
    }
    const path = arena.readAscii(words[record + Head.PathOffset]!, words[record + Head.PathOnlyLength]!);
    return path === OBSERVE ? undefined : { code: GrpcCode.UNIMPLEMENTED, message: `there is no ${path}` };
  }

  protected deliver(at: number, length: number, isEnd: boolean): void {
    if (this.#isRefused || this.#call !== undefined) return;
    if (this.#request.length + length > MAX_REQUEST + PREFIX) {
      return this.#refuse({
        code: GrpcCode.RESOURCE_EXHAUSTED,
        message: `a request of more than ${MAX_REQUEST} bytes`,
      });
    }
    const joined = new Uint8Array(this.#request.length + length);
    joined.set(this.#request);
    joined.set(this.arena.memory.bytes.subarray(at, at + length), this.#request.length);
    this.#request = joined;
    if (isEnd) this.#whole();
  }

  protected deliverTrailers(): void {
    if (!this.#isRefused && this.#call === undefined) this.#whole();
  }

  /** All of the request has come. */
  #whole(): void {
    const bytes = this.#request,
      invalid = (message: string) => ({ code: GrpcCode.INVALID_ARGUMENT, message });
    this.#request = new Uint8Array(0);
    if (bytes.length < PREFIX) return this.#refuse(invalid("the request holds no message"));
    if (bytes[0] !== 0) {
      return this.#refuse({ code: GrpcCode.UNIMPLEMENTED, message: "the message is compressed" });
    }
    if (new DataView(bytes.buffer).getUint32(1) !== bytes.length - PREFIX) {
      return this.#refuse(invalid("the request holds not one message, or a part of it"));
    }
    const begun = this.connection.hub.observe(bytes.subarray(PREFIX), () => this.#queuePump());
    if ("refused" in begun) {
      const code = begun.refused === "invalid" ? GrpcCode.INVALID_ARGUMENT : GrpcCode.RESOURCE_EXHAUSTED;
      return this.#refuse({ code, message: begun.why });
    }
    this.#call = begun.call;
    this.#stop = begun.stop;
    this.isAnswered = true;
    if (!this.#writeHead("content-type: application/grpc\r\n", false)) return;
    this.#queuePump();
  }

  /** Answers with a status alone, and ends the call. */
  #refuse({ code, message }: GrpcStatus): void {
    this.#isRefused = this.isAnswered = true;
    this.isSendEnded = true;
    const text = encodeURIComponent(message.replace(/[^\x20-\x7e]/g, "?").slice(0, 512)).replaceAll(
      "%20",
      " ",
    );
    const fields = `content-type: application/grpc\r\ngrpc-status: ${code}\r\ngrpc-message: ${text}\r\n`;
    if (this.#writeHead(fields, true)) this.#afterEnd();
  }

  /** @returns false when the stream or its connection is over by that */
  #writeHead(fields: string, isEnd: boolean): boolean {
    const { arena, connection } = this, { wasm, resendAt, recordAt } = arena;
    const length = arena.writeAscii(resendAt, `HTTP/1.1 200 OK\r\n${fields}\r\n`), end = resendAt + length;
    const head = wasm.parseResponseHead(resendAt, end, recordAt, 0, MAX_HEAD_BYTES, MAX_FIELDS, Method.Get);
    if (head === Outcome.Bad) {
      connection.resetStream(this, Http2Error.Internal);
      return false;
    }
    return connection.writer.block(this.id, BlockKind.Response, resendAt, isEnd, NO_DROPS, 0, 0);
  }

  /** Events are written in the next turn: where they come from, the record is in use. */
  #queuePump(): void {
    if (this.#isPumpQueued) return;
    this.#isPumpQueued = true;
    this.connection.stream.loop.defer(() => {
      this.#isPumpQueued = false;
      this.#pump();
    });
  }

  #pump(): void {
    const call = this.#call;
    if (call === undefined || this.id === 0) return;
    while (!this.isSendBlocked) {
      const event = call.next();
      if (event === undefined) break;
      this.#hasSent = true;
      this.#write(event);
      if (this.id === 0) return; // no room was left for what waits: the stream has been reset
    }
    if (!this.isSendBlocked && call.isOver && !this.isSendEnded) this.#end();
  }

  #write(event: Uint8Array): void {
    const { scratchAt, memory: { bytes, view } } = this.arena;
    view.setUint8(scratchAt, 0);
    view.setUint32(scratchAt + 1, event.length);
    bytes.set(event, scratchAt + PREFIX);
    this.sendData(scratchAt, PREFIX + event.length, false);
  }

  #end(): void {
    const { arena } = this, { wasm, resendAt, recordAt } = arena;
    const length = arena.writeAscii(resendAt, "grpc-status: 0\r\n\r\n");
    wasm.parseTrailers(resendAt, resendAt + length, recordAt, MAX_FIELDS);
    this.sendTrailersFrom(resendAt);
    this.#afterEnd();
  }

  /** Whatever the client still sends is of no use. */
  #afterEnd(): void {
    this.completeIfDone();
    if (this.id !== 0 && this.isSendEnded) this.connection.resetStream(this, Http2Error.None);
  }

  protected onSendDrained(): void {
    this.#hasSent = true;
    this.#queuePump();
  }

  /** @returns false when events have waited since the last look, and none has gone: nobody reads them */
  checkProgress(): boolean {
    const isStuck = this.isSendBlocked && !this.#hasSent;
    this.#hasSent = false;
    return !isStuck;
  }

  protected onComplete(): void {
    this.connection.streams.delete(this.id);
    this.#finish();
  }

  onReset(): void {
    this.#finish();
  }

  #finish(): void {
    this.#stop();
    this.#stop = () => {};
    this.#call = undefined;
    this.close();
    this.connection.streamEnded();
  }
}
