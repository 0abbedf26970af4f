/** Frame heads against what RFC 9113 sections 4.1 and 6 say of them, however the bytes were cut; and what we write, read again. */
import { Frame, Http2Error } from "../../src/wasm/http2.ts";
import { Outcome } from "../../src/wasm/http1.ts";
import type { Workbench } from "../../src/wasm/workbench.ts";
import { mutate, type Random } from "./random.ts";
import type { Target } from "./target.ts";

const MAX_FRAME = 16384, HEAD = 9;
/** Types of frames, RFC 9113 section 6. */
const DATA = 0, HEADERS = 1, PRIORITY = 2, RST = 3, SETTINGS = 4, PUSH = 5, PING = 6, GOAWAY = 7, WINDOW = 8;
const CONTINUATION = 9;
const PADDED = 8, WITH_PRIORITY = 32, ACK = 1;

interface Verdict {
  /** Bytes before the content, or an `Outcome`. */
  readonly before: number;
  readonly error: number;
  readonly isConnection: boolean;
  readonly content: number;
  readonly padding: number;
}

const bad = (error: number, isConnection = true): Verdict => ({
  before: Outcome.Bad,
  error,
  isConnection,
  content: 0,
  padding: 0,
});
const PARTIAL: Verdict = { before: Outcome.Partial, error: 0, isConnection: false, content: 0, padding: 0 };

/** Lengths that a type allows, as a test; and whether a wrong one concerns the stream only. */
function isLength(type: number, flags: number, length: number): boolean {
  switch (type) {
    case PRIORITY:
      return length === 5;
    case RST:
    case WINDOW:
      return length === 4;
    case PING:
      return length === 8;
    case SETTINGS:
      return flags & ACK ? length === 0 : length % 6 === 0;
    case GOAWAY:
      return length >= 8;
    case HEADERS:
      return length >= (flags & PADDED ? 1 : 0) + (flags & WITH_PRIORITY ? 5 : 0);
    case PUSH:
      return length >= (flags & PADDED ? 1 : 0) + 4;
    case DATA:
      return !(flags & PADDED) || length > 0;
    default:
      return true;
  }
}

const ON_STREAM = new Set([DATA, HEADERS, PRIORITY, RST, PUSH, CONTINUATION]);
const ON_CONNECTION = new Set([SETTINGS, PING, GOAWAY]);

function judge(bytes: Uint8Array): Verdict {
  if (bytes.length < HEAD) return PARTIAL;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getUint32(0) >>> 8, type = bytes[3] ?? 0, flags = bytes[4] ?? 0;
  const stream = view.getUint32(5) & 0x7fffffff;
  if (length > MAX_FRAME) return bad(Http2Error.FrameSize);
  if (stream === 0 ? ON_STREAM.has(type) : ON_CONNECTION.has(type)) return bad(Http2Error.Protocol);
  if (!isLength(type, flags, length)) return bad(Http2Error.FrameSize, type !== PRIORITY);
  if (type === PRIORITY) {
    if (bytes.length < HEAD + 4) return PARTIAL;
    if ((view.getUint32(HEAD) & 0x7fffffff) === stream) return bad(Http2Error.Protocol, false);
  }
  const isPadded = (type === DATA || type === HEADERS || type === PUSH) && (flags & PADDED) !== 0;
  const hasPriority = type === HEADERS && (flags & WITH_PRIORITY) !== 0;
  const extra = (isPadded ? 1 : 0) + (hasPriority ? 5 : 0);
  if (bytes.length < HEAD + extra) return PARTIAL;
  const padding = isPadded ? bytes[HEAD] ?? 0 : 0;
  if (extra + padding > length) return bad(Http2Error.Protocol);
  if (hasPriority && (view.getUint32(HEAD + extra - 5) & 0x7fffffff) === stream) {
    return bad(Http2Error.Protocol, false);
  }
  return { before: HEAD + extra, error: 0, isConnection: false, content: length - extra - padding, padding };
}

function generate(random: Random): string {
  const type = random.once(10) ? random.below(256) : random.below(10);
  const length = random.once(6)
    ? random.below(70_000)
    : random.pick([0, 1, 4, 5, 6, 8, 9, 12, 100, 16384, 16385]);
  const stream = random.once(3) ? 0 : random.once(8) ? 0x80000001 : 1 + random.below(4);
  const bytes = [length >> 16, length >> 8, length, type, random.once(2) ? random.below(256) : 0];
  bytes.push(stream >> 24, stream >> 16, stream >> 8, stream);
  const head = String.fromCharCode(...bytes.map((byte) => byte & 255));
  const rest = random.once(2) ? random.bytes(12) : "\x01\0\0\0\x02\x10" + random.bytes(4);
  return random.once(6) ? mutate(random, head + rest) : head + rest;
}

export function frameTarget(bench: Workbench): Target {
  const { exports, memory } = bench.module, record = bench.record >> 2;
  const word = (index: number) => memory.words[record + index] ?? 0;

  function read(bytes: Uint8Array): Verdict {
    const end = bench.put(bytes);
    const before = exports.readFrameHead(bench.at, end, bench.record, MAX_FRAME);
    if (before === Outcome.Partial) return PARTIAL;
    if (before === Outcome.Bad) return bad(word(Frame.Error), word(Frame.IsConnectionError) === 1);
    return {
      before,
      error: 0,
      isConnection: false,
      content: word(Frame.ContentLength),
      padding: word(Frame.PaddingLength),
    };
  }

  function compare(bytes: Uint8Array): Verdict {
    const ours = read(bytes), model = judge(bytes);
    for (const key of ["before", "error", "isConnection", "content", "padding"] as const) {
      if (ours[key] !== model[key]) throw new Error(`${key} is ${ours[key]}, the model says ${model[key]}`);
    }
    return ours;
  }

  return {
    name: "frames",
    generate,
    check(input) {
      const { before } = compare(input);
      // What is already decided does not change with more bytes, and nothing is decided too early.
      for (let length = 0; length < Math.min(input.length, 15); length++) compare(input.subarray(0, length));
      if (before < 0) return;
      read(input);
      const [length, type, flags, stream] = [Frame.Length, Frame.Type, Frame.Flags, Frame.StreamId].map(word);
      exports.writeFrameHead(bench.at + 64, length ?? 0, type ?? 0, flags ?? 0, stream ?? 0);
      for (let at = 0; at < HEAD; at++) {
        const written = memory.bytes[bench.at + 64 + at],
          sent = at === 5 ? (input[at] ?? 0) & 127 : input[at];
        if (written !== sent) {
          throw new Error(`byte ${at} of ${length}, ${type}, ${flags}, ${stream} is ${written}`);
        }
      }
    },
  };
}
