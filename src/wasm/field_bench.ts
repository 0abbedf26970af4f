/** Field blocks for tests, the fuzzer and the benches: lists of fields through our HPACK encoder and decoder. */
import { HEAP_START } from "./module.ts";
import { type HeadView, latin1, viewHead } from "./head.ts";
import { Head, headRecordBytes, Outcome } from "./http1.ts";
import { BlockKind, BlockReason, hpackTableBytes } from "./http2.ts";
import { Workbench } from "./workbench.ts";

export interface Field {
  readonly name: string;
  readonly value: string;
  /** `FieldFlag` bits. */
  readonly flags?: number;
}

export interface Decoded {
  /** Bytes of text used, or an outcome. */
  readonly outcome: number;
  readonly reason: BlockReason;
  readonly head: HeadView;
}

export interface DecodeLimits {
  readonly maxHeaders: number;
  readonly maxListSize: number;
  readonly textBytes: number;
}

const ROOMY: DecodeLimits = { maxHeaders: 200, maxListSize: 65536, textBytes: 200_000 };

/** One direction's pair of tables with room for blocks and text. */
export class FieldBench {
  readonly bench: Workbench;
  /** Where heads are decoded to. */
  readonly record = 3 * HEAP_START;
  /** What offsets in that record are relative to: not 0, as in a proxy. */
  readonly base = 5 * HEAP_START;
  readonly encoder = 16 * HEAP_START;
  readonly decoder = 22 * HEAP_START;
  readonly #strings = 4 * HEAP_START;
  readonly #block = 6 * HEAP_START;
  readonly #text = 8 * HEAP_START;

  constructor(bench: Workbench, decoderSize = 4096, encoderLimit = 4096, usesHuffman = false) {
    this.bench = bench;
    if (hpackTableBytes(Math.max(decoderSize, encoderLimit)) > this.decoder - this.encoder) {
      throw new Error("the tables overlap");
    }
    if (headRecordBytes(ROOMY.maxHeaders) > HEAP_START) throw new Error("the record is too large");
    bench.module.exports.hpackDecoderStart(this.decoder, decoderSize);
    bench.module.exports.hpackEncoderStart(this.encoder, encoderLimit, usesHuffman ? 1 : 0);
  }

  #put(at: number, text: string): number {
    for (let index = 0; index < text.length; index++) {
      this.bench.module.memory.bytes[at + index] = text.charCodeAt(index);
    }
    return text.length;
  }

  resizeEncoder(maxSize: number): void {
    this.bench.module.exports.hpackEncoderResize(this.encoder, maxSize);
  }

  encode(fields: readonly Field[]): Uint8Array {
    const { hpackBlockStart, hpackEncodeField } = this.bench.module.exports;
    let out = this.#block + hpackBlockStart(this.encoder, this.#block);
    for (const { name, value, flags = 0 } of fields) {
      const nameLength = this.#put(this.#strings, name);
      const at = this.#strings + nameLength;
      const valueLength = this.#put(at, value);
      out += hpackEncodeField(this.encoder, out, this.#strings, nameLength, at, valueLength, flags);
    }
    return this.bench.module.memory.bytes.slice(this.#block, out);
  }

  decode(
    block: Uint8Array,
    kind: BlockKind = BlockKind.Request,
    limits: Partial<DecodeLimits> = {},
  ): Decoded {
    const { memory, exports } = this.bench.module;
    const { maxHeaders, maxListSize, textBytes } = { ...ROOMY, ...limits };
    memory.bytes.set(block, this.#block);
    memory.bytes.fill(0x82, this.#block + block.length, this.#block + block.length + 64);
    const outcome = exports.hpackDecode(
      this.decoder,
      this.#block,
      this.#block + block.length,
      this.record,
      this.base,
      this.#text,
      this.#text + textBytes,
      maxHeaders,
      maxListSize,
      kind,
    );
    const reason = memory.words[(this.record >> 2) + Head.Reason] ?? 0;
    return { outcome, reason, head: viewHead(memory, this.base, this.record) };
  }

  /** All fields of the last decoded block, pseudo-header fields of a request or response first, in a fixed order. */
  fields({ outcome, head }: Decoded, kind: BlockKind = BlockKind.Request): [string, string][] {
    if (outcome === Outcome.Bad) return [];
    const pseudo: [string, string][] = kind === BlockKind.Request
      ? [[":method", head.methodText], [":scheme", head.scheme], [":authority", head.authority], [
        ":path",
        head.target,
      ]]
      : kind === BlockKind.Response
      ? [[":status", String(head.status)]]
      : [];
    return [...pseudo, ...head.headers.map(({ name, value }): [string, string] => [name, value])];
  }

  /** A string as it lies in memory, for addresses that a record holds. */
  text(at: number, length: number): string {
    return latin1(this.bench.module.memory, at, length);
  }
}
