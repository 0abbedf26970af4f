/**
 * What a connection may ever say: follows the frames that go out, beside those that came in, and throws at the first
 * that RFC 9113 forbids. It knows less than the connection (windows as upper bounds only). Field blocks are read by our decoder,
 * which other targets hold against hpack.js.
 */
import { Head, Outcome } from "../../../src/wasm/http1.ts";
import { BlockKind } from "../../../src/wasm/http2.ts";
import { Arena, HPACK_TABLE_MAX, HPACK_TEXT_SIZE } from "../../../src/proxy/worker/arena.ts";

const DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, GOAWAY = 7, WINDOW_UPDATE = 8, CONTINUATION = 9;
const END_STREAM = 1, ACK = 1, END_HEADERS = 4, START_WINDOW = 65535;

interface Seen {
  hasFinalHead: boolean;
  isEnded: boolean;
  isReset: boolean;
  sent: number;
}

export class OutputModel {
  #input = new Uint8Array();
  #output = new Uint8Array();
  readonly #streams = new Map<number, Seen>();
  /** Upper bounds of what may be sent: in all, and on each stream. */
  #connectionWindow = START_WINDOW;
  #largestInitial = START_WINDOW;
  readonly #credits = new Map<number, number>();
  #sent = 0;
  #highestInput = 0;
  #hasFailed = false;
  #unfinished = 0;
  #block: Uint8Array[] = [];
  #blockEnds = false;
  /** Streams that were answered whole, reset, or not at all. */
  answered = 0;

  constructor() {
    judge.wasm.hpackDecoderStart(table, HPACK_TABLE_MAX);
  }

  /** Bytes came in; only whole frames count. */
  received(bytes: Uint8Array): void {
    this.#input = append(this.#input, bytes);
    this.#input = eachFrame(this.#input, (type, _flags, stream, payload) => {
      if (type === HEADERS && stream > this.#highestInput) this.#highestInput = stream;
      if (type === WINDOW_UPDATE && payload.length === 4) {
        const credit = word(payload, 0) & 0x7fffffff;
        if (stream === 0) this.#connectionWindow += credit;
        else this.#credits.set(stream, (this.#credits.get(stream) ?? 0) + credit);
      }
      if (type !== SETTINGS) return;
      for (let at = 0; at + 6 <= payload.length; at += 6) {
        if (payload[at] === 0 && payload[at + 1] === 4) {
          this.#largestInitial = Math.max(this.#largestInitial, word(payload, at + 2));
        }
      }
    });
  }

  /** Bytes went out. @throws Error when they may not */
  sent(bytes: Uint8Array): void {
    this.#output = append(this.#output, bytes);
    this.#output = eachFrame(this.#output, (...frame) => this.#judge(...frame));
  }

  #judge(type: number, flags: number, id: number, payload: Uint8Array): void {
    const wrong = (why: string): never => {
      throw new Error(`${why}: frame ${type}, flags ${flags}, stream ${id}, ${payload.length} bytes`);
    };
    if (this.#hasFailed) wrong("a frame after the connection's end");
    if (payload.length > 16384) wrong("a frame that is too long");
    if (this.#unfinished !== 0 && (type !== CONTINUATION || id !== this.#unfinished)) {
      wrong("an interrupted block");
    }
    if (type === GOAWAY && word(payload, 4) !== 0) this.#hasFailed = true;
    if (type === SETTINGS && (flags & ACK) !== 0 && payload.length > 0) {
      wrong("an acknowledgement with content");
    }
    if (id === 0) {
      if (type === DATA || type === HEADERS || type === RST_STREAM) wrong("a stream's frame on no stream");
      return;
    }
    if (id % 2 === 0) wrong("a stream that nobody began");
    let seen = this.#streams.get(id);
    if (seen === undefined) {
      this.#streams.set(id, seen = { hasFinalHead: false, isEnded: false, isReset: false, sent: 0 });
    }
    if (type === RST_STREAM) {
      if (payload.length !== 4) wrong("a reset of the wrong size");
      seen.isReset = true;
      return;
    }
    if (type === WINDOW_UPDATE) {
      if (word(payload, 0) === 0) wrong("credit of nothing");
      if (seen.isReset) wrong("credit after a reset");
      return;
    }
    if (seen.isReset || seen.isEnded) wrong("a frame after the stream's end");
    if (type === DATA) {
      this.#judgeData(seen, id, payload.length, wrong);
      if ((flags & END_STREAM) !== 0) this.#end(seen);
      return;
    }
    if (type !== HEADERS && type !== CONTINUATION) wrong("a frame of a type that we never send");
    if (type === HEADERS) this.#blockEnds = (flags & END_STREAM) !== 0;
    this.#block.push(payload);
    this.#unfinished = (flags & END_HEADERS) === 0 ? id : 0;
    if (this.#unfinished !== 0) return;
    this.#judgeHead(seen, this.#blockEnds, wrong);
    if (this.#blockEnds) this.#end(seen);
  }

  #end(seen: Seen): void {
    seen.isEnded = true;
    this.answered++;
  }

  #judgeData(seen: Seen, id: number, length: number, wrong: (why: string) => never): void {
    if (!seen.hasFinalHead) wrong("content before a head");
    seen.sent += length;
    this.#sent += length;
    if (this.#sent > this.#connectionWindow) wrong("more than the connection's window");
    if (seen.sent > this.#largestInitial + (this.#credits.get(id) ?? 0)) {
      wrong("more than the stream's window");
    }
  }

  /** The `:status` of the block that has come, 0 when it has none. */
  #status(wrong: (why: string) => never): number {
    const { wasm, memory: { bytes, words }, recordAt, receiveAt: at, hpackTextAt: text } = judge;
    let end = at;
    for (const part of this.#block) {
      bytes.set(part, end);
      end += part.length;
    }
    this.#block = [];
    const kind = BlockKind.Response, textEnd = text + HPACK_TEXT_SIZE;
    const answer = wasm.hpackDecode(table, at, end, recordAt, 0, text, textEnd, 128, 1 << 16, kind);
    if (answer === Outcome.Bad) wrong("a field block that cannot be decoded");
    return words[(recordAt >> 2) + Head.Status]!;
  }

  #judgeHead(seen: Seen, isEnd: boolean, wrong: (why: string) => never): void {
    const status = this.#status(wrong);
    if (seen.hasFinalHead) {
      if (!isEnd || status !== 0) wrong("a second head");
      return;
    }
    if (!(status >= 100 && status <= 999)) wrong("a head without a status");
    if (status >= 200) seen.hasFinalHead = true;
    else if (isEnd) wrong("an interim head that ends the stream");
  }
}

/** Where the judge decodes: not where the connection under test does. */
const judge = Arena.create(), table = judge.takeTable();

function append(left: Uint8Array, right: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(left.length + right.length);
  all.set(left);
  all.set(right, left.length);
  return all;
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** @returns what is left after the whole frames */
function eachFrame(
  bytes: Uint8Array,
  use: (type: number, flags: number, stream: number, payload: Uint8Array) => void,
): Uint8Array<ArrayBuffer> {
  let at = 0;
  while (bytes.length - at >= 9) {
    const length = word(bytes, at) >>> 8;
    if (bytes.length - at < 9 + length) break;
    use(
      bytes[at + 3]!,
      bytes[at + 4]!,
      word(bytes, at + 5) & 0x7fffffff,
      bytes.subarray(at + 9, at + 9 + length),
    );
    at += 9 + length;
  }
  return bytes.slice(at);
}
