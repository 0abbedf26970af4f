/**
 * What an HTTP/2 connection has to say, gathered frame beside frame through a turn of the loop and written at once at
 * its end: many streams share a TLS record and a system call.
 */
import type { Arena } from "../../worker/arena.ts";
import type { Flushable } from "../../worker/loop.ts";
import { SLOT_SIZE } from "../../worker/slots.ts";
import { FAILED, type Stream } from "../../worker/stream.ts";
import { OUTPUT_HIGH_WATER } from "./limits.ts";

/** Slots one connection may fill: heads of many streams may come while the peer does not read. */
const MAX_SLOTS = 16;

export class FrameOutput implements Flushable {
  isFlushQueued = false;
  readonly #arena: Arena;
  /** Slots in use, oldest first, and where each one's bytes end. */
  readonly #slots: number[] = [];
  readonly #ends: number[] = [];
  /** First byte not yet written, in the oldest slot. */
  #start = 0;
  #pending = 0;

  constructor(
    private readonly stream: Stream,
    /** The connection failed while it was written to. */
    private readonly onFailed: () => void,
    /** Streams that held back may go on. */
    private readonly onRoom: () => void,
  ) {
    this.#arena = stream.arena;
  }

  /** Bytes that wait. */
  get pending(): number {
    return this.#pending;
  }

  get isBlocked(): boolean {
    return this.#pending >= OUTPUT_HIGH_WATER;
  }

  /** Where the next bytes go: at least `length` of them. 0 when there is no room: the connection must end. */
  reserve(length: number): number {
    const last = this.#slots.length - 1;
    if (last >= 0 && this.#ends[last]! + length <= this.#slots[last]! + SLOT_SIZE) return this.#ends[last]!;
    return this.reserveSlot();
  }

  /** The same with a whole slot of room. */
  reserveSlot(): number {
    if (this.#slots.length === MAX_SLOTS) return 0;
    const slot = this.#arena.slots.take();
    if (slot === 0) return 0;
    if (this.#slots.length === 0) this.#start = slot;
    this.#slots.push(slot);
    this.#ends.push(slot);
    return slot;
  }

  /** One past the last byte that `reserve` has room for. */
  get limit(): number {
    return this.#slots[this.#slots.length - 1]! + SLOT_SIZE;
  }

  /** `length` bytes were written where `reserve` said. */
  commit(length: number): void {
    this.#ends[this.#ends.length - 1]! += length;
    this.#pending += length;
    if (!this.isFlushQueued) this.stream.loop.flushLater(this);
  }

  flush(): void {
    const wasBlocked = this.isBlocked;
    while (this.#slots.length > 0) {
      const end = this.#ends[0]!, length = end - this.#start;
      if (length > 0) {
        const sent = this.stream.send(this.#start, length);
        if (sent === FAILED) return this.onFailed();
        this.#start += sent;
        this.#pending -= sent;
        if (sent < length) break;
      }
      const isLast = this.#slots.length === 1; // nearly always: `pop` costs nothing, `shift` a call
      this.#arena.slots.give(isLast ? this.#slots.pop()! : this.#slots.shift()!);
      if (isLast) this.#ends.pop();
      else this.#ends.shift();
      this.#start = isLast ? 0 : this.#slots[0]!;
    }
    if (wasBlocked && !this.isBlocked) this.onRoom();
  }

  release(): void {
    for (const slot of this.#slots) this.#arena.slots.give(slot);
    this.#slots.length = this.#ends.length = 0;
    this.#pending = 0;
  }
}
