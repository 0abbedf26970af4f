/**
 * Where a message body ends within the bytes that arrive. Bodies are forwarded as they come: only the framing is
 * followed (and, for chunked ones, checked byte by byte: nothing ambiguous is forwarded).
 * Source: RFC 9112 §6, §7.
 */
import { Body, Chunked, Head, Outcome } from "../../../wasm/http1.ts";
import type { Arena } from "../../worker/arena.ts";
import { HeldBytes } from "../../worker/held.ts";
import { MAX_HEADERS } from "../limits.ts";

/** Chunk extensions and trailers that a body may carry. */
const MAX_EXTENSION_BYTES = 16384, MAX_TRAILER_BYTES = 16384;

/** The body's framing is broken. */
export const BROKEN = -1;
/** There is no room left to follow another chunked body. */
export const NO_ROOM = -3;

export class BodyReader {
  /** After `decode`: bytes of content, which stand where the decoded span began. */
  contentLength = 0;
  #trailers: HeldBytes | undefined;
  #kind: number = Body.None;
  #remaining = 0;
  #cell = 0;
  isDone = true;

  constructor(private readonly arena: Arena) {}

  /** Begins the body of the message whose head stands in the record. @returns false when there is no room for it */
  begin(): boolean {
    const { memory, recordAt, wasm } = this.arena;
    this.#kind = memory.words[(recordAt >> 2) + Head.Body]!;
    this.isDone = this.#kind === Body.None;
    if (this.#kind === Body.Length) {
      this.#remaining = memory.doubles[(recordAt >> 3) + (Head.ContentLength >> 1)]!;
    } else if (this.#kind === Body.Chunked) {
      if (this.#cell === 0) this.#cell = this.arena.takeCell();
      if (this.#cell === 0) return false;
      wasm.chunkedStart(this.#cell, MAX_EXTENSION_BYTES, MAX_TRAILER_BYTES);
    }
    return true;
  }

  /** The body goes on until its connection ends. */
  get isUntilClose(): boolean {
    return this.#kind === Body.UntilClose && !this.isDone;
  }

  /** How many of the bytes from `at` to `end` belong to the body; sets `isDone`. @returns BROKEN when it is malformed */
  take(at: number, end: number): number {
    if (this.isDone) return 0;
    const available = end - at;
    if (this.#kind === Body.Length) {
      const count = this.#remaining < available ? this.#remaining : available;
      this.#remaining -= count;
      this.isDone = this.#remaining === 0;
      return count;
    }
    if (this.#kind === Body.UntilClose) return available;
    const count = this.arena.wasm.chunkedForward(this.#cell, at, end);
    if (count === Outcome.Bad) return BROKEN;
    this.isDone = this.arena.memory.words[(this.#cell >> 2) + Chunked.Done] === 1;
    return count;
  }

  /**
   * The same for a receiver that does its own framing: content alone is left, moved together from `at` on
   * (`contentLength` bytes). Trailers are kept aside.
   */
  decode(at: number, end: number): number {
    if (this.#kind !== Body.Chunked || this.isDone) return this.contentLength = this.take(at, end);
    const { wasm, memory } = this.arena, state = this.#cell >> 2;
    const count = wasm.chunkedDecode(this.#cell, at, end, at);
    if (count === Outcome.Bad) return BROKEN;
    this.contentLength = memory.words[state + Chunked.DataLength]!;
    const trailerOffset = memory.words[state + Chunked.TrailerOffset]!;
    if (trailerOffset >= 0) {
      this.#trailers ??= new HeldBytes(this.arena);
      if (!this.#trailers.append(at + trailerOffset, count - trailerOffset)) return BROKEN;
    }
    this.isDone = memory.words[state + Chunked.Done] === 1;
    if (this.isDone && this.#trailers?.length === 2) this.#trailers.release(); // the empty line alone
    return count;
  }

  /** `take` where framing passes as it is (`isRaw`), else `decode`: `contentLength` bytes are to be handed on. */
  read(at: number, end: number, isRaw: boolean): number {
    return isRaw ? this.contentLength = this.take(at, end) : this.decode(at, end);
  }

  /** Trailers came: `readTrailers` puts them into the record. */
  get hasTrailers(): boolean {
    return this.isDone && this.#trailers !== undefined && this.#trailers.length > 0;
  }

  /** Parses the trailers into the record. @returns where its offsets begin; 0 when they are malformed */
  readTrailers(): number {
    const { wasm, recordAt, resendAt } = this.arena, length = this.#trailers!.restore(resendAt);
    return wasm.parseTrailers(resendAt, resendAt + length, recordAt, MAX_HEADERS) > 0 ? resendAt : 0;
  }

  /** Why `take` answered BROKEN: a `Reason`. */
  get reason(): number {
    return this.#cell === 0 ? 0 : this.arena.memory.words[(this.#cell >> 2) + Chunked.Reason]!;
  }

  /** The sender ended. @returns false when the body was not complete */
  end(): boolean {
    if (this.#kind === Body.UntilClose) this.isDone = true;
    return this.isDone;
  }

  /** Gives back the cell of a chunked body that is done: connections that idle must not use them up. */
  letGo(): void {
    if (this.#cell === 0) return;
    this.arena.giveCell(this.#cell);
    this.#cell = 0;
  }

  /** Gives back what it holds. */
  release(): void {
    this.letGo();
    this.#trailers?.release();
    this.isDone = true;
  }
}
