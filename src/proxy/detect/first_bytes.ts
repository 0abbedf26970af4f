/**
 * The same inside TLS, where nothing can be looked at without being taken: first bytes are read and kept in a slot
 * until they are enough to tell, then handed to whoever comes next.
 */
import { Detect, Protocol } from "../../wasm/detect.ts";
import { HeldBytes } from "../worker/held.ts";
import { READ_SIZE } from "../worker/arena.ts";
import { AGAIN, FAILED, type Stream, type StreamFailure, type StreamOwner } from "../worker/stream.ts";
import { disarm, type Timer, timerOf } from "../worker/timers.ts";

/** What `inspect` makes of the bytes so far: undefined asks for more. */
export type Inspect<T> = (at: number, length: number) => T | undefined;

/** Reads from `stream` until `inspect` has an answer; the bytes then lie in the receive area. */
export class FirstBytes<T> implements StreamOwner {
  readonly #held: HeldBytes;
  readonly #timer: Timer;

  constructor(
    stream: Stream,
    timeoutMs: number,
    private readonly inspect: Inspect<T>,
    /** `length` bytes at the receive area; `answer` is undefined when time or the stream ended before there was one. */
    private readonly onDone: (answer: T | undefined, length: number) => void,
    private readonly onGone: (failure: StreamFailure | undefined) => void,
    /** Bytes read already, in the receive area: too few to tell. */
    length = 0,
  ) {
    stream.owner = this;
    this.#held = new HeldBytes(stream.arena);
    this.#held.keep(stream.arena.receiveAt, length);
    this.#timer = timerOf(() => this.#finish(undefined, this.#held.restore(stream.arena.receiveAt)));
    stream.loop.lane(timeoutMs).arm(this.#timer, stream.loop.now);
    if (stream.tls?.hasPending()) stream.readAgain();
  }

  onOpen(): void {}
  onDrained(): void {}

  onReadable(stream: Stream): void {
    const at = stream.arena.receiveAt, held = this.#held.restore(at);
    const count = stream.read(at + held, READ_SIZE - held);
    if (count === FAILED) return this.onFailed(stream, stream.failure!);
    if (count === 0) {
      if (held > 0) return this.#finish(undefined, held);
      disarm(this.#timer);
      stream.close();
      return this.onGone(undefined);
    }
    const length = held + Math.max(0, count);
    const answer = count === AGAIN ? undefined : this.inspect(at, length);
    if (answer !== undefined || length >= READ_SIZE / 2) return this.#finish(answer, length);
    if (length > 0 && !this.#held.keep(at, length)) {
      stream.fail({ code: "memory", detail: "no buffer is left for detection", errno: 0 });
    } else if (count !== AGAIN && stream.tls?.hasPending()) stream.readAgain();
  }

  #finish(answer: T | undefined, length: number): void {
    disarm(this.#timer);
    this.#held.release();
    this.onDone(answer, length);
  }

  onFailed(_stream: Stream, failure: StreamFailure): void {
    disarm(this.#timer);
    this.#held.release();
    this.onGone(failure);
  }
}

/** Which protocol begins here; for `FirstBytes`. */
export function inspectProtocol(stream: Stream): Inspect<Protocol> {
  return (at, length) => {
    const { wasm, recordAt } = stream.arena;
    const protocol = wasm.detect(at, at + length, recordAt, 16384);
    return protocol === Protocol.NeedMore ? undefined : protocol;
  };
}

/** What to take the first bytes for when the time is over. */
export function guessProtocol(stream: Stream, length: number): Protocol {
  if (length === 0) return Protocol.Opaque;
  const { wasm, recordAt, receiveAt, memory } = stream.arena;
  const protocol = wasm.detect(receiveAt, receiveAt + length, recordAt, 16384);
  return protocol === Protocol.NeedMore ? memory.words[(recordAt >> 2) + Detect.Guess]! : protocol;
}
