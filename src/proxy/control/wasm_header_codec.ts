/** Header lists over the HPACK of asm/, one pair of dynamic tables per connection. */
import { Head, HeaderEntry, Outcome } from "../../wasm/http1.ts";
import { BlockKind, hpackTableBytes } from "../../wasm/http2.ts";
import type { Arena } from "../worker/arena.ts";
import type { HeaderCodec } from "./header_codec.ts";

const TABLE_SIZE = 4096, MAX_LIST = 16384, MAX_FIELDS = 128;

/** Tables of closed connections, to be used again: linear memory is never given back. */
const freeTables = new Map<Arena, number[]>();

export class WasmHeaderCodec implements HeaderCodec {
  readonly #decoder: number;
  readonly #encoder: number;

  /** @throws Error when the arena has no room left */
  constructor(private readonly arena: Arena) {
    const size = (hpackTableBytes(TABLE_SIZE) + 7) & ~7;
    const start = freeTables.get(arena)?.pop() ?? arena.allocate(2 * size);
    if (start === 0) throw new Error("no memory is left for another control connection");
    this.#decoder = start;
    this.#encoder = start + size;
    arena.wasm.hpackDecoderStart(this.#decoder, TABLE_SIZE);
    arena.wasm.hpackEncoderStart(this.#encoder, TABLE_SIZE, 1);
  }

  encode(fields: readonly (readonly [string, string])[]): Uint8Array<ArrayBuffer> {
    const { arena } = this, { wasm, scratchAt, textAt, memory } = arena;
    let at = scratchAt + wasm.hpackBlockStart(this.#encoder, scratchAt);
    for (const [name, value] of fields) {
      const nameLength = arena.writeAscii(textAt, name), valueAt = textAt + nameLength;
      at += wasm.hpackEncodeField(
        this.#encoder,
        at,
        textAt,
        nameLength,
        valueAt,
        arena.writeAscii(valueAt, value),
        0,
      );
    }
    return memory.bytes.slice(scratchAt, at);
  }

  decode(block: Uint8Array, isTrailers: boolean): Map<string, string> | undefined {
    const { arena } = this, { wasm, receiveAt, scratchAt, recordAt, memory } = arena;
    if (block.length > MAX_LIST) return undefined;
    memory.bytes.set(block, receiveAt);
    const used = wasm.hpackDecode(
      this.#decoder,
      receiveAt,
      receiveAt + block.length,
      recordAt,
      0,
      scratchAt,
      scratchAt + MAX_LIST * 3,
      MAX_FIELDS,
      MAX_LIST,
      isTrailers ? BlockKind.Trailers : BlockKind.Response,
    );
    const words = memory.words, record = recordAt >> 2;
    if (used === Outcome.Bad || words[record + Head.Reason] !== 0) return undefined;
    const fields = new Map<string, string>();
    if (!isTrailers) fields.set(":status", String(words[record + Head.Status]));
    for (let i = 0; i < words[record + Head.HeaderCount]!; i++) {
      const entry = record + Head.Headers + i * HeaderEntry.Words;
      const name = arena.readAscii(
        words[entry + HeaderEntry.NameOffset]!,
        words[entry + HeaderEntry.NameLength]!,
      );
      const value = arena.readAscii(
        words[entry + HeaderEntry.ValueOffset]!,
        words[entry + HeaderEntry.ValueLength]!,
      );
      const known = fields.get(name);
      fields.set(name, known === undefined ? value : `${known},${value}`);
    }
    return fields;
  }

  limitEncoderTable(size: number): void {
    this.arena.wasm.hpackEncoderResize(this.#encoder, size);
  }

  release(): void {
    const free = freeTables.get(this.arena) ?? [];
    free.push(this.#decoder);
    freeTables.set(this.arena, free);
  }
}
