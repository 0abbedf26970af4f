/**
 * A request as it was received, kept until its response begins, so that it can be sent again. The form is HTTP/1's,
 * whichever version it came in, since that is one run of bytes that can be parsed again.
 */
import { Body, Head } from "../../wasm/http1.ts";
import { BlockKind } from "../../wasm/http2.ts";
import type { Arena } from "../worker/arena.ts";
import { HeldBytes } from "../worker/held.ts";
import { SLOT_SIZE } from "../worker/slots.ts";
import { MAX_HEADERS, MAX_REPLAY_BYTES } from "./limits.ts";

export class Replay {
  /** All that was received so far is held. */
  isWhole = false;
  readonly #held: HeldBytes;
  /** The body, where so much of it is kept that it may not fit beside its head; made when that first happens. */
  #body: HeldBytes | undefined;
  #limit = MAX_REPLAY_BYTES;
  #headLength = 0;

  constructor(private readonly arena: Arena) {
    this.#held = new HeldBytes(arena, true);
  }

  /** How many bytes of the body are kept, up to a slot's; for the request to come. */
  set limit(bytes: number) {
    this.#limit = bytes;
  }

  get #isApart(): boolean {
    return this.#limit !== MAX_REPLAY_BYTES;
  }

  /** Where the body stands after `restore`. */
  get bodyAt(): number {
    return this.#isApart ? this.#body?.at ?? 0 : this.arena.resendAt + this.#headLength;
  }

  get bodyLength(): number {
    return this.#isApart ? this.#body?.length ?? 0 : this.#held.length - this.#headLength;
  }

  /** Keeps the request whose head stands in the record (offsets from `at`), as far as it has come. */
  keep(at: number, headLength: number, bodyAt: number, bodyLength: number): void {
    this.isWhole = false;
    this.#body?.release();
    if (bodyLength > this.#limit || headLength > MAX_REPLAY_BYTES || this.#isTooLong) return;
    if (this.arena.memory.words[(this.arena.recordAt >> 2) + Head.Version] === 20) {
      this.isWhole = this.keepHead() && this.#contentHeld.append(bodyAt, bodyLength);
    } else {
      this.#held.release();
      this.isWhole = this.#held.append(at, headLength) && this.#contentHeld.append(bodyAt, bodyLength);
    }
  }

  /** Its length says that not all of the body can be kept. (Where a little is, what has come may do.) */
  get #isTooLong(): boolean {
    if (!this.#isApart) return false;
    const { memory: { words, doubles }, recordAt } = this.arena;
    return words[(recordAt >> 2) + Head.Body] === Body.Length &&
      doubles[(recordAt >> 3) + (Head.ContentLength >> 1)]! > this.#limit;
  }

  /** What holds the body. */
  get #contentHeld(): HeldBytes {
    return this.#isApart ? this.#body ??= new HeldBytes(this.arena, true) : this.#held;
  }

  /** Keeps an HTTP/2 head, as HTTP/1 writes it. @returns false when that cannot be */
  keepHead(): boolean {
    return this.#held.write(this.#write);
  }

  /** Made once: it is called for every HTTP/2 request. */
  readonly #write = (at: number, end: number): number => {
    const { wasm, recordAt, memory } = this.arena;
    const isOpenEnded = memory.words[(recordAt >> 2) + Head.Body] === Body.UntilClose;
    return wasm.writeHttp1Head(recordAt, 0, at, end, BlockKind.Request, isOpenEnded ? 1 : 0, 0, 0, 0, 0, 0);
  };

  /** Keeps more of the body; what is too much is not kept at all. */
  add(at: number, length: number): void {
    if (!this.isWhole) return;
    if (this.#contentHeld.length + length > this.#limit || !this.#contentHeld.append(at, length)) {
      this.release();
    }
  }

  /** Reads what is held again, at `arena.resendAt`, as if it had just come. @returns the head's length; 0 on failure */
  restore(): number {
    const { wasm, resendAt: at, recordAt } = this.arena, { length } = this.#held;
    wasm.copyBytes(at, this.#held.at, length);
    const head = wasm.parseRequestHead(at, at + length, recordAt, 0, SLOT_SIZE, SLOT_SIZE, MAX_HEADERS + 4);
    return this.#headLength = head < 0 ? 0 : head;
  }

  release(): void {
    this.isWhole = false;
    this.#limit = MAX_REPLAY_BYTES;
    this.#held.release();
    this.#body?.release();
  }
}
