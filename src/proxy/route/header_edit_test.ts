import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { BlockKind } from "../../wasm/http2.ts";
import { viewHead } from "../../wasm/head.ts";
import { readRequest } from "../testing/head.ts";
import { Arena, HPACK_TABLE_MAX } from "../worker/arena.ts";
import { EditLines } from "./edit_lines.ts";
import type { HeaderChanges } from "./filters.ts";
import { type HeaderEdit, headerEditOf } from "./header_edit.ts";

const arena = Arena.create(),
  lines = new EditLines(arena),
  { wasm, memory, recordAt, scratchAt: out } = arena;

const changes = (some: Partial<HeaderChanges>): HeaderChanges => ({ add: [], set: [], remove: [], ...some });

function editOf(...all: Partial<HeaderChanges>[]): HeaderEdit {
  const edit = headerEditOf(all.map(changes));
  ok(typeof edit === "object", String(edit));
  return edit;
}

type Fields = readonly (readonly [string, string])[];

function fieldsOf(at: number): Fields {
  return viewHead(memory, at, recordAt).headers
    .filter(({ name }) => name.toLowerCase() !== "host")
    .map(({ name, value }) => [name.toLowerCase(), value] as const);
}

/** The fields of a request after the edit, as the next hop reads them from HTTP/1 written in each way, and from HTTP/2. */
function edited(headers: Fields, edit: HeaderEdit): Fields[] {
  const read = () => readRequest(arena, { headers: headers.map(([name, value]) => `${name}: ${value}`) });
  const parse = (length: number) =>
    equal(wasm.parseRequestHead(out, out + length, recordAt, 0, 32768, 16384, 128), length);
  const all: Fields[] = [];
  for (const write of ["in place", "anew", "http2"]) {
    const at = read();
    const extra = lines.compose(at, 0, 0, edit, undefined);
    if (write === "in place") parse(wasm.rewriteHead(recordAt, at, out, 0, 0, 0, 0, lines.at, extra));
    else if (write === "anew") {
      parse(
        wasm.writeHttp1Head(
          recordAt,
          at,
          out,
          out + 65536,
          BlockKind.Request,
          0,
          0,
          0,
          0,
          lines.at,
          extra,
        ),
      );
    } else {
      const [decoder, encoder] = [arena.takeTable(), arena.takeTable()];
      wasm.hpackDecoderStart(decoder, HPACK_TABLE_MAX);
      wasm.hpackEncoderStart(encoder, HPACK_TABLE_MAX, 0);
      const end = out + 65536, kind = BlockKind.Request, text = arena.hpackTextAt;
      const length = wasm.encodeHead(encoder, recordAt, at, out, end, kind, 0, 0, 0, lines.at, extra);
      wasm.hpackDecode(decoder, out, out + length, recordAt, 0, text, text + 65536, 128, 65536, kind);
      equal(memory.words[recordAt >> 2], 0, "the block is well-formed");
      arena.giveTable(decoder);
      arena.giveTable(encoder);
    }
    all.push(fieldsOf(write === "http2" ? 0 : out));
  }
  return all;
}

Deno.test("fields are added, set and removed in either version, whatever the case of their names", () => {
  const edit = editOf({
    add: [["X-New", "1"], ["x-kept", "2"]],
    set: [["X-Set", "new"]],
    remove: ["X-GONE"],
  });
  const before: Fields = [["x-kept", "1"], ["X-Set", "old"], ["x-set", "older"], ["x-gone", "1"], [
    "accept",
    "*/*",
  ]];
  for (const fields of edited(before, edit)) {
    deepEqual(fields, [["x-kept", "1"], ["accept", "*/*"], ["x-new", "1"], ["x-kept", "2"], [
      "x-set",
      "new",
    ]]);
  }
});

Deno.test("changes act in the order add, set, remove, and filter after filter", () => {
  const text = (edit: HeaderEdit) => new TextDecoder().decode(edit.lines);
  equal(text(editOf({ add: [["a", "1"]], set: [["a", "2"]] })), "a: 2\r\n");
  equal(text(editOf({ add: [["a", "1"]], set: [["b", "2"]], remove: ["a"] })), "b: 2\r\n");
  equal(text(editOf({ remove: ["a"] }, { add: [["a", "1"]] })), "a: 1\r\n");
  equal(text(editOf({ set: [["a", "1"]] }, { set: [["a", "2"], ["a", "3"]] })), "a: 3\r\n");
  equal(text(editOf({ add: [["a", " padded\t"]] })), "a: padded\r\n");
  equal(headerEditOf([]), undefined);
});

for (
  const [what, some] of [
    ["a name with a colon", { add: [["x:y", "1"]] }],
    ["a name that ends its line", { add: [["x\r\ny", "1"]] }],
    ["no name", { set: [["", "1"]] }],
    ["a pseudo-header field", { set: [[":path", "/"]] }],
    ["a value that ends its line", { add: [["x", "1\r\nhost: evil"]] }],
    ["a bare line feed", { add: [["x", "1\nhost: evil"]] }],
    ["a null byte", { add: [["x", "\0"]] }],
    ["Host", { set: [["Host", "evil"]] }],
    ["Content-Length", { set: [["content-length", "0"]] }],
    ["Transfer-Encoding, taken away", { remove: ["Transfer-Encoding"] }],
    ["Connection", { add: [["connection", "x-a"]] }],
    ["what only the mesh says", { set: [["L5d-Client-Id", "admin"]] }],
    ["more than a head may grow by", { add: [["x", "y".repeat(1400)]] }],
  ] as const satisfies readonly (readonly [string, Partial<HeaderChanges>])[]
) {
  Deno.test(`a route cannot change heads by ${what}`, () => {
    equal(typeof headerEditOf([changes(some)]), "string");
  });
}

const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/)
  .filter((name) => typeof headerEditOf([changes({ remove: [name] })]) === "object" && name !== "cookie");
const value = fc.stringMatching(/^[!-~]{0,20}$/);
const field = fc.tuple(token, value), some = fc.array(field, { maxLength: 4 });

Deno.test("whatever policies ask for, the next hop reads what they meant, and nothing else", () => {
  fc.assert(fc.property(
    some,
    fc.array(fc.record({ add: some, set: some, remove: fc.array(token, { maxLength: 2 }) }), {
      maxLength: 3,
    }),
    (headers, all) => {
      const edit = headerEditOf(all);
      if (edit === undefined || typeof edit === "string") return;
      let expected: Fields = headers;
      for (const { add, set, remove } of all) {
        expected = [...expected, ...add];
        for (const [name, value] of set) {
          expected = [...expected.filter(([other]) => other !== name), [name, value]];
        }
        expected = expected.filter(([name]) => !remove.includes(name));
      }
      const sorted = (fields: Fields) => fields.map(([name, value]) => `${name}: ${value}`).sort();
      for (const fields of edited(headers, edit)) deepEqual(sorted(fields), sorted(expected));
    },
  ));
});
