/**
 * Writes a message as HTTP/1 whose head or body did not come as HTTP/1: a head out of an HTTP/2 record, content that
 * has to be framed anew. What it makes stands at `arena.scratchAt`, to be written from there at once.
 * Source: RFC 9112 §6, §7; RFC 9113 §8.1.
 */
import { Body, Head } from "../../../wasm/http1.ts";
import { BlockKind } from "../../../wasm/http2.ts";
import type { Arena } from "../../worker/arena.ts";
import { SLOT_SIZE } from "../../worker/slots.ts";
import type { DropMask } from "../pipeline.ts";

/** Bytes of a chunk besides its data: size line, CRLF, last chunk. */
const CHUNK_OVERHEAD = 32;

export class MessageWriter {
  /** Content is sent in chunks; otherwise as it is. */
  isChunked = false;

  constructor(private readonly arena: Arena) {}

  /**
   * Writes the HTTP/2 head in the record, and the body's first bytes. A body without a length is sent in chunks.
   * @returns bytes at `scratchAt`; -1 when the head is too large
   */
  head(
    kind: BlockKind,
    drops: DropMask,
    extraAt: number,
    extraLength: number,
    bodyAt: number,
    bodyLength: number,
    isEnd: boolean,
  ): number {
    const { recordAt, scratchAt, memory } = this.arena;
    this.isChunked = memory.words[(recordAt >> 2) + Head.Body] === Body.UntilClose;
    const head = this.#head(0, kind, this.isChunked, drops, extraAt, extraLength);
    if (head < 0) return -1;
    return head + this.#content(scratchAt + head, bodyAt, bodyLength, isEnd);
  }

  /**
   * Writes the HTTP/1 request's head in the record (offsets from `at`) by what the record says of it, not by its lines.
   * @returns bytes at `scratchAt`; -1 when the head is too large
   */
  anew(at: number, isChunked: boolean, drops: DropMask, extraAt: number, extraLength: number): number {
    return this.#head(at, BlockKind.Request, isChunked, drops, extraAt, extraLength);
  }

  #head(
    at: number,
    kind: BlockKind,
    isChunked: boolean,
    drops: DropMask,
    extraAt: number,
    extraLength: number,
  ): number {
    const { wasm, recordAt, scratchAt } = this.arena;
    return wasm.writeHttp1Head(
      recordAt,
      at,
      scratchAt,
      scratchAt + SLOT_SIZE,
      kind,
      isChunked ? 1 : 0,
      drops[0],
      drops[1],
      drops[2],
      extraAt,
      extraLength,
    );
  }

  /** Frames more of the body. @returns bytes at `scratchAt` */
  body(at: number, length: number, isEnd: boolean): number {
    return this.#content(this.arena.scratchAt, at, length, isEnd);
  }

  #content(to: number, at: number, length: number, isEnd: boolean): number {
    let cursor = to;
    if (this.isChunked && length > 0) cursor += this.arena.writeAscii(cursor, `${length.toString(16)}\r\n`);
    this.arena.wasm.copyBytes(cursor, at, length);
    cursor += length;
    if (this.isChunked && length > 0) cursor += this.arena.writeAscii(cursor, "\r\n");
    if (this.isChunked && isEnd) cursor += this.arena.writeAscii(cursor, "0\r\n\r\n");
    return cursor - to;
  }

  /** Ends a chunked body with the trailers in the record. @returns bytes at `scratchAt` */
  trailers(at: number): number {
    const { wasm, recordAt, scratchAt } = this.arena;
    if (!this.isChunked) return 0; // there is no place for them
    const start = this.arena.writeAscii(scratchAt, "0\r\n");
    const written = wasm.writeHttp1Head(
      recordAt,
      at,
      scratchAt + start,
      scratchAt + 2 * SLOT_SIZE - CHUNK_OVERHEAD,
      BlockKind.Trailers,
      0,
      0,
      0,
      0,
      0,
      0,
    );
    return written < 0 ? start + this.arena.writeAscii(scratchAt + start, "\r\n") : start + written;
  }
}
