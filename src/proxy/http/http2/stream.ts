/**
 * One HTTP/2 stream: the half that receives, the half that sends, and the flow control of each. Whoever extends it
 * says what is done with what arrives.
 *
 * Back-pressure: received bytes that cannot be passed on are held, at most a window of them, and the peer is given
 * credit only for what was passed on; bytes to send beyond the peer's window are held, and the giver waits.
 * Source: RFC 9113 §5, §6.9.
 */
import { BlockKind, FrameFlag, FrameType } from "../../../wasm/http2.ts";
import type { Arena } from "../../worker/arena.ts";
import { HeldBytes } from "../../worker/held.ts";
import type { DropMask } from "../pipeline.ts";
import { MAX_FIELDS, STREAM_WINDOW } from "./limits.ts";
import type { Http2Connection } from "./connection.ts";

const NO_DROPS: DropMask = [0, 0, 0];

function lengthOf(held: HeldBytes | undefined): number {
  return held === undefined ? 0 : held.length;
}

export abstract class Http2Stream {
  id = 0;
  /** Bytes that the peer may still send. */
  receiveWindow = STREAM_WINDOW;
  /** Bytes that we may still send; negative after the peer made its window smaller. */
  sendWindow = 0;
  /** END_STREAM came, or was sent. */
  isReceiveEnded = false;
  isSendEnded = false;
  /** It is in its connection's list of those that wait to send. */
  isSendQueued = false;
  /** Content that its length says is still to come; -1 when none was said. */
  expected = -1;
  #uncredited = 0;
  // Made when they are first needed. Most streams hold nothing, and should not touch what they do not use.
  #received: HeldBytes | undefined;
  #receivedTrailers: HeldBytes | undefined;
  #isEndHeld = false;
  #unsent: HeldBytes | undefined;
  #unsentTrailers: HeldBytes | undefined;
  #isEndUnsent = false;

  constructor(protected readonly arena: Arena) {}

  abstract readonly connection: Http2Connection;
  /** The response has begun. */
  abstract readonly isAnswered: boolean;
  /** What arrives may be passed on now. */
  protected abstract readonly canDeliver: boolean;
  protected abstract deliver(at: number, length: number, isEnd: boolean): void;
  /** Trailers stand in the record, their offsets relative to `at`. */
  protected abstract deliverTrailers(at: number): void;
  /** What waited to be sent has been handed on: the giver may give more. */
  protected abstract onSendDrained(): void;
  /** Both halves are over, in an orderly way. */
  protected abstract onComplete(): void;
  /**
   * The stream is over before its time, and out of its connection's table: the peer reset it, or we did for what the
   * peer sent (`isOurs`), or the connection is gone (`Http2Connection.failure`).
   */
  abstract onReset(code: number, isOurs: boolean): void;

  /** A new stream begins in this object. */
  protected open(id: number, sendWindow: number): void {
    this.id = id;
    this.receiveWindow = STREAM_WINDOW;
    this.sendWindow = sendWindow;
    this.isReceiveEnded = this.isSendEnded = this.isSendQueued = false;
    this.expected = -1;
    this.#uncredited = 0;
    this.#isEndHeld = this.#isEndUnsent = false;
  }

  // ---- receiving

  /** Content arrived; the windows have been looked after. */
  receive(at: number, length: number, isEnd: boolean): void {
    if (isEnd) this.isReceiveEnded = true;
    if (lengthOf(this.#received) === 0 && this.canDeliver) {
      this.deliver(at, length, isEnd);
      this.credit(length);
      return this.completeIfDone();
    }
    const received = this.#received ??= new HeldBytes(this.arena);
    if (!received.append(at, length)) return this.connection.loadShed(this);
    this.#isEndHeld = isEnd;
  }

  /** Trailers arrived and stand in the record (offsets relative to 0): the end of what the peer sends. */
  receiveTrailers(): void {
    this.isReceiveEnded = true;
    if (lengthOf(this.#received) === 0 && this.canDeliver) {
      this.deliverTrailers(0);
      return this.completeIfDone();
    }
    const trailers = this.#receivedTrailers ??= new HeldBytes(this.arena);
    if (!this.#keepTrailers(trailers, 0)) return this.connection.loadShed(this);
    this.#isEndHeld = true;
  }

  #keepTrailers(held: HeldBytes, at: number): boolean {
    const { wasm, recordAt } = this.arena;
    return held.write((slot, end) =>
      wasm.writeHttp1Head(recordAt, at, slot, end, BlockKind.Trailers, 0, 0, 0, 0, 0, 0)
    );
  }

  /** Puts kept trailers back into the record. @returns where its offsets begin */
  #restoreTrailers(held: HeldBytes): number {
    const { wasm, recordAt, resendAt } = this.arena, length = held.restore(resendAt);
    wasm.parseTrailers(resendAt, resendAt + length, recordAt, MAX_FIELDS);
    return resendAt;
  }

  /** Bytes that arrived before they could be passed on: where they are, and how many. */
  protected get receivedAt(): number {
    return this.#received === undefined ? 0 : this.#received.at;
  }

  protected get receivedLength(): number {
    return lengthOf(this.#received);
  }

  /** All that will come has come, of which some is held. */
  protected get isEndHeld(): boolean {
    return this.#isEndHeld;
  }

  protected get hasHeldTrailers(): boolean {
    return lengthOf(this.#receivedTrailers) > 0;
  }

  /** Passes on what was held, now that it can be. */
  protected drainReceived(): void {
    const length = this.receivedLength;
    if (!this.canDeliver || (length === 0 && !this.#isEndHeld)) return;
    const isEnd = this.#isEndHeld, hasTrailers = this.hasHeldTrailers;
    if (length > 0 || !hasTrailers) this.deliver(this.receivedAt, length, isEnd && !hasTrailers);
    this.releaseReceived(length);
    if (this.id === 0) return;
    if (hasTrailers) this.deliverTrailers(this.#restoreTrailers(this.#receivedTrailers!));
    this.completeIfDone();
  }

  /** The first `length` held bytes have been passed on. */
  protected releaseReceived(length: number): void {
    this.#isEndHeld = false;
    this.#received?.release();
    if (this.id !== 0) this.credit(length);
  }

  /** Lets the peer send as much again. */
  credit(length: number): void {
    if (this.isReceiveEnded || this.id === 0) return;
    this.#uncredited += length;
    if (this.#uncredited < STREAM_WINDOW >> 1) return;
    this.receiveWindow += this.#uncredited;
    this.connection.writer.word(FrameType.WindowUpdate, this.id, this.#uncredited);
    this.#uncredited = 0;
  }

  // ---- sending

  /** Bytes wait for the peer's window: no more may be given. */
  get isSendBlocked(): boolean {
    return lengthOf(this.#unsent) > 0;
  }

  /** Sends content as far as the windows reach, and keeps the rest. */
  sendData(at: number, length: number, isEnd: boolean): void {
    if (this.id === 0 || this.isSendEnded) return;
    const sent = this.isSendBlocked ? 0 : this.#write(at, length, isEnd);
    if (sent < 0) return this.connection.loadShed(this);
    if (this.isSendEnded || (sent === length && !isEnd)) return;
    const unsent = this.#unsent ??= new HeldBytes(this.arena);
    if (!unsent.append(at + sent, length - sent)) return this.connection.loadShed(this);
    this.#isEndUnsent = isEnd;
    this.#queueToSend();
  }

  /** Sends the trailers in the record (offsets from `at`) after what still waits. */
  sendTrailersFrom(at: number): void {
    if (this.id === 0 || this.isSendEnded) return;
    if (!this.isSendBlocked) return this.#writeTrailers(at);
    const trailers = this.#unsentTrailers ??= new HeldBytes(this.arena);
    if (!this.#keepTrailers(trailers, at)) this.connection.loadShed(this);
  }

  #writeTrailers(at: number): void {
    this.isSendEnded = true;
    this.connection.writer.block(this.id, BlockKind.Trailers, at, true, NO_DROPS, 0, 0);
  }

  /** @returns bytes written; -1 when there is no room for any frame */
  #write(at: number, length: number, isEnd: boolean): number {
    const { connection } = this, { output } = connection;
    if (length === 0) {
      if (!isEnd) return 0;
      this.isSendEnded = true;
      return connection.writer.frame(FrameType.Data, FrameFlag.EndStream, this.id, at, 0) ? 0 : -1;
    }
    let sent = 0;
    while (sent < length && !output.isBlocked) {
      const allowed = Math.min(this.sendWindow, connection.sendWindow, connection.peer.maxFrameBytes);
      if (allowed <= 0) break;
      const size = Math.min(allowed, length - sent), isLast = isEnd && sent + size === length;
      const flags = isLast ? FrameFlag.EndStream : 0;
      if (!connection.writer.frame(FrameType.Data, flags, this.id, at + sent, size)) return -1;
      this.sendWindow -= size;
      connection.sendWindow -= size;
      sent += size;
      if (isLast) this.isSendEnded = true;
    }
    return sent;
  }

  /** Waits for the connection. What waits for its own window is woken by that alone. */
  #queueToSend(): void {
    if (this.sendWindow > 0) this.connection.queueToSend(this);
  }

  /** The windows have grown, or the output has room: goes on with what waits. */
  resumeSending(): void {
    const unsent = this.#unsent, trailers = this.#unsentTrailers;
    if (unsent === undefined) return; // nothing waits
    const { length } = unsent, sent = this.#write(unsent.at, length, this.#isEndUnsent);
    if (sent < 0) return this.connection.loadShed(this);
    unsent.drop(sent);
    if (sent < length) return this.#queueToSend();
    if (trailers !== undefined && trailers.length > 0) this.#writeTrailers(this.#restoreTrailers(trailers));
    if (!this.isSendEnded) this.onSendDrained();
    this.completeIfDone();
  }

  // ---- the end

  /** Nobody waits for it any more: what is held is dropped. It goes on as far as the peer does, or until it is reset. */
  protected abandon(): void {
    this.#unsent?.release();
    this.#unsentTrailers?.release();
    this.drainReceived();
  }

  protected completeIfDone(): void {
    if (this.id !== 0 && this.isReceiveEnded && this.isSendEnded && !this.#isEndHeld) this.onComplete();
  }

  /** Gives back what it holds; the object may be used for another stream. */
  protected close(): void {
    this.id = 0;
    this.#received?.release();
    this.#receivedTrailers?.release();
    this.#unsent?.release();
    this.#unsentTrailers?.release();
    this.#isEndHeld = this.#isEndUnsent = false;
  }
}
