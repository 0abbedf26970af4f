/** One end of the pair of sockets between the main loop and a worker: messages in order, both ways. */
import { sendAll } from "../../linux/socketpair.ts";
import { AsyncStream, StreamError } from "../worker/async_stream.ts";
import type { Arena } from "../worker/arena.ts";
import type { Loop } from "../worker/loop.ts";
import { NOBODY, Stream } from "../worker/stream.ts";
import { encodeMessage, MessageCutter } from "./wire.ts";

/** How long a loop that is over waits for the other to take its last words. */
const LAST_WORDS_MS = 1000;

export class Link<Incoming, Outgoing> {
  readonly #stream: AsyncStream;
  #queue: Outgoing[] = [];
  #isSending = false;
  #isClosed = false;
  /** A part of a message may have gone, and the rest not. */
  #isWithinMessage = false;

  /** @param onClosed the other end is gone, or sent what is no message */
  constructor(
    private readonly loop: Loop,
    arena: Arena,
    private readonly fd: number,
    private readonly onMessage: (message: Incoming) => void,
    private readonly onClosed: (reason: string) => void,
  ) {
    this.#stream = new AsyncStream(new Stream(loop, arena, fd, NOBODY, "open"));
    this.#receive().catch((error) => this.#end(error instanceof Error ? error.message : String(error)));
  }

  /** Sends a message after those before it; encoded when its turn comes. After `close` nothing is sent. */
  send(message: Outgoing): void {
    if (this.#isClosed) return;
    this.#queue.push(message);
    if (this.#isSending) return;
    this.#isSending = true;
    this.#send().catch((error) => this.#end(error instanceof StreamError ? error.message : `send: ${error}`));
  }

  async #send(): Promise<void> {
    for (;;) {
      const batch = this.#queue;
      this.#queue = [];
      for (const message of batch) {
        const bytes = encodeMessage(message);
        this.#isWithinMessage = true;
        await this.#stream.write(bytes);
        this.#isWithinMessage = false;
        if (this.#isClosed) return;
      }
      if (this.#queue.length === 0) break;
      await this.loop.sleep(0); // many at once: the data path has its turn between
    }
    this.#isSending = false;
  }

  async #receive(): Promise<void> {
    const cutter = new MessageCutter();
    for (;;) {
      const bytes = await this.#stream.read();
      if (bytes === null) return this.#end("the other end is closed");
      let isFirst = true;
      for (const message of cutter.push(bytes)) {
        if (!isFirst) await this.loop.sleep(0);
        isFirst = false;
        if (this.#isClosed) return;
        this.onMessage(message as Incoming);
      }
    }
  }

  /**
   * Sends what waits and `last`, without the loop: it will not turn again.
   * @returns false when a message was under way, or the other end takes nothing
   */
  sendLast(last: readonly Outgoing[]): boolean {
    if (this.#isClosed || this.#isWithinMessage) return false;
    const messages = [...this.#queue, ...last];
    this.#queue = [];
    return messages.every((message) => sendAll(this.fd, encodeMessage(message), LAST_WORDS_MS));
  }

  #end(reason: string): void {
    if (this.#isClosed) return;
    this.close();
    this.onClosed(reason);
  }

  close(): void {
    this.#isClosed = true;
    this.#queue = [];
    this.#stream.close();
  }
}
