/**
 * Writes responses to an HTTP/1 client: an HTTP/1 head is rewritten where it stands and goes out with the body's first
 * bytes in one write; an HTTP/2 one is written anew and its body framed.
 * Source: RFC 9112 §6.3, §7, §9.6; RFC 9110 §7.6.
 */
import { Body, Head, HeaderName, HeadFlag, Method } from "../../../wasm/http1.ts";
import { BlockKind } from "../../../wasm/http2.ts";
import type { Stream } from "../../worker/stream.ts";
import type { DropMask } from "../pipeline.ts";
import { hasHeader } from "../record.ts";
import { MessageWriter } from "./message_writer.ts";
import { rewriteInPlace, upgradeLines } from "./rewrite.ts";

/** What of the request and its connection decides how a response is framed. */
export class ResponseMode {
  isHttp10 = false;
  isClosing = false;
  method = 0;
  /** Header lines to add: where they stand, and their length. */
  extraAt = 0;
  extraLength = 0;
}

export class ResponseWriter {
  readonly #writer: MessageWriter;
  /** The body has no other end than the connection's. */
  isUntilClose = false;
  #hasBody = true;

  constructor(private readonly stream: Stream) {
    this.#writer = new MessageWriter(stream.arena);
  }

  /** The next response begins. */
  begin(): void {
    this.isUntilClose = false;
    this.#hasBody = true;
    this.#writer.isChunked = false;
  }

  /** @returns false when the connection failed */
  head(
    drops: DropMask,
    at: number,
    headLength: number,
    bodyAt: number,
    bodyLength: number,
    isEnd: boolean,
    mode: ResponseMode,
  ): boolean {
    const { arena } = this.stream, { bytes, words } = arena.memory, record = arena.recordAt >> 2;
    const version = words[record + Head.Version]!, flags = words[record + Head.Flags]!;
    let extra = "";
    // An HTTP/1.0 client knows no chunks: the content comes without them, and ends with the connection.
    const isOld = mode.isHttp10 && hasHeader(arena, HeaderName.TransferEncoding);
    if (version !== 20 && isOld) this.isUntilClose = words[record + Head.Body] === Body.Chunked;
    if (mode.isClosing || this.isUntilClose) extra = "connection: close\r\n";
    else if (mode.isHttp10) extra = "connection: keep-alive\r\n";
    if (version === 20) return this.#anew(drops, extra, bodyAt, bodyLength, isEnd, mode);
    if (version === 10 && !mode.isHttp10) bytes[at + 7] = 0x31;
    if (words[record + Head.Status] === 101 && (flags & HeadFlag.Upgrade) !== 0) {
      extra = upgradeLines(arena, at);
    }
    if (mode.extraLength > 0) extra += arena.readAscii(mode.extraAt, mode.extraLength);
    const extraLength = extra === "" ? 0 : arena.writeAscii(arena.textAt, extra);
    const alsoDrop = isOld ? 1 << HeaderName.TransferEncoding : 0;
    const written = rewriteInPlace(arena, at, 0, drops, alsoDrop, arena.textAt, extraLength);
    return this.stream.write(at + headLength - written, written + bodyLength);
  }

  #anew(
    drops: DropMask,
    extra: string,
    bodyAt: number,
    bodyLength: number,
    isEnd: boolean,
    mode: ResponseMode,
  ): boolean {
    const { arena } = this.stream, { words } = arena.memory, record = arena.recordAt >> 2;
    const status = words[record + Head.Status]!;
    const isBodiless = mode.method === Method.Head || status === 204 || status === 304;
    this.#hasBody = !isBodiless;
    if (isBodiless || hasHeader(arena, HeaderName.ContentLength)) {
      if (words[record + Head.Body] === Body.UntilClose) words[record + Head.Body] = Body.None;
    } else if (isEnd) { // all of it is here: its length can be said
      words[record + Head.Body] = Body.None;
      extra += `content-length: ${bodyLength}\r\n`;
    } else if (mode.isHttp10) {
      words[record + Head.Body] = Body.None;
      this.isUntilClose = true;
      extra = "connection: close\r\n";
    }
    if (mode.extraLength > 0) extra += arena.readAscii(mode.extraAt, mode.extraLength);
    const extraLength = extra === "" ? 0 : arena.writeAscii(arena.textAt, extra);
    const length = this.#writer.head(
      BlockKind.Response,
      drops,
      arena.textAt,
      extraLength,
      bodyAt,
      this.#hasBody ? bodyLength : 0,
      isEnd,
    );
    if (length < 0) {
      this.stream.fail({ code: "io", detail: "the response head is too large for HTTP/1", errno: 0 });
      return false;
    }
    return this.stream.write(arena.scratchAt, length);
  }

  /** An interim head. */
  interim(drops: DropMask, at: number, headLength: number): boolean {
    const { arena } = this.stream;
    if (arena.memory.words[(arena.recordAt >> 2) + Head.Version] === 20) {
      arena.memory.words[(arena.recordAt >> 2) + Head.Body] = Body.None;
      const length = this.#writer.head(BlockKind.Response, drops, 0, 0, 0, 0, false);
      this.#writer.isChunked = false;
      return length < 0 || this.stream.write(arena.scratchAt, length);
    }
    const written = rewriteInPlace(arena, at, 0, drops, 0, 0, 0);
    return this.stream.write(at + headLength - written, written);
  }

  body(at: number, length: number, isEnd: boolean): boolean {
    if (!this.#hasBody) return true;
    if (!this.#writer.isChunked) return length === 0 || this.stream.write(at, length);
    return this.stream.write(this.stream.arena.scratchAt, this.#writer.body(at, length, isEnd));
  }

  trailers(at: number): boolean {
    const length = this.#writer.trailers(at);
    return length === 0 || this.stream.write(this.stream.arena.scratchAt, length);
  }
}
