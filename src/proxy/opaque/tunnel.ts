/**
 * Two connections joined: bytes read from one are written to the other, both ways, until both have ended.
 * For opaque TCP, for what follows a 101 or a CONNECT, and for HTTP/2 that is carried as it comes.
 *
 * Back-pressure: a side is read only while the other has nothing waiting to be written. Half-close: an end that
 * arrives on one side is passed on, and the other direction goes on. Loss: a reset of one side resets the other.
 */
import type { Arena } from "../worker/arena.ts";
import { CLOSED_BY_PROXY, type Stream, type StreamFailure, type StreamOwner } from "../worker/stream.ts";
import { Direction, GOES_ON, SOURCE_ENDED, SOURCE_FAILED } from "./direction.ts";

/** How a tunnel ended: `undefined` when both sides said their end. */
export type TunnelEnd = (failure: StreamFailure | undefined) => void;

export class Tunnel implements StreamOwner {
  #isEnded = false;
  readonly #there: Direction;
  readonly #back: Direction;

  constructor(
    arena: Arena,
    readonly near: Stream,
    readonly far: Stream,
    private readonly onEnd: TunnelEnd,
  ) {
    near.owner = this;
    far.owner = this;
    this.#there = new Direction(near, far, arena);
    this.#back = new Direction(far, near, arena);
  }

  /** Reads what may already wait on either side (bytes inside OpenSSL raise no event). */
  start(): void {
    this.near.resume();
    this.far.resume();
    if (this.near.isOpen && this.near.tls?.hasPending()) this.near.readAgain();
    if (this.far.isOpen && this.far.tls?.hasPending()) this.far.readAgain();
    if (!this.far.isOpen) this.near.pause();
    if (!this.near.isOpen) this.far.pause();
    this.#passEnds();
  }

  /** An end that was heard before the two were joined raises no event any more. */
  #passEnds(): void {
    const { near, far } = this;
    if (!near.isOpen || !far.isOpen) return;
    if (near.isReadEnded) far.endWriting();
    if (far.isReadEnded) near.endWriting();
    this.#endIfDone();
  }

  #other(stream: Stream): Stream {
    return stream === this.near ? this.far : this.near;
  }

  onOpen(stream: Stream): void {
    this.#other(stream).resume();
    this.#passEnds();
  }

  onReadable(stream: Stream): void {
    const direction = stream === this.near ? this.#there : this.#back;
    this.#judge(direction, direction.move());
  }

  #judge({ source, sink }: Direction, outcome: number): void {
    if (outcome === GOES_ON) return;
    if (outcome !== SOURCE_ENDED) return this.#end((outcome === SOURCE_FAILED ? source : sink).failure);
    sink.endWriting();
    this.#endIfDone();
  }

  onDrained(stream: Stream): void {
    const direction = stream === this.far ? this.#there : this.#back;
    this.#judge(direction, direction.drained());
    this.#endIfDone();
  }

  /** Ends once both sides have said their end and taken everything. */
  #endIfDone(): void {
    const isSilent = this.near.isReadEnded && this.far.isReadEnded;
    if (isSilent && this.#there.isDelivered && this.#back.isDelivered) this.#end(undefined);
  }

  onFailed(_stream: Stream, failure: StreamFailure): void {
    this.#end(failure);
  }

  #end(failure: StreamFailure | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#there.release();
    this.#back.release();
    for (const stream of [this.near, this.far]) {
      if (failure === undefined) stream.close();
      else stream.abort();
    }
    this.onEnd(failure);
  }

  /** Closes both sides (shutdown, or a policy that no longer allows the connection). */
  close(): void {
    this.#end(CLOSED_BY_PROXY);
  }
}
