/** A field block that comes in several frames, gathered until it is whole (RFC 9113 §4.3, §6.10; CVE-2024-27316). */
import type { Arena } from "../../worker/arena.ts";
import { HeldBytes } from "../../worker/held.ts";
import { MAX_BLOCK_BYTES, MAX_CONTINUATIONS } from "./limits.ts";

export class BlockAssembly {
  /** The stream it is for; 0 when none is under way. */
  stream = 0;
  isEnd = false;
  /** When it began, microseconds on the loop's clock. */
  beganAt = 0;
  #frames = 0;
  readonly #held: HeldBytes;

  constructor(arena: Arena) {
    this.#held = new HeldBytes(arena);
  }

  begin(stream: number, isEnd: boolean, now: number): void {
    this.stream = stream;
    this.isEnd = isEnd;
    this.beganAt = now;
    this.#frames = 0;
  }

  /** @returns false when it has become too long, or too many frames */
  add(at: number, length: number): boolean {
    this.#frames++;
    if (this.#frames > MAX_CONTINUATIONS || this.#held.length + length > MAX_BLOCK_BYTES) return false;
    return this.#held.append(at, length);
  }

  get at(): number {
    return this.#held.at;
  }

  get length(): number {
    return this.#held.length;
  }

  release(): void {
    this.stream = 0;
    this.#held.release();
  }
}
