/**
 * A loop and a socket that exist in memory only: a connection of the data path is driven step by step, as the fuzzer
 * decides, without the system. `Loop` and `Stream` have private fields, so what stands in for them has to be cast.
 */
import { Arena } from "../../../src/proxy/worker/arena.ts";
import type { Flushable, Loop } from "../../../src/proxy/worker/loop.ts";
import {
  AGAIN,
  FAILED,
  type Stream,
  type StreamFailure,
  type StreamOwner,
} from "../../../src/proxy/worker/stream.ts";
import { TimerLane } from "../../../src/proxy/worker/timers.ts";

/** One arena for all cases: what a case does not give back shows in the next. */
export const arena = Arena.create();

export class StagedLoop {
  now = 1;
  turns = 0;
  readonly #lanes = new Map<number, TimerLane>();
  #deferred: (() => void)[] = [];
  #flushes: Flushable[] = [];
  #after: (() => void)[] = [];

  micros(): number {
    return this.now;
  }

  lane(durationMs: number): TimerLane {
    let lane = this.#lanes.get(durationMs);
    if (lane === undefined) this.#lanes.set(durationMs, lane = new TimerLane(durationMs));
    return lane;
  }

  after(_delayMs: number, callback: () => void): () => void {
    this.#after.push(callback);
    return () => {};
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  flushLater(flushable: Flushable): void {
    if (flushable.isFlushQueued) return;
    flushable.isFlushQueued = true;
    this.#flushes.push(flushable);
  }

  wakeControl(): void {}

  /** The end of a turn. */
  turn(): void {
    this.now += 100;
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const callback of deferred) callback();
    const flushes = this.#flushes;
    this.#flushes = [];
    for (const flushable of flushes) {
      flushable.isFlushQueued = false;
      flushable.flush();
    }
  }

  /** Fires what was to happen after a while. */
  elapse(): void {
    const due = this.#after;
    this.#after = [];
    for (const callback of due) callback();
  }

  asLoop(): Loop {
    return this as unknown as Loop;
  }
}

const IGNORED: StreamOwner = { onOpen() {}, onReadable() {}, onDrained() {}, onFailed() {} };

export class StagedStream {
  readonly arena = arena;
  readonly tls = undefined;
  readonly fd = -1;
  owner: StreamOwner = IGNORED;
  failure: StreamFailure | undefined;
  isReadEnded = false;
  isClosed = false;
  isPaused = false;
  /** Bytes that the peer's socket still takes; fewer than are sent make the connection wait. */
  room = Infinity;
  #incoming: Uint8Array[] = [];
  #isWriteEnded = false;

  constructor(readonly loop: Loop, private readonly onSent: (bytes: Uint8Array) => void) {}

  get isOpen(): boolean {
    return !this.isClosed;
  }

  get isBlocked(): boolean {
    return false;
  }

  /** Bytes arrive. */
  feed(bytes: Uint8Array): void {
    this.#incoming.push(bytes);
    this.poll();
  }

  /** What epoll would do: tells the owner while there is something to read. */
  poll(): void {
    while (this.#incoming.length > 0 && !this.isPaused && !this.isClosed) {
      this.owner.onReadable(this.asStream());
    }
  }

  /** The peer's socket takes more. */
  unblock(bytes: number): void {
    this.room += bytes;
    if (!this.isClosed) this.owner.onDrained(this.asStream());
    this.poll();
  }

  read(at: number, length: number): number {
    if (this.isClosed) return FAILED;
    const next = this.#incoming[0];
    if (next === undefined) return this.isReadEnded ? 0 : AGAIN;
    const count = Math.min(length, next.length);
    arena.memory.bytes.set(next.subarray(0, count), at);
    if (count === next.length) this.#incoming.shift();
    else this.#incoming[0] = next.subarray(count);
    return count;
  }

  send(at: number, length: number): number {
    if (this.isClosed) return FAILED;
    if (this.#isWriteEnded) throw new Error("bytes are sent after the end was said");
    const count = Math.min(length, this.room);
    this.room -= count;
    if (count > 0) this.onSent(arena.memory.bytes.slice(at, at + count));
    return count;
  }

  /** Nothing may be sent any more. */
  endWriting(): void {
    this.#isWriteEnded = true;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  readAgain(): void {
    this.loop.defer(() => this.poll());
  }

  close(): void {
    this.isClosed = true;
  }

  fail(failure: StreamFailure): void {
    if (this.isClosed) return;
    this.failure = failure;
    this.isClosed = true;
    this.owner.onFailed(this.asStream(), failure);
  }

  asStream(): Stream {
    return this as unknown as Stream;
  }
}
