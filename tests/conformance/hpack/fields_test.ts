/**
 * The rules for fields of RFC 9113 section 8: every case with and without Huffman codes, fresh and from the table; and
 * every byte at the beginning, in the middle and at the end of everything that HTTP/1 would write into a line. What is
 * accepted must come out of writeHttp1Head as one head that our HTTP/1 parser takes whole.
 */
import assert from "node:assert/strict";
import { BlockKind, BlockReason } from "../../../src/wasm/http2.ts";
import { TranscodeBench } from "../../../src/wasm/transcode_bench.ts";
import { Workbench } from "../../../src/wasm/workbench.ts";
import { changed, fieldCases, GET, OK, type Pair } from "./field_cases.ts";

const workbench = new Workbench();
const lists = (fields: readonly Pair[]) => fields.map(([name, value]) => ({ name, value }));

/** The head in HTTP/1, which must be read as one head, and no more than it. */
function readAsHttp1(bench: TranscodeBench, kind: BlockKind): void {
  const text = bench.write(bench.decoded, kind);
  assert.ok(text !== undefined);
  const { outcome, reason } = kind === BlockKind.Request
    ? workbench.request(text)
    : kind === BlockKind.Response
    ? workbench.response(text)
    : workbench.trailers(text);
  assert.equal(outcome, text.length, `${JSON.stringify(text)}: reason ${reason}`);
}

for (const { clause, says, kind, fields, expect } of fieldCases) {
  Deno.test(`RFC 9113 ${clause}: ${says}`, () => {
    for (const usesHuffman of [false, true]) {
      const bench = new TranscodeBench(workbench, usesHuffman);
      // The third time all is in the table.
      for (let round = 0; round < 3; round++) {
        const { outcome, reason } = bench.fields.decode(bench.fields.encode(lists(fields)), kind);
        assert.ok(outcome >= 0, "the connection goes on");
        assert.equal(BlockReason[reason], BlockReason[expect], `round ${round}`);
        if (reason === BlockReason.None) readAsHttp1(bench, kind);
      }
    }
  });
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/;
const isText = (byte: number) => byte === 9 || (byte >= 32 && byte !== 127);
const isTarget = (byte: number) => byte > 32 && byte < 127 && byte !== 35;
const isHost = (character: string) => /^[-._~!$&'()*+,;=0-9A-Za-z]$/.test(character);

interface Place {
  readonly what: string;
  readonly kind: BlockKind;
  readonly fields: (text: string) => readonly Pair[];
  /** Whether the byte may stand there: at the beginning, within, or at the end. */
  readonly allows: (byte: number, position: number) => boolean;
  readonly around: readonly [string, string];
}

const isLower = (byte: number) => TOKEN.test(String.fromCharCode(byte)) && !(byte >= 65 && byte <= 90);
const places: readonly Place[] = [
  {
    what: "a name",
    kind: BlockKind.Trailers,
    fields: (text) => [[text, "v"]],
    allows: isLower,
    around: ["name", "tail"],
  },
  {
    what: "a value",
    kind: BlockKind.Trailers,
    fields: (text) => [["n", text]],
    allows: (byte, position) => isText(byte) && (position === 1 || (byte !== 9 && byte !== 32)),
    around: ["some value that is ", "longer than sixteen bytes"],
  },
  {
    what: "a path",
    kind: BlockKind.Request,
    fields: (text) => changed(GET, { ":path": `/${text}` }),
    allows: isTarget,
    around: ["path", "tail"],
  },
  {
    what: "a method",
    kind: BlockKind.Request,
    fields: (text) => changed(GET, { ":method": text }),
    allows: (byte) => TOKEN.test(String.fromCharCode(byte)),
    around: ["GET", "ALSO"],
  },
  {
    what: "a scheme",
    kind: BlockKind.Request,
    fields: (text) => changed(GET, { ":scheme": text }),
    allows: isLower,
    around: ["ht", "tp"],
  },
  {
    what: "an authority",
    kind: BlockKind.Request,
    fields: (text) => changed(GET, { ":authority": text }),
    // A colon begins the port: a name must stand before it, and digits follow. After a percent sign "80" is a number.
    allows: (byte, position) =>
      byte === 58 ? position > 0 : byte === 37 ? position === 1 : isHost(String.fromCharCode(byte)),
    around: ["host", "80"],
  },
  {
    what: "a status",
    kind: BlockKind.Response,
    fields: (text) => [[":status", text.slice(0, 3)], ...OK.slice(1)],
    allows: (byte, position) => byte >= (position === 0 ? 49 : 48) && byte <= 57,
    around: ["2", "0"],
  },
];

for (const { what, kind, fields, allows, around: [before, after] } of places) {
  Deno.test(`RFC 9113 8.2, 8.3: every byte at every place of ${what}`, () => {
    for (let byte = 0; byte < 256; byte++) {
      const character = String.fromCharCode(byte);
      const texts = [character + before + after, before + character + after, before + after + character];
      texts.forEach((text, position) => {
        for (const usesHuffman of [false, true]) {
          const bench = new TranscodeBench(workbench, usesHuffman);
          const { reason } = bench.fields.decode(bench.fields.encode(lists(fields(text))), kind);
          const says = `byte ${byte} at place ${position}`;
          assert.equal(
            reason === BlockReason.None,
            allows(byte, position),
            `${says}: ${BlockReason[reason]}`,
          );
          if (reason === BlockReason.None) readAsHttp1(bench, kind);
        }
      });
    }
  });
}
