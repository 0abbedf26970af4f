import assert from "node:assert/strict";
import { Frame, FRAME_HEAD_BYTES, FrameFlag, FrameType, Http2Error } from "./http2.ts";
import { Outcome } from "./http1.ts";
import { Workbench } from "./workbench.ts";

const bench = new Workbench();
const { module, record, at } = bench;
const MAX_FRAME = 16384;

function read(bytes: readonly number[]) {
  const end = bench.put(Uint8Array.from(bytes));
  const outcome = module.exports.readFrameHead(at, end, record, MAX_FRAME);
  const word = (index: number) => module.memory.words[(record >> 2) + index] ?? 0;
  return { outcome, word };
}

function head(length: number, type: number, flags: number, stream: number): number[] {
  return [
    length >> 16,
    length >> 8 & 255,
    length & 255,
    type,
    flags,
    stream >>> 24,
    stream >> 16 & 255,
    stream >> 8 & 255,
    stream & 255,
  ];
}

Deno.test("what is written is read again, the reserved bit ignored", () => {
  for (
    const [length, type, flags, stream] of [[0, 4, 0, 0], [16384, 0, 1, 1], [5, 1, 4, 2 ** 31 - 1], [
      8,
      6,
      1,
      0,
    ]] as const
  ) {
    module.exports.writeFrameHead(at, length, type, flags, stream);
    const written = [...module.memory.bytes.slice(at, at + FRAME_HEAD_BYTES)];
    assert.deepEqual(written, head(length, type, flags, stream));
    written[5] = (written[5] ?? 0) | 128;
    const { outcome, word } = read(written);
    assert.equal(outcome, FRAME_HEAD_BYTES);
    assert.deepEqual([word(Frame.ContentLength), word(Frame.Type), word(Frame.Flags), word(Frame.StreamId)], [
      length,
      type,
      flags,
      stream,
    ]);
  }
});

Deno.test("pad length and priority belong to the head; before them the head is partial", () => {
  const flags = FrameFlag.Padded | FrameFlag.Priority | FrameFlag.EndHeaders;
  const bytes = [...head(20, FrameType.Headers, flags, 3), 4, 0x80, 0, 0, 1, 15, 0x82];
  for (let length = 0; length < 15; length++) {
    assert.equal(read(bytes.slice(0, length)).outcome, Outcome.Partial);
  }
  const { outcome, word } = read(bytes);
  assert.equal(outcome, 15);
  assert.equal(word(Frame.ContentLength), 20 - 6 - 4);
  assert.equal(word(Frame.PaddingLength), 4);
  assert.equal(word(Frame.Dependency), 1);
});

const errors: readonly (readonly [string, readonly number[], Http2Error, boolean])[] = [
  ["4.2 frame longer than allowed", head(16385, FrameType.Data, 0, 1), Http2Error.FrameSize, true],
  ["6.1 DATA on stream 0", head(1, FrameType.Data, 0, 0), Http2Error.Protocol, true],
  [
    "6.1 padding as long as the frame",
    [...head(4, FrameType.Data, FrameFlag.Padded, 1), 4],
    Http2Error.Protocol,
    true,
  ],
  [
    "6.1 padded without a pad length",
    head(0, FrameType.Data, FrameFlag.Padded, 1),
    Http2Error.FrameSize,
    true,
  ],
  ["6.2 HEADERS on stream 0", head(1, FrameType.Headers, 0, 0), Http2Error.Protocol, true],
  [
    "6.2 HEADERS too short for priority",
    head(4, FrameType.Headers, FrameFlag.Priority, 1),
    Http2Error.FrameSize,
    true,
  ],
  [
    "5.3.1 a stream that depends on itself",
    [...head(5, FrameType.Headers, FrameFlag.Priority, 7), 0, 0, 0, 7, 1],
    Http2Error.Protocol,
    false,
  ],
  ["6.3 PRIORITY on stream 0", head(5, FrameType.Priority, 0, 0), Http2Error.Protocol, true],
  ["6.3 PRIORITY of 4 bytes", head(4, FrameType.Priority, 0, 1), Http2Error.FrameSize, false],
  ["6.4 RST_STREAM on stream 0", head(4, FrameType.ResetStream, 0, 0), Http2Error.Protocol, true],
  ["6.4 RST_STREAM of 5 bytes", head(5, FrameType.ResetStream, 0, 1), Http2Error.FrameSize, true],
  ["6.5 SETTINGS on a stream", head(0, FrameType.Settings, 0, 1), Http2Error.Protocol, true],
  ["6.5 SETTINGS of 7 bytes", head(7, FrameType.Settings, 0, 0), Http2Error.FrameSize, true],
  [
    "6.5 acknowledgement with a payload",
    head(6, FrameType.Settings, FrameFlag.Acknowledge, 0),
    Http2Error.FrameSize,
    true,
  ],
  ["6.6 PUSH_PROMISE on stream 0", head(4, FrameType.PushPromise, 0, 0), Http2Error.Protocol, true],
  ["6.7 PING on a stream", head(8, FrameType.Ping, 0, 1), Http2Error.Protocol, true],
  ["6.7 PING of 7 bytes", head(7, FrameType.Ping, 0, 0), Http2Error.FrameSize, true],
  ["6.8 GOAWAY on a stream", head(8, FrameType.GoAway, 0, 1), Http2Error.Protocol, true],
  ["6.8 GOAWAY of 7 bytes", head(7, FrameType.GoAway, 0, 0), Http2Error.FrameSize, true],
  ["6.9 WINDOW_UPDATE of 3 bytes", head(3, FrameType.WindowUpdate, 0, 0), Http2Error.FrameSize, true],
  ["6.10 CONTINUATION on stream 0", head(1, FrameType.Continuation, 0, 0), Http2Error.Protocol, true],
];

for (const [clause, bytes, error, isConnectionError] of errors) {
  Deno.test(`a frame is refused: RFC 9113 ${clause}`, () => {
    const { outcome, word } = read(bytes);
    assert.equal(outcome, Outcome.Bad);
    assert.equal(word(Frame.Error), error);
    assert.equal(word(Frame.IsConnectionError), isConnectionError ? 1 : 0);
  });
}

Deno.test("frames of unknown types pass, to be ignored", () => {
  assert.equal(read(head(100, 0xfa, 0xff, 5)).outcome, FRAME_HEAD_BYTES);
});
