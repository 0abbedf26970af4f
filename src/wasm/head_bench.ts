/** What is done to the head of a typical request on its way, each step ready to be called again and again. */
import { FieldBench } from "./field_bench.ts";
import { BlockKind, FieldFlag } from "./http2.ts";
import { HEAP_START } from "./module.ts";
import { typicalRequest } from "./typical_request.ts";
import { Workbench } from "./workbench.ts";

export interface Step {
  readonly name: string;
  run(): void;
}

const MAX_FIELDS = 100, MAX_LIST = 16384, ROOM = 16384;

/** A step over memory of its own, that no other step disturbs. */
function step(name: string, usesHuffman: boolean, prepare: (bench: FieldBench) => () => void): Step {
  const bench = new FieldBench(new Workbench(), 4096, 4096, usesHuffman);
  return { name, run: prepare(bench) };
}

function decoding(bench: FieldBench, block: Uint8Array): () => void {
  const { exports, memory } = bench.bench.module, at = 6 * HEAP_START, text = 8 * HEAP_START;
  memory.bytes.set(block, at);
  return () => {
    exports.hpackDecode(
      bench.decoder,
      at,
      at + block.length,
      bench.record,
      bench.base,
      text,
      text + ROOM,
      MAX_FIELDS,
      MAX_LIST,
      BlockKind.Request,
    );
  };
}

function indexed(bench: FieldBench): Uint8Array {
  for (let round = 0; round < 2; round++) bench.decode(bench.encode(typicalRequest()));
  return bench.encode(typicalRequest());
}

export function headSteps(): Step[] {
  const out = 14 * HEAP_START, count = typicalRequest().length;
  return [
    step(`HPACK decode, ${count} fields, all indexed`, true, (bench) => decoding(bench, indexed(bench))),
    step(
      `HPACK decode, ${count} fields, Huffman literals`,
      true,
      (bench) => decoding(bench, bench.encode(typicalRequest(FieldFlag.NeverIndexed))),
    ),
    step(
      `HPACK decode, ${count} fields, plain literals`,
      false,
      (bench) => decoding(bench, bench.encode(typicalRequest(FieldFlag.NeverIndexed))),
    ),
    step(`encodeHead, ${count} fields, all in the table`, true, (bench) => {
      bench.decode(indexed(bench));
      const { encodeHead } = bench.bench.module.exports;
      return () => {
        encodeHead(
          bench.encoder,
          bench.record,
          bench.base,
          out,
          out + ROOM,
          BlockKind.Request,
          0,
          0,
          0,
          0,
          0,
        );
      };
    }),
    step(`writeHttp1Head, ${count} fields`, true, (bench) => {
      bench.decode(indexed(bench));
      const { writeHttp1Head } = bench.bench.module.exports;
      return () => {
        writeHttp1Head(bench.record, bench.base, out, out + ROOM, BlockKind.Request, 0, 0, 0, 0, 0, 0);
      };
    }),
  ];
}
