/** Streams with bytes that wait for the connection's window, or for room in its output; first come, first served. */
import type { Http2Stream } from "./stream.ts";

export class SendQueue {
  readonly #waiting: Http2Stream[] = [];

  /** @param mayGoOn whether the connection can send anything now */
  constructor(private readonly mayGoOn: () => boolean) {}

  add(stream: Http2Stream): void {
    if (stream.isSendQueued) return;
    stream.isSendQueued = true;
    this.#waiting.push(stream);
  }

  /**
   * Lets each go on as far as it can, and no longer than the connection can: a window that grows by a byte must not
   * cost a look at every stream. Those that cannot finish queue again, behind the others.
   */
  resume(): void {
    for (let left = this.#waiting.length; left > 0 && this.mayGoOn(); left--) {
      const stream = this.#waiting.shift()!;
      stream.isSendQueued = false;
      if (stream.id !== 0 && stream.isSendBlocked) stream.resumeSending();
    }
  }
}
