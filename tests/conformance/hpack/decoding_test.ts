import assert from "node:assert/strict";
import { FieldBench } from "../../../src/wasm/field_bench.ts";
import { BlockKind, BlockReason, FieldFlag } from "../../../src/wasm/http2.ts";
import { Outcome } from "../../../src/wasm/http1.ts";
import { Workbench } from "../../../src/wasm/workbench.ts";
import { decodingCases } from "./decoding_cases.ts";
import { added, indexed, never, plain, toBytes, unindexed } from "./notation.ts";
import { STATIC_TABLE } from "./static_table.ts";

const workbench = new Workbench();

for (const { clause, says, tableSize = 4096, blocks, expect } of decodingCases) {
  Deno.test(`RFC 7541 ${clause}: ${says}`, () => {
    const bench = new FieldBench(workbench, tableSize);
    const results = blocks.map((block) => bench.decode(toBytes(block), BlockKind.Trailers));
    const last = results.pop();
    assert.ok(last);
    assert.ok(results.every(({ outcome }) => outcome !== Outcome.Bad), "a block before the last was refused");
    if (typeof expect === "number") {
      assert.equal(last.outcome, Outcome.Bad);
      assert.equal(BlockReason[last.reason], BlockReason[expect]);
    } else {
      assert.ok(last.outcome >= 0, BlockReason[last.reason]);
      assert.deepEqual(last.head.headers.map(({ name, value }) => `${name}: ${value}`), expect);
    }
  });
}

Deno.test("RFC 7541 2.3.1: the static table, entry by entry, as fields and as names", () => {
  STATIC_TABLE.forEach(([name, value], at) => {
    const index = at + 1;
    const bench = new FieldBench(workbench);
    const isPseudo = name.startsWith(":");
    const kind = !isPseudo ? BlockKind.Trailers : name === ":status" ? BlockKind.Response : BlockKind.Request;
    const { head } = bench.decode(toBytes(indexed(index)), kind);
    if (!isPseudo) {
      assert.deepEqual(head.headers.map((field) => [field.name, field.value]), [[name, value]], `${index}`);
      const named = bench.decode(toBytes(unindexed(index, plain("other"))), BlockKind.Trailers);
      assert.deepEqual(named.head.headers.map((field) => [field.name, field.value]), [[name, "other"]]);
    } else {
      const found: Readonly<Record<string, string>> = {
        ":authority": head.authority,
        ":method": head.methodText,
        ":path": head.target,
        ":scheme": head.scheme,
        ":status": String(head.status),
      };
      assert.equal(found[name], value, `${index}`);
    }
  });
});

Deno.test("RFC 7541 7.1.3: what must never be indexed is marked, what need not be is not", () => {
  const bench = new FieldBench(workbench);
  const block = added(plain("a"), plain("1")) + unindexed(plain("b"), plain("2")) +
    never(plain("c"), plain("3")) + never(62, plain("4")) + indexed(62);
  const { head } = bench.decode(toBytes(block), BlockKind.Trailers);
  const flags = head.headers.map((field) => field.flags & FieldFlag.NeverIndexed);
  assert.deepEqual(flags, [0, 0, FieldFlag.NeverIndexed, FieldFlag.NeverIndexed, 0]);
});

Deno.test("a block cut off anywhere is refused, or is what was whole before the cut", () => {
  for (const { tableSize = 4096, blocks, expect } of decodingCases) {
    if (typeof expect === "number") continue;
    const last = blocks[blocks.length - 1] ?? "";
    for (let length = 0; length < last.length; length++) {
      const bench = new FieldBench(workbench, tableSize);
      for (const block of blocks.slice(0, -1)) bench.decode(toBytes(block), BlockKind.Trailers);
      const { outcome, head } = bench.decode(toBytes(last.slice(0, length)), BlockKind.Trailers);
      if (outcome === Outcome.Bad) continue;
      const found = head.headers.map(({ name, value }) => `${name}: ${value}`);
      assert.deepEqual(found, expect.slice(0, found.length));
      assert.ok(found.length <= expect.length);
    }
  }
});
