/** Heads from one version to the other, for tests, the fuzzer and the benches. */
import { HEAP_START } from "./module.ts";
import { latin1 } from "./head.ts";
import { BlockKind } from "./http2.ts";
import { type Decoded, type Field, FieldBench } from "./field_bench.ts";
import type { Workbench } from "./workbench.ts";

export interface Options {
  /** Ids to drop. */
  readonly drops?: readonly number[];
  /** Lines to add. */
  readonly extra?: string;
  /** Bytes of room for the result. */
  readonly room?: number;
  readonly framing?: 0 | 1;
}

/** A head in linear memory: its record and what the record's offsets are relative to. */
export interface Source {
  readonly record: number;
  readonly base: number;
}

/** What lies around the room for results, and must stay. */
const CANARY = 0xa5;

/** Writes heads anew, with room of exactly the bytes asked for. */
export class TranscodeBench {
  readonly bench: Workbench;
  readonly fields: FieldBench;
  readonly out = 14 * HEAP_START + 64;
  readonly extra = 15 * HEAP_START;

  constructor(bench: Workbench, usesHuffman = false, tableSize = 4096) {
    this.bench = bench;
    this.fields = new FieldBench(bench, 4096, tableSize, usesHuffman);
  }

  /** The head that was parsed last. */
  get parsed(): Source {
    return { record: this.bench.record, base: this.bench.at };
  }

  /** The head that was decoded last. */
  get decoded(): Source {
    return { record: this.fields.record, base: this.fields.base };
  }

  #call(options: Options, write: (end: number, drops: [number, number, number], extra: number) => number) {
    const { bytes } = this.bench.module.memory, { drops = [], extra = "", room = 32768 } = options;
    for (let index = 0; index < extra.length; index++) bytes[this.extra + index] = extra.charCodeAt(index);
    const words: [number, number, number] = [0, 0, 0];
    for (const id of drops) words[id >> 5]! |= 1 << (id & 31);
    const end = this.out + room;
    bytes.fill(CANARY, this.out - 64, this.out);
    bytes.fill(CANARY, end, end + 64);
    const length = write(end, words, extra.length);
    if (length > room) throw new Error(`${length} bytes were written into ${room}`);
    for (const edge of [this.out - 64, end]) {
      for (let index = edge; index < edge + 64; index++) {
        if (bytes[index] !== CANARY) throw new Error("something was written beside the room for it");
      }
    }
    return length < 0 ? undefined : bytes.slice(this.out, this.out + length);
  }

  /** @returns the field block, undefined when there might have been no room for it */
  encode(source: Source, kind: BlockKind, options: Options = {}): Uint8Array | undefined {
    const { encodeHead } = this.bench.module.exports;
    return this.#call(options, (end, drops, length) =>
      encodeHead(
        this.fields.encoder,
        source.record,
        source.base,
        this.out,
        end,
        kind,
        ...drops,
        this.extra,
        length,
      ));
  }

  /** @returns the HTTP/1.1 head, undefined when there might have been no room for it */
  write(source: Source, kind: BlockKind, options: Options = {}): string | undefined {
    const { writeHttp1Head } = this.bench.module.exports;
    const { framing = 0 } = options;
    const bytes = this.#call(options, (end, drops, length) =>
      writeHttp1Head(
        source.record,
        source.base,
        this.out,
        end,
        kind,
        framing,
        ...drops,
        this.extra,
        length,
      ));
    return bytes && latin1(this.bench.module.memory, this.out, bytes.length);
  }

  /** Parses an HTTP/1 head and writes it as a field block, which is decoded again. */
  toHttp2(text: string, kind: BlockKind, options: Options = {}): Decoded & { readonly list: Field[] } {
    const { outcome, reason } = kind === BlockKind.Request
      ? this.bench.request(text)
      : kind === BlockKind.Response
      ? this.bench.response(text)
      : this.bench.trailers(text);
    if (outcome !== text.length) throw new Error(`the head was refused: ${outcome}, reason ${reason}`);
    const block = this.encode(this.parsed, kind, options);
    if (block === undefined) throw new Error("there was no room");
    const decoded = this.fields.decode(block, kind);
    return {
      ...decoded,
      list: decoded.head.headers.map(({ name, value, flags }) => ({ name, value, flags })),
    };
  }

  /** Encodes fields, decodes them, and writes what came out as HTTP/1. */
  toHttp1(fields: readonly Field[], kind: BlockKind, options: Options = {}): string {
    const { reason } = this.fields.decode(this.fields.encode(fields), kind);
    if (reason !== 0) throw new Error(`the block was refused: ${reason}`);
    const text = this.write(this.decoded, kind, options);
    if (text === undefined) throw new Error("there was no room");
    return text;
  }
}
