/**
 * Stream objects of one connection that serve no request now, kept for the next ones. As many as were open at once are
 * needed again and again while load lasts; those that were not needed between two looks are let go of.
 * Source: Bonwick, "The slab allocator" (1994), working sets.
 */
import { MAX_CONCURRENT_STREAMS } from "./limits.ts";

export class SpareStreams<Stream> {
  readonly #spare: Stream[] = [];
  /** The fewest that were spare since `trim`: so many were not needed. */
  #least = 0;

  take(): Stream | undefined {
    const stream = this.#spare.pop();
    if (this.#spare.length < this.#least) this.#least = this.#spare.length;
    return stream;
  }

  give(stream: Stream): void {
    if (this.#spare.length < MAX_CONCURRENT_STREAMS) this.#spare.push(stream);
  }

  /** To be called once in a while. */
  trim(): void {
    this.#spare.length -= this.#least;
    this.#least = this.#spare.length;
  }

  clear(): void {
    this.#spare.length = this.#least = 0;
  }
}
