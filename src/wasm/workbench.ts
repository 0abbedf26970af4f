/** What tests, the fuzzer and the benches of the parsers share: one memory of 2 MiB with a place for bytes and one for records. */
import { HEAP_START, instantiate, type MeshModule } from "./module.ts";
import { type HeadView, viewHead } from "./head.ts";
import { Head, Outcome, Reason } from "./http1.ts";

export interface Limits {
  readonly maxBytes: number;
  readonly maxTarget: number;
  readonly maxHeaders: number;
}

const ROOMY: Limits = { maxBytes: 65536, maxTarget: 8192, maxHeaders: 128 };

/** What a parser said: a number of bytes and the head, or an outcome and its reason. */
export interface Verdict {
  readonly outcome: number;
  readonly reason: Reason;
  readonly head: HeadView | undefined;
}

export class Workbench {
  readonly module: MeshModule = instantiate(1 << 21);
  /** Where records and states go; 64 KiB. */
  readonly record = HEAP_START;
  /** Where the bytes to be parsed go. */
  readonly at = 2 * HEAP_START;

  /** Puts bytes (a string: one byte per character) at `at`, surrounded by what must never be taken for them. */
  put(bytes: string | Uint8Array): number {
    const memory = this.module.memory.bytes;
    const length = bytes.length;
    memory.fill(0x0a, this.at - 64, this.at);
    if (typeof bytes === "string") {
      for (let index = 0; index < length; index++) memory[this.at + index] = bytes.charCodeAt(index);
    } else memory.set(bytes, this.at);
    memory.fill(0x0d, this.at + length, this.at + length + 64);
    return this.at + length;
  }

  request(bytes: string | Uint8Array, limits: Partial<Limits> = {}, scanned = 0): Verdict {
    const end = this.put(bytes);
    const { maxBytes, maxTarget, maxHeaders } = { ...ROOMY, ...limits };
    const { parseRequestHead } = this.module.exports;
    return this.verdict(
      parseRequestHead(this.at, end, this.record, scanned, maxBytes, maxTarget, maxHeaders),
    );
  }

  response(bytes: string | Uint8Array, method = 1, limits: Partial<Limits> = {}, scanned = 0): Verdict {
    const end = this.put(bytes);
    const { maxBytes, maxHeaders } = { ...ROOMY, ...limits };
    const { parseResponseHead } = this.module.exports;
    return this.verdict(parseResponseHead(this.at, end, this.record, scanned, maxBytes, maxHeaders, method));
  }

  trailers(bytes: string | Uint8Array, maxHeaders = ROOMY.maxHeaders): Verdict {
    const end = this.put(bytes);
    return this.verdict(this.module.exports.parseTrailers(this.at, end, this.record, maxHeaders));
  }

  verdict(outcome: number): Verdict {
    const { memory } = this.module;
    const reason = outcome === Outcome.Bad
      ? memory.words[(this.record >> 2) + Head.Reason] as Reason
      : Reason.None;
    const head = outcome > 0 ? viewHead(memory, this.at, this.record) : undefined;
    return { outcome, reason, head };
  }
}
