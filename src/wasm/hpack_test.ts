import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import hpack from "hpack.js";
import { FieldBench } from "./field_bench.ts";
import { BlockKind, BlockReason, FieldFlag } from "./http2.ts";
import { HeadFlag, Method, Outcome } from "./http1.ts";
import { Workbench } from "./workbench.ts";

const workbench = new Workbench();

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll(/\s/g, "").match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

const hexOf = (byte: number) => byte.toString(16).padStart(2, "0");
const hexOfText = (text: string) => [...text].map((character) => hexOf(character.charCodeAt(0))).join("");

const C3 = [
  "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
  "8286 84be 5808 6e6f 2d63 6163 6865",
  "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
];
const C4 = [
  "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
  "8286 84be 5886 a8eb 1064 9cbf",
  "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
];
const C_REQUESTS = [
  [[":method", "GET"], [":scheme", "http"], [":authority", "www.example.com"], [":path", "/"]],
  [[":method", "GET"], [":scheme", "http"], [":authority", "www.example.com"], [":path", "/"], [
    "cache-control",
    "no-cache",
  ]],
  [[":method", "GET"], [":scheme", "https"], [":authority", "www.example.com"], [":path", "/index.html"], [
    "custom-key",
    "custom-value",
  ]],
];
const C5 = [
  "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 54" +
  "6e17 6874 7470 733a 2f2f 7777 772e 6578 616d 706c 652e 636f 6d",
  "4803 3330 37c1 c0bf",
  "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d" +
  "4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572" +
  "7369 6f6e 3d31",
];
const C6 = [
  "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b" +
  "97c8 e9ae 82ae 43d3",
  "4883 640e ffc1 c0bf",
  "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf" +
  "cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
];
const DATE = ["date", "Mon, 21 Oct 2013 20:13:21 GMT"];
const LOCATION = ["location", "https://www.example.com"];
const C_RESPONSES = [
  [[":status", "302"], ["cache-control", "private"], DATE, LOCATION],
  [[":status", "307"], ["cache-control", "private"], DATE, LOCATION],
  [[":status", "200"], ["cache-control", "private"], ["date", "Mon, 21 Oct 2013 20:13:22 GMT"], LOCATION, [
    "content-encoding",
    "gzip",
  ], ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"]],
];

for (const [name, blocks] of [["C.3", C3], ["C.4", C4]] as const) {
  Deno.test(`the requests of RFC 7541 ${name} decode in sequence`, () => {
    const bench = new FieldBench(workbench);
    blocks.forEach((block, index) =>
      assert.deepEqual(bench.fields(bench.decode(hex(block))), C_REQUESTS[index])
    );
  });
}

for (const [name, blocks] of [["C.5", C5], ["C.6", C6]] as const) {
  Deno.test(`the responses of RFC 7541 ${name} decode in sequence, with evictions from 256 bytes`, () => {
    const bench = new FieldBench(workbench, 256);
    blocks.forEach((block, index) => {
      const decoded = bench.decode(hex(block), BlockKind.Response);
      assert.deepEqual(bench.fields(decoded, BlockKind.Response), C_RESPONSES[index]);
    });
  });
}

Deno.test("our encoder makes the bytes of RFC 7541 C.4", () => {
  const bench = new FieldBench(workbench, 4096, 4096, true);
  C_REQUESTS.forEach((fields, index) => {
    const [method, scheme, authority, path, ...others] = fields.map(([name = "", value = ""]) => ({
      name,
      value,
    }));
    const block = bench.encode(
      [method, scheme, path, authority, ...others].filter((field) => field !== undefined),
    );
    assert.deepEqual(block, hex(C4[index] ?? ""));
  });
});

/** A seeded sequence of numbers below `bound` (mulberry32). */
function random(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

const NAMES = [
  "accept",
  "accept-encoding",
  "x-a",
  "x-request-id",
  "grpc-status",
  "b",
  "te-x",
  "cookie",
  "via",
  "zz".repeat(30),
];

/** Fields as applications send them: few names, values that recur, some long, some new, bytes of every kind. */
function fieldLists(seed: number, lists: number): [string, string][][] {
  const next = random(seed);
  const values = Array.from({ length: 12 }, () => {
    const length = next(4) === 0 ? next(300) : next(20);
    let text = "";
    for (let index = 0; index < length; index++) {
      text += String.fromCharCode(next(8) ? 97 + next(26) : 33 + next(94));
    }
    return text;
  });
  return Array.from({ length: lists }, () => {
    const fields: [string, string][] = [[":method", "GET"], [":scheme", "http"], [":authority", "a.b:1"], [
      ":path",
      "/x",
    ]];
    for (let count = next(12); count > 0; count--) {
      fields.push([
        NAMES[next(NAMES.length)] ?? "",
        next(5) ? values[next(values.length)] ?? "" : String(next(1e6)),
      ]);
    }
    return fields;
  });
}

type Pairs = readonly (readonly [string, string])[];

for (const usesHuffman of [false, true]) {
  for (const size of [0, 64, 300, 4096]) {
    Deno.test(`what we encode, we and hpack.js decode: table of ${size}, ${usesHuffman ? "" : "no "}Huffman`, () => {
      const bench = new FieldBench(workbench, 4096, size, usesHuffman);
      const oracle = hpack.decompressor.create({ table: { maxSize: 4096 } });
      for (const fields of fieldLists(size + 1, 300)) {
        const block = bench.encode(fields.map(([name, value]) => ({ name, value })));
        const decoded = bench.decode(block);
        assert.equal(decoded.reason, BlockReason.None);
        assert.deepEqual(bench.fields(decoded), fields);
        oracle.write(Buffer.from(block));
        oracle.execute();
        const found: [string, string][] = [];
        for (let field = oracle.read(); field !== null; field = oracle.read()) {
          found.push([field.name, field.value]);
        }
        assert.deepEqual(found, fields);
      }
    });
  }
}

for (const huffman of [false, true]) {
  for (const size of [64, 300, 4096]) {
    Deno.test(`what hpack.js encodes, we decode: table of ${size}, ${huffman ? "" : "no "}Huffman`, () => {
      const bench = new FieldBench(workbench, size);
      const oracle = hpack.compressor.create({ table: { maxSize: size } });
      for (const fields of fieldLists(size + 7, 300)) {
        oracle.write(fields.map(([name, value], index) => ({
          name,
          value,
          huffman,
          incremental: index % 3 !== 1,
          neverIndex: index % 3 === 1,
        })));
        const chunks: Uint8Array[] = [];
        for (let chunk = oracle.read(); chunk !== null; chunk = oracle.read()) chunks.push(chunk);
        const decoded = bench.decode(Uint8Array.from(chunks.flatMap((chunk) => [...chunk])));
        assert.equal(decoded.reason, BlockReason.None);
        assert.deepEqual(bench.fields(decoded), fields as Pairs);
      }
    });
  }
}

Deno.test("every byte value survives Huffman, in our coder and across hpack.js", () => {
  const bench = new FieldBench(workbench, 4096, 4096, true);
  for (let byte = 0; byte < 256; byte++) {
    if (byte < 32 || byte === 127) continue;
    const value = `a${String.fromCharCode(byte).repeat(5)}b`;
    const decoded = bench.decode(bench.encode([{ name: "x", value }]), BlockKind.Trailers);
    assert.deepEqual(bench.fields(decoded, BlockKind.Trailers), [["x", value]]);
  }
});

Deno.test("a block cut short is a compression error wherever it is cut inside a field, never a wrong field", () => {
  const block = new FieldBench(workbench, 4096, 4096, true).encode([{
    name: "custom-name",
    value: "some-value",
  }]);
  for (let length = 1; length < block.length; length++) {
    const decoded = new FieldBench(workbench).decode(block.slice(0, length), BlockKind.Trailers);
    assert.equal(decoded.outcome, Outcome.Bad, `cut at ${length}`);
  }
});

const broken: readonly (readonly [string, string, BlockReason])[] = [
  ["index 0", "80", BlockReason.BadIndex],
  ["an index beyond both tables", "be", BlockReason.BadIndex],
  ["a name index beyond both tables", "7e 0161", BlockReason.BadIndex],
  ["an integer without end", "ff 80 80 80 80 80 80 00", BlockReason.BadInteger],
  ["an integer cut short", "ff 80", BlockReason.Truncated],
  ["a string longer than the block", "40 0161 05 6262", BlockReason.Truncated],
  ["a size above the limit", "3f e2 1f", BlockReason.BadSizeUpdate],
  ["a size update after a field", "82 20", BlockReason.BadSizeUpdate],
  ["Huffman padding of zeroes", "40 0161 81 18", BlockReason.BadHuffman],
  ["Huffman padding of eight bits", "40 0161 82 1f ff", BlockReason.BadHuffman],
  ["Huffman with the end of string", "40 0161 84 3f ff ff ff", BlockReason.BadHuffman],
  ["an empty literal's end", "40", BlockReason.Truncated],
];
for (const [what, block, reason] of broken) {
  Deno.test(`compression error: ${what}`, () => {
    const decoded = new FieldBench(workbench).decode(hex(block), BlockKind.Trailers);
    assert.equal(decoded.outcome, Outcome.Bad);
    assert.equal(BlockReason[decoded.reason], BlockReason[reason]);
  });
}

Deno.test("size updates empty the table, twice in one block too", () => {
  const bench = new FieldBench(workbench);
  bench.decode(hex("40 0161 0162"), BlockKind.Trailers);
  assert.deepEqual(bench.fields(bench.decode(hex("be"), BlockKind.Trailers), BlockKind.Trailers), [[
    "a",
    "b",
  ]]);
  assert.equal(bench.decode(hex("20 3fe11f be"), BlockKind.Trailers).reason, BlockReason.BadIndex);
});

Deno.test("what a block refers to survives what the same block adds, however much that is", () => {
  for (const size of [64, 100, 300, 1000]) {
    for (let added = 1; added < 190; added += 3) {
      const bench = new FieldBench(workbench, size);
      const put = (name: string, value: string) =>
        `40${hexOf(name.length)}${hexOfText(name)}${hexOf(value.length)}${hexOfText(value)}`;
      bench.decode(hex(put("first", "kept") + put("second", "too")), BlockKind.Trailers);
      const lost = size < 37 + 9 + 41;
      let block = lost ? "be" : "bfbe";
      const wanted: [string, string][] = lost ? [["second", "too"]] : [["first", "kept"], ["second", "too"]];
      for (let index = 0; index < added; index++) {
        const [name, value] = [`n${index}`, "v".repeat(index % (size > 90 ? 50 : 20))];
        // Every second one takes its name from the table, where it was put just before.
        if (index % 2 === 1) {
          block += `7e${hexOf(value.length)}${hexOfText(value)}`;
          wanted.push([wanted[wanted.length - 1]?.[0] ?? "", value]);
        } else {
          block += put(name, value);
          wanted.push([name, value]);
        }
      }
      const decoded = bench.decode(hex(block), BlockKind.Trailers);
      assert.deepEqual(bench.fields(decoded, BlockKind.Trailers), wanted, `${added} into ${size}`);
    }
  }
});

Deno.test("our encoder announces the smallest size and the last one, then uses the new size", () => {
  const bench = new FieldBench(workbench);
  const fields = [{ name: "name", value: "value" }];
  bench.encode(fields);
  bench.resizeEncoder(0);
  bench.resizeEncoder(128);
  assert.deepEqual([...bench.encode([])], [0x20, 0x3f, 0x61]);
  assert.equal(bench.encode(fields)[0], 0x40);
  assert.deepEqual([...bench.encode(fields)], [0xbe]);
});

Deno.test("never-indexed fields are encoded so, keep their mark when decoded, and stay out of the table", () => {
  const bench = new FieldBench(workbench);
  const secret = { name: "authorization", value: "Bearer x", flags: FieldFlag.NeverIndexed };
  for (let round = 0; round < 2; round++) {
    const block = bench.encode([secret]);
    assert.equal((block[0] ?? 0) & 0xf0, 0x10);
    const decoded = bench.decode(block, BlockKind.Trailers);
    assert.equal(decoded.head.headers[0]?.flags, FieldFlag.NeverIndexed);
  }
});

Deno.test("the head record is filled as HTTP/1 fills it", () => {
  const bench = new FieldBench(workbench);
  const { head, reason } = bench.decode(bench.encode([
    { name: ":method", value: "POST" },
    { name: ":scheme", value: "https" },
    { name: ":authority", value: "web.demo:8080" },
    { name: ":path", value: "/a/b?c" },
    { name: "te", value: "trailers" },
    { name: "content-length", value: "12" },
    { name: "l5d-client-id", value: "x" },
  ]));
  assert.equal(reason, BlockReason.None);
  assert.equal(head.method, Method.Post);
  assert.equal(head.version, 20);
  assert.equal(head.scheme, "https");
  assert.equal(head.authorityName, "web.demo");
  assert.equal(head.port, 8080);
  assert.equal(head.pathOnly, "/a/b");
  assert.equal(head.contentLength, 12);
  assert.equal(head.flags, HeadFlag.AcceptsTrailers | HeadFlag.HasMeshHeader);
});
