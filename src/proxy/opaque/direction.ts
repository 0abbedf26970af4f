/**
 * One direction of a tunnel: bytes of one connection become another's. Few bytes are copied through the receive area;
 * a plaintext direction that streams moves them inside the kernel, through a pipe, until it does no more.
 *
 * Back-pressure: the source is read only while nothing waits for the sink, be it in the sink's slot or in the pipe.
 */
import { type Arena, READ_SIZE } from "../worker/arena.ts";
import { AGAIN, FAILED, type Stream } from "../worker/stream.ts";
import { type Pipe, type PipePool, pipesOf } from "./pipe_pool.ts";

/** What became of a move. */
export const GOES_ON = 0, SOURCE_ENDED = 1, SOURCE_FAILED = 2, SINK_FAILED = 3;

/** Reads in one event before others get their turn. */
const READS_PER_EVENT = 4;
/** A TLS record holds so much; one that does is likely followed by another. */
const RECORD_SIZE = 16_384;
/** Reads in a row that filled the receive area: it streams. Moves in a row below this size: it does no more. */
const STREAMING_READS = 2, SMALL_MOVE = 16_384, SMALL_MOVES = 4;
/** What one splice asks for; a pipe holds less. */
const MOVE_SIZE = 1 << 20;
/** Records are small until so much has been sent, so that a first answer can be opened packet by packet. */
const FIRST_RECORD_SIZE = 4096, SMALL_RECORD_BYTES = 65_536, IDLE_MICROS = 1_000_000;

export class Direction {
  readonly #canSplice: boolean;
  readonly #pipes: PipePool;
  #pipe: Pipe | undefined;
  /** Bytes in the pipe. */
  #held = 0;
  #streak = 0;
  #sentSinceIdle = 0;
  #lastSent = 0;
  #isRecordSmall = false;
  #outcome = GOES_ON;

  constructor(readonly source: Stream, readonly sink: Stream, private readonly arena: Arena) {
    this.#canSplice = source.tls === undefined && sink.tls === undefined;
    this.#pipes = pipesOf(source.loop);
  }

  /** Moves what there is, within the event's share. */
  move(): number {
    return this.#pipe === undefined ? this.#copy() : this.#splice(this.#pipe);
  }

  #copy(): number {
    const { source, sink } = this, at = this.arena.receiveAt;
    for (let i = 0; i < READS_PER_EVENT; i++) {
      if (sink.isBlocked) {
        source.pause();
        return GOES_ON;
      }
      this.#outcome = GOES_ON;
      const count = source.tls === undefined ? this.#read(at, READ_SIZE) : this.#gather(at);
      if (count > 0) {
        if (sink.tls !== undefined) this.#sizeRecords(count);
        if (!sink.write(at, count)) return SINK_FAILED;
      }
      if (this.#outcome !== GOES_ON || count === 0) return this.#outcome;
      if (source.tls !== undefined) {
        if (count < RECORD_SIZE && !source.tls.hasPending()) return GOES_ON;
      } else if (count < READ_SIZE) { // the socket is empty
        this.#streak = 0;
        return GOES_ON;
      } else if (this.#canSplice && ++this.#streak >= STREAMING_READS) {
        this.#streak = 0;
        this.#pipe = this.#pipes.take();
        if (this.#pipe !== undefined) return this.#splice(this.#pipe);
      }
    }
    if (source.tls !== undefined) source.readAgain();
    return GOES_ON;
  }

  /** @returns bytes read; 0 when there are none now, or none any more (`#outcome`) */
  #read(at: number, length: number): number {
    const count = this.source.read(at, length);
    if (count > 0) return count;
    if (count === 0) this.#outcome = SOURCE_ENDED;
    else if (count === FAILED) this.#outcome = SOURCE_FAILED;
    return 0;
  }

  /** Reads records next to each other while there are full ones: one write for all. As `#read`. */
  #gather(at: number): number {
    let filled = 0;
    while (filled + RECORD_SIZE <= READ_SIZE) {
      const count = this.#read(at + filled, READ_SIZE - filled);
      filled += count;
      if (count < RECORD_SIZE && (count === 0 || !this.source.tls!.hasPending())) break;
    }
    return filled;
  }

  /** Small records while a connection begins to send, full ones once it streams. */
  #sizeRecords(count: number): void {
    const now = this.source.loop.now;
    if (now - this.#lastSent > IDLE_MICROS) this.#sentSinceIdle = 0;
    this.#lastSent = now;
    const isSmall = this.#sentSinceIdle < SMALL_RECORD_BYTES;
    this.#sentSinceIdle += count;
    // What fits a small record need not be kept from being a large one.
    if (isSmall === this.#isRecordSmall || (isSmall && count <= FIRST_RECORD_SIZE)) return;
    this.#isRecordSmall = isSmall;
    this.sink.tls!.limitRecords(isSmall ? FIRST_RECORD_SIZE : RECORD_SIZE);
  }

  #splice(pipe: Pipe): number {
    const { source } = this;
    for (let i = 0; i < READS_PER_EVENT; i++) {
      const count = source.readToPipe(pipe.writing, MOVE_SIZE);
      if (count === AGAIN) return GOES_ON;
      if (count === FAILED) return this.#leave(SOURCE_FAILED);
      if (count === 0) return this.#leave(SOURCE_ENDED);
      this.#held = count;
      if (!this.#empty(pipe)) return SINK_FAILED;
      if (this.#held > 0) {
        source.pause();
        return GOES_ON;
      }
      if (count >= SMALL_MOVE) this.#streak = 0;
      else if (++this.#streak >= SMALL_MOVES) return this.#leave(GOES_ON);
    }
    return GOES_ON;
  }

  /** Moves on what the pipe holds, as far as the sink takes it. @returns false when the sink failed */
  #empty(pipe: Pipe): boolean {
    const sent = this.sink.sendFromPipe(pipe.reading, this.#held);
    if (sent === FAILED) return false;
    this.#held -= sent;
    return true;
  }

  /** Nothing that was read waits for the sink. */
  get isDelivered(): boolean {
    return this.#held === 0 && !this.sink.isBlocked;
  }

  /** Goes back to copying. */
  #leave(outcome: number): number {
    this.release();
    return outcome;
  }

  /** The sink takes bytes again: moves on what waits, and reads on. @returns as `move` */
  drained(): number {
    if (this.#held > 0 && !this.#empty(this.#pipe!)) return SINK_FAILED;
    if (this.#held === 0 && !this.source.isReadEnded) this.source.resume();
    return GOES_ON;
  }

  /** Gives the pipe back. Called at the end, too. */
  release(): void {
    if (this.#pipe !== undefined) this.#pipes.give(this.#pipe, this.#held === 0);
    this.#pipe = undefined;
    this.#held = this.#streak = 0;
  }
}
