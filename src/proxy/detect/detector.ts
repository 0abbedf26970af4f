/**
 * Finds out what a new connection speaks by looking at its first bytes without taking them: TLS must find them still
 * in the socket, and so may whoever comes next. What has begun like HTTP stays HTTP: a malformed head is answered 400,
 * never passed on as opaque bytes. A client that says nothing in time is taken for one that waits to be spoken to.
 * Source: proxy.md §2; design §3.
 */
import { EAGAIN, EINTR, errnoName } from "../../linux/errno.ts";
import { peek, setReceiveLowWater } from "../../linux/socket.ts";
import { Detect, Protocol } from "../../wasm/detect.ts";
import type { Stream, StreamFailure, StreamOwner } from "../worker/stream.ts";
import { disarm, type Timer, timerOf } from "../worker/timers.ts";

/** A ClientHello with a post-quantum key share passes 1 KiB; nothing sensible passes this. */
const MAX_DETECT_BYTES = 16384;

export interface Detected {
  readonly protocol: Protocol;
  /** The name a ClientHello asks for; empty when it is none or asks for none. */
  readonly serverName: string;
  /** The time for detection ran out. */
  readonly isTimedOut: boolean;
}

export class Detector implements StreamOwner {
  readonly #timer: Timer;
  #isLowWaterRaised = false;

  constructor(
    private readonly stream: Stream,
    timeoutMs: number,
    private readonly onDetected: (detected: Detected) => void,
    private readonly onGone: (failure: StreamFailure | undefined) => void,
  ) {
    stream.owner = this;
    this.#timer = timerOf(() => this.#timedOut());
    stream.loop.lane(timeoutMs).arm(this.#timer, stream.loop.now);
    // Most clients' first bytes are there by the time the connection is accepted.
    this.onReadable(stream);
  }

  onOpen(): void {}
  onDrained(): void {}

  onReadable(stream: Stream): void {
    const { arena } = stream, { receiveAt, recordAt, wasm } = arena;
    const count = peek(stream.fd, arena.receivePointer(receiveAt, MAX_DETECT_BYTES), MAX_DETECT_BYTES);
    if (count < 0) {
      if (count === -EAGAIN || count === -EINTR) return;
      return stream.fail({ code: "reset", detail: `read: ${errnoName(-count)}`, errno: -count });
    }
    if (count === 0) return this.#end(undefined);
    const protocol = wasm.detect(receiveAt, receiveAt + count, recordAt, MAX_DETECT_BYTES);
    if (protocol !== Protocol.NeedMore) return this.#found(protocol, false);
    // Readable again with nothing new: the client has said its end, or the kernel takes no such low water.
    if (this.#isLowWaterRaised && count <= this.#seen) return this.#found(this.#guess(), false);
    this.#seen = count;
    this.#isLowWaterRaised = true;
    setReceiveLowWater(stream.fd, count + 1);
  }

  #seen = 0;

  #guess(): Protocol {
    const { arena } = this.stream;
    return arena.memory.words[(arena.recordAt >> 2) + Detect.Guess]!;
  }

  #timedOut(): void {
    const { arena, fd } = this.stream;
    const count = peek(fd, arena.receivePointer(arena.receiveAt, MAX_DETECT_BYTES), MAX_DETECT_BYTES);
    if (count <= 0) return this.#found(Protocol.Opaque, true);
    arena.wasm.detect(arena.receiveAt, arena.receiveAt + count, arena.recordAt, MAX_DETECT_BYTES);
    this.#found(this.#guess(), true);
  }

  #found(protocol: Protocol, isTimedOut: boolean): void {
    disarm(this.#timer);
    if (this.#isLowWaterRaised) setReceiveLowWater(this.stream.fd, 1);
    const { arena } = this.stream, words = arena.memory.words, record = arena.recordAt >> 2;
    const length = protocol === Protocol.Tls ? words[record + Detect.ServerNameLength]! : 0;
    const serverName = arena.readAscii(arena.recordAt + Detect.ServerName * 4, length);
    this.onDetected({ protocol, serverName, isTimedOut });
  }

  #end(failure: StreamFailure | undefined): void {
    disarm(this.#timer);
    this.stream.close();
    this.onGone(failure);
  }

  onFailed(_stream: Stream, failure: StreamFailure): void {
    disarm(this.#timer);
    this.onGone(failure);
  }
}
