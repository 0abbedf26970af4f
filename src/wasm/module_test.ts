import assert from "node:assert/strict";
import { viewHead } from "./head.ts";
import { BlockKind } from "./http2.ts";
import { HEAP_START, instantiate, READ_AHEAD } from "./module.ts";

for (const isShared of [false, true]) {
  Deno.test(`a ${isShared ? "shared" : "private"} memory has the size asked for, whole pages, and a margin`, () => {
    const module = instantiate(1_000_000, isShared);
    assert.equal(module.memory.size % 65536, 0);
    assert.ok(module.heapEnd >= 1_000_000);
    assert.equal(module.heapEnd, module.memory.size - READ_AHEAD);
    assert.ok(module.exports.heapBase() <= HEAP_START);
    assert.equal(module.raw.buffer instanceof SharedArrayBuffer, isShared);
  });

  Deno.test(`bytes at the very end of a ${isShared ? "shared" : "private"} heap are parsed without a trap`, () => {
    const { memory, exports, heapEnd } = instantiate(200_000, isShared);
    const text = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const at = heapEnd - text.length;
    for (let index = 0; index < text.length; index++) memory.bytes[at + index] = text.charCodeAt(index);
    assert.equal(exports.parseRequestHead(at, heapEnd, HEAP_START, 0, 65536, 8192, 100), text.length);
    for (let length = 1; length < text.length; length++) {
      const begin = heapEnd - length;
      for (let index = 0; index < length; index++) memory.bytes[begin + index] = text.charCodeAt(index);
      assert.equal(exports.parseRequestHead(begin, heapEnd, HEAP_START, 0, 65536, 8192, 100), -2);
      assert.ok(exports.detect(begin, heapEnd, HEAP_START, 16384) <= 1);
    }
  });
}

for (const isShared of [false, true]) {
  Deno.test(`tables made at the start are there, ${isShared ? "shared" : "private"} memory`, () => {
    const { memory, exports } = instantiate(1_000_000, isShared);
    const [table, block, record, text] = [1, 2, 3, 4].map((page) => page * HEAP_START) as [
      number,
      number,
      number,
      number,
    ];
    exports.hpackDecoderStart(table, 4096);
    memory.bytes.set([0x82, 0x86, 0x84], block);
    exports.hpackDecode(table, block, block + 3, record, 0, text, text + 1000, 10, 1000, BlockKind.Request);
    const head = viewHead(memory, 0, record);
    assert.deepEqual([head.methodText, head.scheme, head.path], ["GET", "http", "/"]);
  });
}

Deno.test("two instances share nothing", () => {
  const first = instantiate(200_000);
  const second = instantiate(200_000);
  first.memory.bytes[HEAP_START] = 7;
  assert.equal(second.memory.bytes[HEAP_START], 0);
});
