/** Huffman strings, good and broken, as our decoder takes them and as the model does. */
import assert from "node:assert/strict";
import { FieldBench } from "../../src/wasm/field_bench.ts";
import { BlockKind, BlockReason } from "../../src/wasm/http2.ts";
import { Outcome } from "../../src/wasm/http1.ts";
import { Workbench } from "../../src/wasm/workbench.ts";
import { CompressionError, decodeHuffman, encodeHuffman } from "./hpack_model.ts";

const bench = new FieldBench(new Workbench());
const bytesOf = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** The model's text, or undefined when the code is broken. */
function modelText(code: Uint8Array): string | undefined {
  try {
    return decodeHuffman(code);
  } catch (error) {
    if (error instanceof CompressionError) return undefined;
    throw error;
  }
}

/** The same of ours. Whether the text may be a value is another question. */
function ourText(code: Uint8Array): string | undefined {
  const rest = code.length - 127;
  const length = rest < 0
    ? [0x80 | code.length]
    : rest < 128
    ? [0xff, rest]
    : [0xff, rest & 127 | 128, rest >> 7];
  const block = Uint8Array.from([0, 1, 0x78, ...length, ...code]);
  const decoded = bench.decode(block, BlockKind.Trailers);
  if (decoded.outcome !== Outcome.Bad) return decoded.head.headers[0]?.value;
  assert.equal(decoded.reason, BlockReason.BadHuffman);
  return undefined;
}

function check(code: Uint8Array): void {
  const wanted = modelText(code);
  if (ourText(code) !== wanted) {
    assert.equal(
      ourText(code),
      wanted,
      `of ${[...code].map((byte) => byte.toString(2).padStart(8, "0")).join(" ")}`,
    );
  }
}

Deno.test("every Huffman string of one byte and of two is taken or refused as the model does", () => {
  check(new Uint8Array());
  for (let first = 0; first < 256; first++) {
    check(Uint8Array.of(first));
    for (let second = 0; second < 256; second++) check(Uint8Array.of(first, second));
  }
});

/** Texts of every length up to 90 whose words have 5 bits, 6, 8, and up to 30; long words at every place. */
function* texts(): Generator<string> {
  const PATTERNS = ["a", "0a", "&", "e/X1", "d.\\o", "\x16", "\xe9t", "-\n", "~|a"];
  for (let length = 0; length <= 90; length++) {
    for (const pattern of PATTERNS) yield pattern.repeat(length).slice(0, length);
    for (const long of ["<", "\\", "\xc3", "\x01", "\n"]) {
      const at = (length * 7) % (length + 1);
      yield "o".repeat(at) + long + "2".repeat(length - at);
    }
  }
  for (let at = 0; at < 40; at++) {
    {
      for (const long of "\xff\x16") {
        yield "s".repeat(at) + long + "s".repeat(40 - at);
        yield "3".repeat(at) + long;
      }
    }
  }
}

Deno.test("strings of every length are decoded, and refused when cut short, with any other padding, or with more", () => {
  for (const text of texts()) {
    const code = bytesOf(encodeHuffman(text));
    assert.equal(ourText(code), text);
    check(code.subarray(0, -1));
    for (const more of [0xff, 0xfe, 0x7f, 0x00]) check(Uint8Array.of(...code, more));
    check(Uint8Array.of(...code, 0xff, 0xff, 0xff, 0xff));
    if (code.length === 0) continue;
    for (let bit = 0; bit < 16 && bit < code.length * 8; bit++) {
      const other = code.slice();
      const at = code.length - 1 - (bit >> 3);
      other[at] = (other[at] ?? 0) ^ 1 << (bit & 7);
      check(other);
    }
  }
});

Deno.test("the end of string is refused wherever it stands", () => {
  for (let before = 0; before < 40; before++) {
    for (let after = 0; after < 12; after++) {
      const bits = "00011".repeat(before) + "1".repeat(30) + "00011".repeat(after);
      const padded = bits + "1".repeat((8 - bits.length % 8) % 8);
      const code = Uint8Array.from(padded.match(/.{8}/g) ?? [], (byte) => parseInt(byte, 2));
      assert.equal(modelText(code), undefined);
      assert.equal(ourText(code), undefined, `after ${before} symbols, before ${after}`);
    }
  }
});
