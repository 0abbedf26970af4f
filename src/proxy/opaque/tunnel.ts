/**
 * Two connections joined: bytes read from one are written to the other, both ways, until both have ended.
 * For opaque TCP, for what follows a 101 or a CONNECT, and for HTTP/2 that is carried as it comes.
 *
 * Back-pressure: a side is read only while the other has nothing waiting to be written. Half-close: an end that
 * arrives on one side is passed on, and the other direction goes on. Loss: a reset of one side resets the other.
 */
import type { Arena } from "../worker/arena.ts";
import { READ_SIZE } from "../worker/arena.ts";
import { AGAIN, FAILED, type Stream, type StreamFailure, type StreamOwner } from "../worker/stream.ts";

/** How a tunnel ended: `undefined` when both sides said their end. */
export type TunnelEnd = (failure: StreamFailure | undefined) => void;

/** Reads of one side in one event before others get their turn. */
const READS_PER_EVENT = 4;

export class Tunnel implements StreamOwner {
  #isEnded = false;

  constructor(
    private readonly arena: Arena,
    readonly near: Stream,
    readonly far: Stream,
    private readonly onEnd: TunnelEnd,
  ) {
    near.owner = this;
    far.owner = this;
  }

  /** Reads what may already wait on either side (bytes inside OpenSSL raise no event). */
  start(): void {
    this.near.resume();
    this.far.resume();
    if (this.near.isOpen && this.near.tls?.hasPending()) this.near.readAgain();
    if (this.far.isOpen && this.far.tls?.hasPending()) this.far.readAgain();
    if (!this.far.isOpen) this.near.pause();
    if (!this.near.isOpen) this.far.pause();
  }

  #other(stream: Stream): Stream {
    return stream === this.near ? this.far : this.near;
  }

  onOpen(stream: Stream): void {
    this.#other(stream).resume();
  }

  onReadable(stream: Stream): void {
    const sink = this.#other(stream), at = this.arena.receiveAt;
    for (let i = 0; i < READS_PER_EVENT; i++) {
      if (sink.isBlocked) return stream.pause();
      const count = stream.read(at, READ_SIZE);
      if (count === AGAIN) return;
      if (count === FAILED) return this.#end(stream.failure);
      if (count === 0) {
        sink.endWriting();
        if (sink.isReadEnded && !sink.isBlocked) this.#end(undefined);
        return;
      }
      if (!sink.write(at, count)) return this.#end(sink.failure);
      // A plain socket that gave less than was asked for is empty; OpenSSL gives a record at a time.
      if (stream.tls === undefined ? count < READ_SIZE : !stream.tls.hasPending()) return;
    }
    if (stream.tls !== undefined) stream.readAgain();
  }

  onDrained(stream: Stream): void {
    const source = this.#other(stream);
    if (source.isReadEnded) {
      if (stream.isReadEnded) this.#end(undefined);
      return;
    }
    source.resume();
  }

  onFailed(_stream: Stream, failure: StreamFailure): void {
    this.#end(failure);
  }

  #end(failure: StreamFailure | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const stream of [this.near, this.far]) {
      if (failure === undefined) stream.close();
      else stream.abort();
    }
    this.onEnd(failure);
  }

  /** Closes both sides (shutdown, or a policy that no longer allows the connection). */
  close(): void {
    this.#end({ code: "io", detail: "closed by the proxy", errno: 0 });
  }
}
