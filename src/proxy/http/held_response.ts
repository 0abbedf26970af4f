/**
 * The head of an HTTP/2 response that is not forwarded yet: a gRPC call whose server sends its head before it knows how
 * the call ends may still be made again, if trailers follow without content.
 * Source: proxy.md §9 ("headers or first trailers if the body is empty").
 */
import { Method } from "../../wasm/http1.ts";
import { BlockKind } from "../../wasm/http2.ts";
import type { Arena } from "../worker/arena.ts";
import { HeldBytes } from "../worker/held.ts";
import { MAX_HEAD_BYTES, MAX_HEADERS } from "./limits.ts";

export class HeldResponse {
  readonly #head: HeldBytes;
  readonly #trailers: HeldBytes;

  constructor(private readonly arena: Arena) {
    this.#head = new HeldBytes(arena);
    this.#trailers = new HeldBytes(arena);
  }

  get isHeld(): boolean {
    return this.#head.length > 0;
  }

  #keep(held: HeldBytes, kind: BlockKind, at: number): boolean {
    const { wasm, recordAt } = this.arena;
    return held.write((slot, end) => wasm.writeHttp1Head(recordAt, at, slot, end, kind, 0, 0, 0, 0, 0, 0));
  }

  /** Keeps the head in the record (offsets from `at`). @returns false when that cannot be */
  keepHead(at: number): boolean {
    return this.#keep(this.#head, BlockKind.Response, at);
  }

  /** Keeps the trailers in the record while the head is read again. @returns false when that cannot be */
  keepTrailers(at: number): boolean {
    return this.#keep(this.#trailers, BlockKind.Trailers, at);
  }

  /** Reads the head into the record again, offsets from `arena.resendAt`. @returns its length; 0 on failure */
  restoreHead(): number {
    const { wasm, recordAt, resendAt: at } = this.arena, length = this.#head.restore(at);
    const head = wasm.parseResponseHead(
      at,
      at + length,
      recordAt,
      0,
      MAX_HEAD_BYTES,
      MAX_HEADERS,
      Method.Get,
    );
    return head < 0 ? 0 : head;
  }

  /** The same of the trailers. @returns false on failure */
  restoreTrailers(): boolean {
    const { wasm, recordAt, resendAt: at } = this.arena, length = this.#trailers.restore(at);
    return wasm.parseTrailers(at, at + length, recordAt, MAX_HEADERS) > 0;
  }

  release(): void {
    this.#head.release();
    this.#trailers.release();
  }
}
