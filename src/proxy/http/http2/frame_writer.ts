/**
 * Frames to the peer of one connection: written beside each other into its output, with the encoder's table.
 * Source: RFC 9113 §4, §6; RFC 7541 §4.3.
 */
import { type BlockKind, FrameFlag, FrameType } from "../../../wasm/http2.ts";
import { type Arena, HPACK_TABLE_MAX } from "../../worker/arena.ts";
import type { DropMask } from "../pipeline.ts";
import type { FrameOutput } from "./output.ts";
import type { PeerSettings } from "./settings.ts";

const FRAME_HEAD = 9, NO_FLAGS = 0, CONNECTION = 0;

export class FrameWriter {
  constructor(
    private readonly arena: Arena,
    private readonly output: FrameOutput,
    /** An HPACK table of the arena. */
    private readonly encoder: number,
    private readonly peer: PeerSettings,
    /** There was no room: the connection must end. */
    private readonly onOverflow: () => void,
  ) {
    arena.wasm.hpackEncoderStart(encoder, HPACK_TABLE_MAX, 0);
  }

  /** Bytes written as they are: what a connection begins with. */
  greet(bytes: Uint8Array): void {
    const out = this.output.reserve(bytes.length);
    if (out === 0) return this.onOverflow();
    this.arena.memory.bytes.set(bytes, out);
    this.output.commit(bytes.length);
  }

  /** The peer's decoder holds so much (its SETTINGS_HEADER_TABLE_SIZE). */
  resizeTable(size: number): void {
    this.arena.wasm.hpackEncoderResize(this.encoder, Math.min(size, HPACK_TABLE_MAX));
  }

  /** @returns false when there was no room: the connection has ended */
  frame(type: number, flags: number, id: number, at: number, length: number): boolean {
    const out = this.output.reserve(FRAME_HEAD + length);
    if (out === 0) {
      this.onOverflow();
      return false;
    }
    this.arena.wasm.writeFrameHead(out, length, type, flags, id);
    if (length > 0) this.arena.wasm.copyBytes(out + FRAME_HEAD, at, length);
    this.output.commit(FRAME_HEAD + length);
    return true;
  }

  #number(at: number, value: number): void {
    for (let i = 0; i < 4; i++) this.arena.memory.bytes[at + i] = value >>> (24 - 8 * i);
  }

  /** A frame whose content is one 32-bit number: WINDOW_UPDATE, RST_STREAM. */
  word(type: number, id: number, value: number): void {
    this.#number(this.arena.textAt, value);
    this.frame(type, NO_FLAGS, id, this.arena.textAt, 4);
  }

  goAway(lastStream: number, code: number): void {
    const { textAt } = this.arena;
    this.#number(textAt, lastStream);
    this.#number(textAt + 4, code);
    this.frame(FrameType.GoAway, NO_FLAGS, CONNECTION, textAt, 8);
  }

  /** The same without an error, in the middle of what others do: the arena's text may be theirs. */
  goAwayAtOnce(lastStream: number): void {
    const frame = new Uint8Array(17);
    frame[2] = 8;
    frame[3] = FrameType.GoAway;
    new DataView(frame.buffer).setUint32(9, lastStream);
    this.greet(frame);
  }

  ping(): void {
    const { textAt } = this.arena;
    this.#number(textAt, 0);
    this.#number(textAt + 4, 0);
    this.frame(FrameType.Ping, NO_FLAGS, CONNECTION, textAt, 8);
  }

  /**
   * Writes the head in the record (offsets from `at`) as a field block of stream `id`.
   * @returns false when it found no room: the connection has ended then
   */
  block(
    id: number,
    kind: BlockKind,
    at: number,
    isEnd: boolean,
    drops: DropMask,
    extraAt: number,
    extraLength: number,
  ): boolean {
    const { output } = this, { wasm, recordAt } = this.arena;
    let out = output.reserve(1024), length = -1;
    for (let i = 0; i < 2 && out !== 0; i++) {
      const from = out + FRAME_HEAD, limit = output.limit;
      length = wasm.encodeHead(
        this.encoder,
        recordAt,
        at,
        from,
        limit,
        kind,
        drops[0],
        drops[1],
        drops[2],
        extraAt,
        extraLength,
      );
      if (length >= 0) break;
      out = output.reserveSlot();
    }
    if (length < 0) {
      this.onOverflow();
      return false;
    }
    const flags = isEnd ? FrameFlag.EndStream : NO_FLAGS;
    if (length <= this.peer.maxFrameBytes) {
      wasm.writeFrameHead(out, length, FrameType.Headers, flags | FrameFlag.EndHeaders, id);
      output.commit(FRAME_HEAD + length);
      return true;
    }
    return this.#longBlock(id, flags, out + FRAME_HEAD, length);
  }

  /** A block of more than one frame: HEADERS and CONTINUATIONs. */
  #longBlock(id: number, flags: number, from: number, length: number): boolean {
    const { scratchAt, memory: { bytes } } = this.arena, size = this.peer.maxFrameBytes;
    bytes.copyWithin(scratchAt, from, from + length);
    for (let sent = 0; sent < length; sent += size) {
      const count = Math.min(size, length - sent), end = sent + count === length ? FrameFlag.EndHeaders : 0;
      const type = sent === 0 ? FrameType.Headers : FrameType.Continuation;
      if (!this.frame(type, (sent === 0 ? flags : 0) | end, id, scratchAt + sent, count)) return false;
    }
    return true;
  }
}
