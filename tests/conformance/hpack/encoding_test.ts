/** What our encoder may write and when, by clause of RFC 7541: read as representations, not only as fields. */
import assert from "node:assert/strict";
import { type Field, FieldBench } from "../../../src/wasm/field_bench.ts";
import { BlockKind, FieldFlag } from "../../../src/wasm/http2.ts";
import { TranscodeBench } from "../../../src/wasm/transcode_bench.ts";
import { Workbench } from "../../../src/wasm/workbench.ts";
import { added, indexed, never, plain, resize, unindexed } from "./notation.ts";

const workbench = new Workbench();
const latin1 = (bytes: Uint8Array | undefined) => String.fromCharCode(...bytes ?? []);

interface EncodingCase {
  readonly clause: string;
  readonly says: string;
  readonly limit?: number;
  /** What happens in sequence: fields that are encoded into a block, or a size that the peer allows. */
  readonly steps: readonly (readonly Field[] | number)[];
  /** The last block. */
  readonly expect: string;
}

const A = { name: "a", value: "1" }, B = { name: "b", value: "2" }, C = { name: "c", value: "3" };
const A_ADDED = added(plain("a"), plain("1")), B_ADDED = added(plain("b"), plain("2"));
const secret = { name: "authorization", value: "Basic x", flags: FieldFlag.NeverIndexed };

const cases: readonly EncodingCase[] = [
  {
    clause: "2.3.1",
    says: "a whole static field is one index",
    steps: [[{ name: ":method", value: "GET" }]],
    expect: indexed(2),
  },
  {
    clause: "2.3.1",
    says: "a static name with another value",
    steps: [[{ name: ":status", value: "207", flags: FieldFlag.NotIndexed }]],
    expect: unindexed(8, plain("207")),
  },
  {
    clause: "2.3.3",
    says: "the newest entry is 62",
    steps: [[A, B], [B, A]],
    expect: indexed(62) + indexed(63),
  },
  {
    clause: "4.1",
    says: "what would take more than half of the table is not added",
    limit: 80,
    steps: [[{ name: "a", value: "12345678" }]],
    expect: resize(80) + unindexed(plain("a"), plain("12345678")),
  },
  { clause: "4.2", says: "a limit below 4096 is announced", limit: 100, steps: [[]], expect: resize(100) },
  { clause: "4.2", says: "once", limit: 100, steps: [[], []], expect: "" },
  { clause: "4.2", says: "a limit of 4096 is not", steps: [[]], expect: "" },
  { clause: "4.2", says: "a peer's smaller size is announced", steps: [[A], 0, []], expect: resize(0) },
  {
    clause: "4.2",
    says: "smallest and last of several",
    steps: [200, 50, 100, []],
    expect: resize(50) + resize(100),
  },
  { clause: "4.2", says: "the smallest alone if it is the last", steps: [200, 50, []], expect: resize(50) },
  {
    clause: "4.2",
    says: "never above what memory there is",
    limit: 100,
    steps: [[], 4_000_000_000, []],
    expect: resize(100),
  },
  {
    clause: "4.2",
    says: "the announcement stands before the first field",
    steps: [[A, B], 68, [A]],
    expect: resize(68) + indexed(63),
  },
  {
    clause: "4.3",
    says: "entries that a smaller size put out are not referred to",
    steps: [[A, B], 0, 4096, [A]],
    expect: resize(0) + resize(4096) + A_ADDED,
  },
  {
    clause: "4.4",
    says: "nor those that newer ones put out",
    limit: 70,
    steps: [[A, B, C], [A]],
    expect: A_ADDED,
  },
  {
    clause: "4.4",
    says: "those that are left are",
    limit: 70,
    steps: [[A, B, C], [B, C]],
    expect: indexed(63) + indexed(62),
  },
  {
    clause: "5.1",
    says: "a name's index beyond its prefix",
    steps: [[{ name: "accept-charset", value: "x", flags: FieldFlag.NotIndexed }]],
    expect: unindexed(15, plain("x")),
  },
  {
    clause: "6.2.3",
    says: "a secret is never indexed",
    steps: [[secret], [secret]],
    expect: never(23, plain("Basic x")),
  },
  {
    clause: "7.1.3",
    says: "not even when the same field has an entry",
    steps: [[A], [{ ...A, flags: FieldFlag.NeverIndexed }]],
    expect: never(62, plain("1")),
  },
  {
    clause: "6.2.2",
    says: "a name without value",
    steps: [[{ name: "x", value: "", flags: FieldFlag.NotIndexed }]],
    expect: unindexed(plain("x"), plain("")),
  },
  { clause: "6.2.1", says: "fields with new names are added", steps: [[A, B]], expect: A_ADDED + B_ADDED },
];

for (const { clause, says, limit = 4096, steps, expect } of cases) {
  Deno.test(`RFC 7541 ${clause}: ${says}`, () => {
    const bench = new FieldBench(workbench, 4096, limit);
    let last: Uint8Array | undefined;
    for (const step of steps) {
      if (typeof step === "number") bench.resizeEncoder(step);
      else last = bench.encode(step);
    }
    assert.equal(latin1(last), expect);
  });
}

/** Encodes responses with these lines, one after the other. @returns the blocks */
function heads(lines: readonly string[], bench = new TranscodeBench(workbench)): string[] {
  return lines.map((line) => {
    workbench.response(`HTTP/1.1 200 OK\r\n${line}\r\n\r\n`);
    return latin1(bench.encode(bench.parsed, BlockKind.Response));
  });
}

Deno.test("a head's field has an entry from the second time on, an index from the third", () => {
  const [first, second, third] = heads(["server: nginx", "server: nginx", "server: nginx"]);
  assert.equal(first, indexed(8) + unindexed(54, plain("nginx")));
  assert.equal(second, indexed(8) + added(54, plain("nginx")));
  assert.equal(third, indexed(8) + indexed(62));
});

Deno.test("a name that has no index has an entry at once, so that only its values are spelt out", () => {
  const [first, second] = heads(["x-id: 1", "X-Id: 2"]);
  assert.equal(first, indexed(8) + added(plain("x-id"), plain("1")));
  assert.equal(second, indexed(8) + unindexed(62, plain("2")));
});

Deno.test("values that never come again put no entry out", () => {
  const bench = new TranscodeBench(workbench);
  heads(["x-kept: for ever", "x-kept: for ever"], bench);
  const ids = Array.from({ length: 1000 }, (_, round) => `x-id: ${"i".repeat(40)}${round}`);
  heads(ids, bench);
  const [last] = heads(["x-kept: for ever"], bench);
  assert.equal(last, indexed(8) + indexed(63));
});

Deno.test("the length of a content is spelt out: it is of little use to the next message", () => {
  const [, , third] = heads(Array.from({ length: 3 }, () => "content-length: 12"));
  assert.equal(third, indexed(8) + unindexed(28, plain("12")));
});
