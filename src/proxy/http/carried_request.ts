/**
 * The request that an exchange carries: what must be known of it, read from its head once, and its bytes as far as they
 * are held to be sent again.
 */
import { Head, HeaderName, HeadFlag, Method } from "../../wasm/http1.ts";
import { proxyError } from "../error.ts";
import type { Arena } from "../worker/arena.ts";
import { grpcStatusOf, isGrpcMessage } from "./grpc.ts";
import { isAbsoluteForm, restoreForm } from "./original_form.ts";
import { hasHeader } from "./record.ts";
import { Replay } from "./replay.ts";
import { isWebSocket } from "./websocket.ts";

/** Answered where `restore` gave nothing. */
export const UNREADABLE = proxyError("internal", "what was held could not be read again");

/** RFC 9110 §9.2.2, by Method. */
const IDEMPOTENT: ReadonlySet<number> = new Set([
  Method.Get,
  Method.Head,
  Method.Put,
  Method.Delete,
  Method.Options,
  Method.Trace,
]);

export class CarriedRequest {
  method = 0;
  /** The request goes out as HTTP/2 unless it says that it was HTTP/1 (10, 11 or 20). */
  version = 0;
  /** Its target is in absolute form: such requests have connections of their own. */
  isAbsolute = false;
  /** It asks for a tunnel: Upgrade, or CONNECT. */
  isTunnelRequest = false;
  /** An HTTP/2 client asks for a WebSocket (extended CONNECT), which is an Upgrade where its upstream speaks HTTP/1. */
  isWebSocket = false;
  /** A gRPC call (its content type says so): errors are told in gRPC's way. */
  isGrpc = false;
  /** How the call ended, once that is known; -1 before. */
  grpcStatus = -1;
  /** The request as it was received, until its response begins; empty when it cannot be sent again. */
  protected readonly replay: Replay;

  constructor(protected readonly arena: Arena) {
    this.replay = new Replay(arena);
  }

  /**
   * Reads what must be known from the head in the record (offsets from `at`).
   * @param isHttp1 it came as HTTP/1; a head that was held comes back in HTTP/1's form in any case
   * @param isDowngrading `l5d-orig-proto` is believed
   */
  protected readFacts(at: number, isHttp1: boolean, isDowngrading: boolean): void {
    const { arena, arena: { memory: { words }, recordAt } } = this, record = recordAt >> 2;
    this.method = words[record + Head.Method]!;
    const version = isHttp1 ? words[record + Head.Version]! : 20;
    const wasHttp1 = version === 20 && isDowngrading && hasHeader(arena, HeaderName.L5dOrigProto);
    this.version = wasHttp1 ? 11 : version;
    if (wasHttp1) restoreForm(arena, at);
    this.isAbsolute = isAbsoluteForm(arena);
    this.isTunnelRequest = (words[record + Head.Flags]! & HeadFlag.Upgrade) !== 0 ||
      this.method === Method.Connect;
    this.isWebSocket = this.isTunnelRequest && !isHttp1 && isWebSocket(arena, at);
    if (this.isWebSocket) this.method = Method.Get; // to HTTP/1, and in the form that is held
    this.grpcStatus = -1;
    this.isGrpc = version === 20 && isGrpcMessage(arena, at);
  }

  /** The response's head or trailers stand in the record. */
  protected readGrpcStatus(at: number): void {
    if (this.isGrpc) this.grpcStatus = grpcStatusOf(this.arena, at);
  }

  /** It may be made a second time though the first may have been carried out. */
  protected get isIdempotent(): boolean {
    return IDEMPOTENT.has(this.method);
  }

  /** Holds the request whose head stands in the record (offsets from `at`), as far as it has come. */
  protected hold(at: number, headLength: number, bodyAt: number, bodyLength: number, isHttp1: boolean): void {
    if (!this.isTunnelRequest || isHttp1 || this.isWebSocket) {
      this.replay.keep(at, headLength, bodyAt, bodyLength);
    }
  }

  /** Keeps an HTTP/2 head while it waits. @returns false when that cannot be */
  holdHead(): boolean {
    return (!this.isTunnelRequest || this.isWebSocket) && this.replay.keepHead();
  }

  /** Reads again what is held, at `arena.resendAt`, as if it had just come. @returns the head's length; 0 on failure */
  restore(): number {
    return this.replay.restore();
  }
}
