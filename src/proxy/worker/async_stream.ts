/**
 * A stream for control code: promises and byte arrays instead of events and offsets. Bytes are copied out of linear
 * memory, which control code may do and the request path may not.
 */
import { AGAIN, FAILED, type Stream, type StreamFailure, type StreamOwner } from "./stream.ts";

const CHUNK = 16384;

/** The connection failed: what was seen. */
export class StreamError extends Error {
  override readonly name = "StreamError";
  constructor(readonly failure: StreamFailure) {
    super(failure.detail);
  }
}

export class AsyncStream implements StreamOwner {
  #failure: StreamFailure | undefined;
  #reading: ((bytes: Uint8Array | null) => void) | undefined;
  #failReading: ((error: StreamError) => void) | undefined;
  #wake: (() => void)[] = [];
  #isOpen: boolean;

  constructor(readonly stream: Stream) {
    this.#isOpen = stream.isOpen;
    stream.isControl = true;
    stream.owner = this;
  }

  onOpen(): void {
    this.#isOpen = true;
    this.#wakeAll();
  }

  onDrained(): void {
    this.#wakeAll();
  }

  #wakeAll(): void {
    this.stream.loop.wakeControl();
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }

  onReadable(stream: Stream): void {
    if (this.#reading === undefined) return stream.pause();
    const { arena } = stream, count = stream.read(arena.receiveAt, CHUNK);
    if (count === AGAIN) return;
    if (count === FAILED) return this.onFailed(stream, stream.failure!);
    const done = this.#reading;
    stream.loop.wakeControl();
    this.#reading = this.#failReading = undefined;
    done(count === 0 ? null : arena.memory.bytes.slice(arena.receiveAt, arena.receiveAt + count));
  }

  onFailed(_stream: Stream, failure: StreamFailure): void {
    this.#failure = failure;
    this.#failReading?.(new StreamError(failure));
    this.#reading = this.#failReading = undefined;
    this.#wakeAll();
  }

  /** Resolves when the connection stands. @throws StreamError */
  async opened(): Promise<void> {
    while (!this.#isOpen && this.#failure === undefined) {
      await new Promise<void>((done) => this.#wake.push(done));
    }
    if (this.#failure !== undefined) throw new StreamError(this.#failure);
  }

  /** The next bytes, or null at the end. One reader at a time. @throws StreamError */
  read(): Promise<Uint8Array | null> {
    if (this.#failure !== undefined) return Promise.reject(new StreamError(this.#failure));
    if (this.stream.isReadEnded || this.stream.isClosed) return Promise.resolve(null);
    return new Promise((done, failed) => {
      this.#reading = done;
      this.#failReading = failed;
      this.stream.resume();
      if (this.stream.tls?.hasPending()) this.stream.readAgain();
    });
  }

  /** Writes all of `bytes`, waiting while the peer is slow. @throws StreamError */
  async write(bytes: Uint8Array): Promise<void> {
    const { stream } = this, { arena } = stream;
    for (let at = 0; at < bytes.length; at += CHUNK) {
      while (stream.isBlocked && this.#failure === undefined && this.#isOpen && !stream.isClosed) {
        await new Promise<void>((done) => this.#wake.push(done));
      }
      if (this.#failure !== undefined) throw new StreamError(this.#failure);
      const part = bytes.subarray(at, at + CHUNK);
      arena.memory.bytes.set(part, arena.scratchAt);
      if (!stream.write(arena.scratchAt, part.length)) {
        this.onFailed(stream, stream.failure ?? { code: "io", detail: "the connection is closed", errno: 0 });
        throw new StreamError(this.#failure!);
      }
    }
  }

  close(): void {
    this.stream.close();
    this.#reading?.(null);
    this.#reading = this.#failReading = undefined;
    this.#wakeAll();
  }
}
