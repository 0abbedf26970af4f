import assert from "node:assert/strict";
import { Workbench } from "./workbench.ts";
import { Chunked, Outcome, Reason } from "./http1.ts";

const bench = new Workbench();
const { module, record: state, at } = bench;
const { chunkedDecode, chunkedForward, chunkedStart, chunkedStep } = module.exports;
const word = (index: number) => module.memory.words[(state >> 2) + index] ?? 0;

interface Followed {
  /** Bytes of the body, or an outcome. */
  readonly consumed: number;
  readonly isDone: boolean;
  readonly reason: Reason;
  readonly data: string;
}

/** Follows the pieces one after the other. What lies after the body in a piece is not consumed. */
function follow(
  pieces: readonly string[],
  extensionLimit = 4096,
  trailerLimit = 4096,
  byStep = false,
): Followed {
  chunkedStart(state, extensionLimit, trailerLimit);
  let consumed = 0;
  let data = "";
  const result = (outcome: number) => ({
    consumed: outcome,
    isDone: word(Chunked.Done) === 1,
    reason: outcome < 0 ? word(Chunked.Reason) as Reason : Reason.None,
    data,
  });
  for (const piece of pieces) {
    const end = bench.put(piece);
    for (let p = at; p < end && word(Chunked.Done) === 0;) {
      const step = byStep ? chunkedStep(state, p, end) : chunkedForward(state, p, end);
      if (step < 0) return result(Outcome.Bad);
      const from = p - at + word(Chunked.DataOffset);
      if (byStep) data += piece.slice(from, from + word(Chunked.DataLength));
      consumed += step;
      p += step;
    }
  }
  return result(consumed);
}

const BODY = "5\r\nhello\r\n" + '0A;name=value;q="a b"\r\n0123456789\r\n' +
  "000\r\nX-Sum: 9 \r\nHosts: fine\r\n\r\n";
const TEXT = "hello0123456789";

Deno.test("a chunked body ends where it ends, whatever follows it", () => {
  const { consumed, isDone, reason } = follow([BODY + "GET / HTTP/1.1\r\n"]);
  assert.deepEqual({ consumed, isDone, reason }, {
    consumed: BODY.length,
    isDone: true,
    reason: Reason.None,
  });
});

Deno.test("the same body in any two pieces, and byte by byte, is followed alike and yields the same data", () => {
  for (let cut = 0; cut <= BODY.length; cut++) {
    for (const byStep of [false, true]) {
      const found = follow([BODY.slice(0, cut), BODY.slice(cut)], 4096, 4096, byStep);
      assert.equal(found.consumed, BODY.length, `cut at ${cut}`);
      assert.equal(found.isDone, true);
      if (byStep) assert.equal(found.data, TEXT, `cut at ${cut}`);
    }
  }
  assert.equal(follow([...BODY], 4096, 4096, true).data, TEXT);
});

Deno.test("every proper beginning of a body is not yet done", () => {
  for (let length = 0; length < BODY.length; length++) {
    const found = follow([BODY.slice(0, length)]);
    assert.equal(found.isDone, false);
    assert.equal(found.consumed, length);
  }
});

const refusals: readonly (readonly [string, Reason])[] = [
  ["\r\n", Reason.BadChunkSize],
  [" 5\r\nhello\r\n", Reason.BadChunkSize],
  ["5 \r\nhello\r\n", Reason.BadChunkSize],
  ["5\t;a\r\nhello\r\n", Reason.BadChunkSize],
  ["+5\r\nhello\r\n", Reason.BadChunkSize],
  ["-5\r\nhello\r\n", Reason.BadChunkSize],
  ["0x5\r\nhello\r\n", Reason.BadChunkSize],
  ["g\r\n", Reason.BadChunkSize],
  [";a\r\n", Reason.BadChunkSize],
  ["5,5\r\nhello\r\n", Reason.BadChunkSize],
  ["5\0\r\nhello\r\n", Reason.BadChunkSize],
  ["5\nhello\r\n", Reason.BareLineFeed],
  ["5\rhello\r\n", Reason.BareCarriageReturn],
  ["5\r\r\nhello\r\n", Reason.BareCarriageReturn],
  ["5;a\nhello\r\n", Reason.BareLineFeed],
  ["5;a\rb\r\nhello\r\n", Reason.BareCarriageReturn],
  ["5;\r\nhello\r\n", Reason.BadChunkExtension],
  ["5;a;\r\nhello\r\n", Reason.BadChunkExtension],
  ["5;a =b\r\nhello\r\n", Reason.BadChunkExtension],
  ["5;a=\r\nhello\r\n", Reason.BadChunkExtension],
  ["5;a=b c\r\nhello\r\n", Reason.BadChunkExtension],
  ['5;a="b\r\nhello\r\n', Reason.BadChunkExtension],
  ['5;a="b"c\r\nhello\r\n', Reason.BadChunkExtension],
  ['5;a="b\\\n"\r\nhello\r\n', Reason.BareLineFeed],
  ["5; b\r\nhello\r\n", Reason.BadChunkExtension],
  ["5;=b\r\nhello\r\n", Reason.BadChunkExtension],
  ["5;a\0\r\nhello\r\n", Reason.BadChunkExtension],
  ["20000000000000\r\n", Reason.ChunkSizeTooLarge],
  ["ffffffffffffffff\r\n", Reason.ChunkSizeTooLarge],
  ["10000000000000005\r\n", Reason.ChunkSizeTooLarge],
  ["00000000000000005\r\n", Reason.ChunkSizeTooLarge],
  ["5\r\nhello!\r\n", Reason.BadChunkEnd],
  ["5\r\nhello\n", Reason.BadChunkEnd],
  ["5\r\nhello\r\r\n", Reason.BadChunkEnd],
  ["0\r\n\n", Reason.BareLineFeed],
  ["0\r\n\rX", Reason.BareCarriageReturn],
  ["0\r\n X: 1\r\n\r\n", Reason.ObsoleteFold],
  ["0\r\na: 1\r\n\tb\r\n\r\n", Reason.ObsoleteFold],
  ["0\r\n: 1\r\n\r\n", Reason.EmptyName],
  ["0\r\na : 1\r\n\r\n", Reason.SpaceBeforeColon],
  ["0\r\na\r\n\r\n", Reason.NoColon],
  ["0\r\na(b: 1\r\n\r\n", Reason.BadName],
  ["0\r\na\n: 1\r\n\r\n", Reason.BareLineFeed],
  ["0\r\na: 1\0\r\n\r\n", Reason.ControlCharacter],
  ["0\r\na: 1\n\r\n", Reason.BareLineFeed],
  ["0\r\nContent-Length: 1\r\n\r\n", Reason.ForbiddenTrailer],
  ["0\r\na: 1\r\ntransfer-ENCODING: chunked\r\n\r\n", Reason.ForbiddenTrailer],
  ["0\r\nHOST: a\r\n\r\n", Reason.ForbiddenTrailer],
  ["0\r\nconnection: close\r\n\r\n", Reason.ForbiddenTrailer],
];

for (const [text, reason] of refusals) {
  Deno.test(`a chunked body is refused for ${Reason[reason]}: ${JSON.stringify(text)}`, () => {
    assert.equal(follow([text]).reason, reason);
    assert.equal(follow([...text]).reason, reason, "byte by byte");
    for (let cut = 1; cut < text.length; cut++) {
      assert.equal(follow([text.slice(0, cut), text.slice(cut)]).reason, reason, `cut at ${cut}`);
    }
  });
}

Deno.test("the largest chunk size that is exact in a double is accepted", () => {
  const { reason } = follow(["1fffffffffffff\r\nabc"]);
  assert.equal(reason, Reason.None);
  assert.equal(module.memory.doubles[(state >> 3) + 1], 2 ** 53 - 1 - 3);
});

Deno.test("extensions and trailers have limits of their own, over the whole body", () => {
  assert.equal(follow(["1;abc\r\nx\r\n1;abc\r\ny\r\n0\r\n\r\n"], 6).isDone, true);
  assert.equal(follow(["1;abc\r\nx\r\n1;abc\r\ny\r\n0\r\n\r\n"], 5).reason, Reason.ChunkExtensionsTooLong);
  assert.equal(follow([..."1;abc\r\nx\r\n1;abc\r\ny\r\n0\r\n\r\n"], 5).reason, Reason.ChunkExtensionsTooLong);
  assert.equal(follow(["0\r\nab:cd\r\n\r\n"], 0, 5).isDone, true);
  assert.equal(follow(["0\r\nab:cd\r\n\r\n"], 0, 4).reason, Reason.TrailersTooLong);
  assert.equal(follow(["0\r\nabcde\r\n\r\n"], 0, 4).reason, Reason.TrailersTooLong);
});

Deno.test("a refused body stays refused, and a finished one takes nothing more", () => {
  assert.equal(follow(["zz", "5\r\nhello\r\n0\r\n\r\n"]).reason, Reason.BadChunkSize);
  follow(["0\r\n\r\n"]);
  const end = bench.put("5\r\n");
  assert.equal(chunkedForward(state, at, end), 0);
});

/** Decodes pieces in place or to a place apart, and gathers data and trailer section. */
function decode(pieces: readonly string[], isInPlace: boolean) {
  chunkedStart(state, 4096, 4096);
  const { bytes } = module.memory;
  let data = "", trailers = "", consumed = 0;
  const text = (from: number, length: number) => String.fromCharCode(...bytes.subarray(from, from + length));
  for (const piece of pieces) {
    const end = bench.put(piece), out = isInPlace ? at : at + 16384;
    const count = chunkedDecode(state, at, end, out);
    if (count < 0) return { consumed: count, data, trailers };
    consumed += count;
    data += text(out, word(Chunked.DataLength));
    const offset = word(Chunked.TrailerOffset);
    if (offset >= 0) trailers += text(at + offset, count - offset);
  }
  return { consumed, data, trailers };
}

const SECTION = "X-Sum: 9 \r\nHosts: fine\r\n\r\n";

Deno.test("a chunked body is decoded in place and elsewhere, in any two pieces and byte by byte", () => {
  const wanted = { consumed: BODY.length, data: TEXT, trailers: SECTION };
  for (const isInPlace of [true, false]) {
    for (let cut = 0; cut <= BODY.length; cut++) {
      assert.deepEqual(decode([BODY.slice(0, cut), BODY.slice(cut)], isInPlace), wanted, `cut at ${cut}`);
    }
    assert.deepEqual(decode([...BODY], isInPlace), wanted);
    assert.equal(word(Chunked.Done), 1);
  }
  assert.deepEqual(decode([BODY + "GET / HTTP/1.1\r\n"], true), wanted);
  assert.deepEqual(decode(["5\r\nhel"], true), { consumed: 6, data: "hel", trailers: "" });
});

for (const [text, reason] of refusals) {
  Deno.test(`decoding refuses the same as forwarding, ${Reason[reason]}: ${JSON.stringify(text)}`, () => {
    assert.equal(decode([...text], true).consumed, Outcome.Bad);
    assert.equal(word(Chunked.Reason), reason);
  });
}
