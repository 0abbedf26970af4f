/**
 * The end of a connection whose client may still be sending: says the end, reads and forgets what comes for a short
 * while, then closes. Closing at once would make the kernel answer late bytes with RST, which can destroy a response,
 * or a GOAWAY, that the client has not read yet (RFC 9112 §9.6).
 */
import { READ_SIZE } from "../worker/arena.ts";
import { AGAIN, FAILED, type Stream, type StreamOwner } from "../worker/stream.ts";
import { disarm, timerOf } from "../worker/timers.ts";

const LINGER_MS = 2000;
/** A client that goes on sending as fast as it can must not keep the loop to itself. */
const READS_PER_EVENT = 4;

export class Lingering implements StreamOwner {
  readonly #timer = timerOf(() => this.#stream.close());
  readonly #stream: Stream;

  constructor(
    stream: Stream,
    /** Bytes that are read at most. */
    private left = Infinity,
  ) {
    this.#stream = stream;
    if (stream.isReadEnded && !stream.isBlocked) {
      stream.close();
      return;
    }
    stream.owner = this;
    stream.endWriting();
    stream.loop.lane(LINGER_MS).arm(this.#timer, stream.loop.now);
    stream.resume();
  }

  onOpen(): void {}

  onReadable(stream: Stream): void {
    for (let i = 0; i < READS_PER_EVENT; i++) {
      const count = stream.read(stream.arena.receiveAt, READ_SIZE);
      if (count === AGAIN) return;
      if (count === FAILED) return disarm(this.#timer);
      this.left -= count;
      if (count > 0 && this.left > 0) continue;
      if (count > 0 || !stream.isBlocked) this.#end();
      return;
    }
    if (stream.tls?.hasPending()) stream.readAgain(); // of what the socket still has the system tells
  }

  onDrained(stream: Stream): void {
    if (stream.isReadEnded) this.#end();
  }

  onFailed(): void {
    disarm(this.#timer);
  }

  #end(): void {
    disarm(this.#timer);
    this.#stream.close();
  }
}
