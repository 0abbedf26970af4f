import assert from "node:assert/strict";
import { knownTexts } from "../../tools/build/coded_texts.ts";
import { STATIC_NAMES } from "../../tools/build/hpack_tables.ts";
import { huffmanCode } from "../../tools/build/huffman.ts";
import { FieldBench } from "./field_bench.ts";
import { Outcome } from "./http1.ts";
import { Workbench } from "./workbench.ts";

const bench = new FieldBench(new Workbench());
const { names, values } = knownTexts(STATIC_NAMES);
/** GET, http, "/". */
const START = [0x82, 0x86, 0x84];
const HUFFMAN = 0x80;

const plain = (text: string) => [text.length, ...new TextEncoder().encode(text)];
const coded = (code: readonly number[]) => [HUFFMAN | code.length, ...code];

/** All that a block of one literal field makes of the record. */
function record(name: number[], value: number[]): unknown {
  const { outcome, reason, head } = bench.decode(Uint8Array.from([...START, 0, ...name, ...value]));
  return outcome === Outcome.Bad ? "bad" : { reason, head };
}

/** The record without the places of texts. */
function seen(name: number[], value: number[]): string {
  return JSON.stringify(record(name, value), (key, part) => /offset$/i.test(key) ? undefined : part);
}

for (const { text, code } of [...names, ...values]) {
  Deno.test(`${text} is known by its code, and means as a name and as a value what it means when spelt out`, () => {
    assert.equal(seen(coded(code), plain("v")), seen(plain(text), plain("v")));
    assert.equal(seen(plain("x-n"), coded(code)), seen(plain("x-n"), plain(text)));
  });
}

Deno.test("what differs from a known code by a bit or a byte is never taken for another text", () => {
  let decoded = 0;
  for (const { code } of [...names, ...values]) {
    const near = code.flatMap((byte, at) =>
      Array.from({ length: 8 }, (_, bit) => code.with(at, byte ^ 1 << bit))
    ).concat([code.slice(1), code.slice(0, -1), [...code, 0], [...code, 0xff], [0, ...code]]);
    for (const bytes of near) {
      const { outcome, head } = bench.decode(
        Uint8Array.from([...START, 0, ...plain("x-n"), ...coded(bytes)]),
      );
      if (outcome === Outcome.Bad) continue;
      decoded++;
      assert.deepEqual(huffmanCode(head.headers[0]?.value ?? "none"), bytes);
    }
  }
  assert.ok(decoded > 1000);
});
