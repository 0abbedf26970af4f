/**
 * Field blocks. Random and mutated blocks must end in fields, a malformed message or a compression error, with every span
 * where it may be; blocks that our encoder made must come back as they were, also through hpack.js.
 */
import { Buffer } from "node:buffer";
import hpack from "hpack.js";
import { type Field, FieldBench } from "../../src/wasm/field_bench.ts";
import { BlockKind, FieldFlag } from "../../src/wasm/http2.ts";
import { Outcome } from "../../src/wasm/http1.ts";
import type { Workbench } from "../../src/wasm/workbench.ts";
import { Random } from "./random.ts";
import type { Target } from "./target.ts";

const NAMES = [
  "accept",
  ":path",
  "x-a",
  "grpc-status",
  "b",
  "cookie",
  "",
  "A",
  "te",
  "x".repeat(40),
  "content-length",
];
const VALUES = [
  "",
  "a",
  "/",
  "0",
  "gzip, deflate",
  "trailers",
  "y".repeat(130),
  "\xff\x80",
  "bad\0",
  " space",
];
const SIZES = [0, 32, 40, 100, 4096];

function integer(prefix: number, bits: number, value: number): string {
  const mask = (1 << bits) - 1;
  if (value < mask) return String.fromCharCode(prefix | value);
  let text = String.fromCharCode(prefix | mask);
  for (value -= mask; value >= 128; value = Math.floor(value / 128)) {
    text += String.fromCharCode(128 | value % 128);
  }
  return text + String.fromCharCode(value);
}

function literal(random: Random, text: string): string {
  if (random.once(4)) {
    const bytes = random.bytes(20);
    return integer(128, 7, random.once(20) ? bytes.length + 1 : bytes.length) + bytes;
  }
  return integer(0, 7, random.once(30) ? text.length + 1 : text.length) + text;
}

/** A block by the grammar of RFC 7541, most indices within reach. */
function generateBlock(random: Random): string {
  let text = random.once(4) ? integer(32, 5, random.pick(SIZES)) : "";
  for (let count = random.below(12); count > 0; count--) {
    const kind = random.below(8);
    const index = random.once(10) ? random.below(5000) : random.below(70);
    if (kind < 3) text += integer(128, 7, index);
    else {
      const [prefix, bits] = kind < 6 ? [64, 6] as const : kind === 6 ? [0, 4] as const : [16, 4] as const;
      const isIndexed = random.once(2);
      text += integer(prefix, bits, isIndexed ? index : 0);
      if (!isIndexed) text += literal(random, random.pick(NAMES));
      text += literal(random, random.pick(VALUES));
    }
  }
  return random.once(3) ? text + random.bytes(6) : text;
}

export function hpackBlockTarget(bench: Workbench): Target {
  return {
    name: "hpack-blocks",
    generate: generateBlock,
    check(input) {
      const coder = new FieldBench(bench, 200);
      // The same table takes the block twice: what the first left in it matters to the second.
      for (let round = 0; round < 2; round++) {
        const { outcome, head } = coder.decode(input, BlockKind.Request, {
          maxHeaders: 8,
          maxListSize: 500,
          textBytes: 900,
        });
        if (outcome < Outcome.Bad || outcome > 900) throw new Error(`used ${outcome} bytes of text`);
        if (outcome === Outcome.Bad) return;
        if (head.headers.length > 8) throw new Error(`${head.headers.length} fields`);
        const total = head.headers.reduce((sum, { name, value }) => sum + name.length + value.length + 32, 0);
        if (total > 500) throw new Error(`a list of ${total} bytes`);
      }
    },
  };
}

/** Turns bytes into lists of fields, so that kept seeds are bytes like those of the other targets. */
function listsFrom(input: Uint8Array): Field[][] {
  const random = new Random(input.reduce((sum, byte) => Math.imul(sum, 31) + byte | 0, 7));
  return Array.from({ length: 6 }, () =>
    Array.from({ length: random.below(10) }, () => ({
      name: random.once(4)
        ? `n${random.below(40)}`
        : random.pick(NAMES.filter((name) => /^[a-z-]+$/.test(name))),
      value: random.once(3)
        ? String(random.below(1000))
        : random.pick(["", "a", "/", "0", "y".repeat(random.below(200))]),
      flags: random.once(6) ? FieldFlag.NeverIndexed : random.once(6) ? FieldFlag.NotIndexed : 0,
    })));
}

export function hpackRoundTripTarget(bench: Workbench): Target {
  return {
    name: "hpack-round-trip",
    generate: (random) => random.bytes(16) || "x",
    check(input) {
      const random = new Random(input.length * 256 + (input[0] ?? 0));
      const coder = new FieldBench(bench, 4096, random.pick(SIZES), random.once(2));
      const oracle = hpack.decompressor.create({ table: { maxSize: 4096 } });
      for (const fields of listsFrom(input)) {
        if (random.once(4)) coder.resizeEncoder(random.pick(SIZES));
        const block = coder.encode(fields);
        const expected = JSON.stringify(fields.map(({ name, value }) => [name, value]));
        const ours = coder.fields(coder.decode(block, BlockKind.Trailers), BlockKind.Trailers);
        if (JSON.stringify(ours) !== expected) {
          throw new Error(`${expected} came back as ${JSON.stringify(ours)}`);
        }
        oracle.write(Buffer.from(block));
        oracle.execute();
        const theirs: [string, string][] = [];
        for (let field = oracle.read(); field !== null; field = oracle.read()) {
          theirs.push([field.name, field.value]);
        }
        if (JSON.stringify(theirs) !== expected) {
          throw new Error(`hpack.js reads ${JSON.stringify(theirs)}, not ${expected}`);
        }
      }
    },
  };
}
