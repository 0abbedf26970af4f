/** Streams with bytes that wait for the connection's window, or for room in its output; first come, first served. */
import type { Http2Stream } from "./stream.ts";

export class SendQueue {
  #waiting: Http2Stream[] = [];

  add(stream: Http2Stream): void {
    if (stream.isSendQueued) return;
    stream.isSendQueued = true;
    this.#waiting.push(stream);
  }

  /** Lets each go on as far as it can; those that cannot finish queue again, behind the others. */
  resume(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const stream of waiting) {
      stream.isSendQueued = false;
      if (stream.id !== 0 && stream.isSendBlocked) stream.resumeSending();
    }
  }
}
