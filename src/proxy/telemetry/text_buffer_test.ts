import { equal } from "node:assert/strict";
import { TextBuffer } from "./text_buffer.ts";

function text(buffer: TextBuffer): string {
  return new TextDecoder().decode(buffer.bytes.subarray(0, buffer.length));
}

Deno.test("numbers are written as JavaScript writes them", () => {
  for (
    const value of [
      0,
      7,
      10,
      99,
      100,
      123_456_789,
      999_999_999,
      1_000_000_000,
      4_294_967_297,
      2 ** 53,
      0.5,
      -1,
      -0,
      1e21,
    ]
      .concat(1e-7, NaN, Infinity)
  ) {
    const buffer = new TextBuffer();
    buffer.add("a ").addNumber(value).add("\n");
    equal(text(buffer), `a ${value}\n`);
  }
});

Deno.test("texts beyond ASCII are UTF-8, and what is repeated is the same, however large it grows", () => {
  const buffer = new TextBuffer(), line = 'pod="zwölf-ばん",';
  let whole = "";
  for (let i = 0; i < 5000; i++) {
    const from = buffer.length;
    buffer.add(line).add("plain,");
    buffer.repeat(from, buffer.length);
    whole += `${line}plain,${line}plain,`;
  }
  equal(text(buffer), whole);
});
