/** A stream of HTTP/1 messages read with our parsers, as a proxy would: bytes come in pieces, heads with a hint, bodies followed. */
import { Body, Chunked, Head, HeadFlag, Outcome, Reason } from "../../src/wasm/http1.ts";
import { type HeadView, latin1, viewHead } from "../../src/wasm/head.ts";
import { HEAP_START } from "../../src/wasm/module.ts";
import type { Workbench } from "../../src/wasm/workbench.ts";

export const MAXIMUM_HEADERS = 40;
export const MAXIMUM_HEAD = 4096;
export const MAXIMUM_TARGET = 1024;

export interface OurMessage {
  readonly head: HeadView;
  readonly body: string;
  readonly isComplete: boolean;
}

export interface OurResult {
  readonly messages: readonly OurMessage[];
  /** Why the stream was refused at the message after the last, or within the last one's body. */
  readonly reason: Reason;
  /** Whether the bytes after the last message are no messages any more. */
  readonly isTunnel: boolean;
}

/** Bytes before and after the record that must stay as they are. */
const CANARY = 0xa5;
const RECORD_BYTES = (Head.Headers + MAXIMUM_HEADERS * 6) * 4;

export class StreamReader {
  readonly #bench: Workbench;
  readonly #isRequest: boolean;
  readonly #state = HEAP_START + 32768;

  constructor(bench: Workbench, isRequest: boolean) {
    this.#bench = bench;
    this.#isRequest = isRequest;
  }

  /** The first bytes of what was read last, as the parser left them. */
  bytes(length: number): Uint8Array {
    return this.#bench.module.memory.bytes.slice(this.#bench.at, this.#bench.at + length);
  }

  #parseHead(at: number, end: number, scanned: number): number {
    const { exports, memory } = this.#bench.module;
    const record = this.#bench.record + 64;
    memory.bytes.fill(CANARY, record - 64, record);
    memory.bytes.fill(CANARY, record + RECORD_BYTES, record + RECORD_BYTES + 64);
    const outcome = this.#isRequest
      ? exports.parseRequestHead(at, end, record, scanned, MAXIMUM_HEAD, MAXIMUM_TARGET, MAXIMUM_HEADERS)
      : exports.parseResponseHead(at, end, record, scanned, MAXIMUM_HEAD, MAXIMUM_HEADERS, 1);
    for (const edge of [record - 64, record + RECORD_BYTES]) {
      if (memory.bytes.subarray(edge, edge + 64).some((byte) => byte !== CANARY)) {
        throw new Error("the parser wrote outside its record");
      }
    }
    if (outcome > end - at) throw new Error(`consumed ${outcome} of ${end - at} bytes`);
    return outcome;
  }

  /**
   * Reads all of `input`, of which `cuts` (ascending) are the ends of the pieces it came in.
   * @param isAtEnd whether the connection ended after it
   */
  read(input: Uint8Array, cuts: readonly number[], isAtEnd: boolean): OurResult {
    const { exports, memory } = this.#bench.module;
    const start = this.#bench.at;
    this.#bench.put(input);
    const messages: { head: HeadView; body: string; isComplete: boolean }[] = [];
    let at = start;
    let scanned = 0;
    let open: { head: HeadView; body: string; isComplete: boolean } | undefined;
    let left = 0;
    for (const cut of [...cuts, input.length]) {
      const end = start + cut;
      while (at < end || (open !== undefined && open.head.body === Body.Length && left === 0)) {
        if (open === undefined) {
          const outcome = this.#parseHead(at, end, scanned);
          if (outcome === Outcome.Partial) {
            scanned = end - at;
            break;
          }
          const record = this.#bench.record + 64;
          if (outcome === Outcome.Bad) {
            const reason = memory.words[(record >> 2) + Head.Reason] as Reason;
            return { messages, reason, isTunnel: false };
          }
          scanned = 0;
          const head = viewHead(memory, at, record);
          at += outcome;
          open = { head, body: "", isComplete: head.body === Body.None };
          messages.push(open);
          const isUpgrade = this.#isRequest && (head.flags & HeadFlag.Upgrade) !== 0;
          if (head.body === Body.Tunnel || isUpgrade) {
            return { messages, reason: Reason.None, isTunnel: true };
          }
          if (head.body === Body.Chunked) exports.chunkedStart(this.#state, 16384, 16384);
          left = head.contentLength;
        } else if (open.head.body === Body.Length || open.head.body === Body.UntilClose) {
          const length = open.head.body === Body.Length ? Math.min(left, end - at) : end - at;
          open.body += latin1(memory, at, length);
          left -= length;
          at += length;
          open.isComplete = open.head.body === Body.Length && left === 0;
        } else {
          const consumed = exports.chunkedStep(this.#state, at, end);
          const word = (index: number) => memory.words[(this.#state >> 2) + index] ?? 0;
          if (consumed < 0) return { messages, reason: word(Chunked.Reason), isTunnel: false };
          open.body += latin1(memory, at + word(Chunked.DataOffset), word(Chunked.DataLength));
          at += consumed;
          open.isComplete = word(Chunked.Done) === 1;
        }
        if (open.isComplete) open = undefined;
      }
    }
    if (open !== undefined && isAtEnd && open.head.body === Body.UntilClose) open.isComplete = true;
    return { messages, reason: Reason.None, isTunnel: false };
  }
}
