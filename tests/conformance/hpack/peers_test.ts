/**
 * HPACK both ways with other implementations, at every size of table: node:http2 over a connection, hpack.js in memory. What
 * is sent is a sequence of heads with fields that recur, change, are long, are secret; tables shrink and grow meanwhile.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import hpack from "hpack.js";
import { BareConnection } from "../../../src/wasm/bare_connection.ts";
import { type Field, FieldBench } from "../../../src/wasm/field_bench.ts";
import { BlockKind, BlockReason, FieldFlag, FrameFlag, FrameType, Setting } from "../../../src/wasm/http2.ts";
import { TranscodeBench } from "../../../src/wasm/transcode_bench.ts";
import { Workbench } from "../../../src/wasm/workbench.ts";

const workbench = new Workbench();
const SIZES = [0, 1, 31, 32, 64, 4096, 65536];

/** Heads of responses: the same few names, values that recur at different distances, and some that never do. */
function responses(count: number): Field[][] {
  return Array.from({ length: count }, (_, round) => [
    { name: ":status", value: ["200", "404", "299"][round % 3] ?? "" },
    { name: "content-type", value: "application/json" },
    { name: "x-round", value: `round ${round}` },
    { name: "x-third", value: `value ${round % 3}` },
    { name: "x-eleventh", value: "v".repeat(round % 11 * 9) },
    { name: "set-cookie", value: `id=${round % 2}`, flags: FieldFlag.NeverIndexed },
    { name: "x-latin", value: "caf\xe9 \t|~" },
    ...(round % 5 === 0 ? [{ name: "x-long", value: "~".repeat(200) + round % 10 }] : []),
  ]);
}

const pairs = (fields: readonly Field[]) => fields.map(({ name, value }) => [name, value]);

/** What hpack.js reads from a block. */
function readWith(oracle: ReturnType<typeof hpack.decompressor.create>, block: Uint8Array): string[][] {
  oracle.write(Buffer.from(block));
  oracle.execute();
  const found: string[][] = [];
  for (let field = oracle.read(); field !== null; field = oracle.read()) {
    found.push([field.name, field.value]);
  }
  return found;
}

for (const usesHuffman of [false, true]) {
  const how = usesHuffman ? "with Huffman" : "without Huffman";
  for (const size of SIZES) {
    Deno.test(`fields that we encode, ${how}, hpack.js and we decode: table of ${size}`, () => {
      const coder = new FieldBench(workbench, 65536, 65536, usesHuffman);
      coder.resizeEncoder(size);
      const oracle = hpack.decompressor.create({ table: { maxSize: 65536 } });
      for (const fields of responses(60)) {
        const block = coder.encode(fields);
        assert.deepEqual(readWith(oracle, block), pairs(fields));
        const decoded = coder.decode(block, BlockKind.Response);
        assert.equal(BlockReason[decoded.reason], "None");
        assert.deepEqual(coder.fields(decoded, BlockKind.Response), pairs(fields));
      }
    });

    Deno.test(`heads that we encode, ${how}, hpack.js and we decode: table of ${size}`, () => {
      const transcoder = new TranscodeBench(workbench, usesHuffman, 65536);
      const source = new FieldBench(workbench, 4096, 4096);
      const oracle = hpack.decompressor.create({ table: { maxSize: 65536 } });
      // Decoder and encoder of the bench lie where `source` has its own: each is made anew for its half.
      const heads = responses(60);
      const blocks = heads.map((fields) => source.encode(fields));
      const { exports } = workbench.module;
      exports.hpackDecoderStart(source.decoder, 4096);
      exports.hpackEncoderStart(transcoder.fields.encoder, 65536, usesHuffman ? 1 : 0);
      transcoder.fields.resizeEncoder(size);
      blocks.forEach((block, round) => {
        assert.equal(source.decode(block, BlockKind.Response).reason, BlockReason.None);
        const again = transcoder.encode(transcoder.decoded, BlockKind.Response);
        assert.ok(again);
        assert.deepEqual(readWith(oracle, again), pairs(heads[round] ?? []));
      });
    });

    Deno.test(`fields that hpack.js encodes, ${how}, we decode: table of ${size}`, () => {
      const coder = new FieldBench(workbench, size);
      const oracle = hpack.compressor.create({ table: { maxSize: size } });
      // It writes characters, not bytes: what is beyond ASCII would be two.
      const ascii = responses(60).map((fields) => fields.filter(({ name }) => name !== "x-latin"));
      for (const fields of ascii) {
        oracle.write(fields.map(({ name, value, flags }) => ({
          name,
          value,
          huffman: usesHuffman,
          incremental: flags === undefined,
          neverIndex: flags !== undefined,
        })));
        const chunks: Uint8Array[] = [];
        for (let chunk = oracle.read(); chunk !== null; chunk = oracle.read()) chunks.push(chunk);
        const decoded = coder.decode(Uint8Array.from(Buffer.concat(chunks)), BlockKind.Response);
        assert.equal(BlockReason[decoded.reason], "None");
        assert.deepEqual(coder.fields(decoded, BlockKind.Response), pairs(fields));
      }
    });
  }

  Deno.test(`tables that shrink and grow between blocks, ${how}, stay in step with hpack.js`, () => {
    const coder = new FieldBench(workbench, 65536, 65536, usesHuffman);
    const oracle = hpack.decompressor.create({ table: { maxSize: 65536 } });
    responses(200).forEach((fields, round) => {
      if (round % 3 === 0) coder.resizeEncoder(SIZES[round % SIZES.length] ?? 0);
      if (round % 7 === 0) coder.resizeEncoder(SIZES[(round >> 1) % SIZES.length] ?? 0);
      const block = coder.encode(fields);
      assert.deepEqual(readWith(oracle, block), pairs(fields));
      assert.deepEqual(
        coder.fields(coder.decode(block, BlockKind.Response), BlockKind.Response),
        pairs(fields),
      );
    });
  });
}

interface Exchange {
  readonly headers: IncomingHttpHeaders;
}

function request(session: ClientHttp2Session, fields: Readonly<Record<string, string>>): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const stream = session.request(fields);
    let headers: IncomingHttpHeaders = {};
    stream.on("response", (received) => headers = received);
    stream.on("end", () => resolve({ headers }));
    stream.on("error", reject);
    stream.resume();
    stream.end();
  });
}

/** A SETTINGS frame's content of one setting. */
function setting(id: Setting, value: number): Uint8Array {
  const bytes = new Uint8Array(6);
  new DataView(bytes.buffer).setUint16(0, id);
  new DataView(bytes.buffer).setUint32(2, value);
  return bytes;
}

/** The table size in the content of a SETTINGS frame. */
function tableSizeIn(content: Uint8Array): number {
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  for (let at = 0; at < content.length; at += 6) {
    if (view.getUint16(at) === Setting.HeaderTableSize) return view.getUint32(at + 2);
  }
  return 4096;
}

for (const size of SIZES) {
  Deno.test(`node:http2 and we, both with a table of ${size}, understand each other's blocks`, async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    const session = connect(`http://127.0.0.1:${port}`, { settings: { headerTableSize: size } });
    const connection = new BareConnection(workbench, await listener.accept());
    const coder = new FieldBench(workbench, size, 65536, true);
    await connection.acceptClient();
    await connection.write(FrameType.Settings, 0, 0, setting(Setting.HeaderTableSize, size));
    const theirs = await connection.read(FrameType.Settings);
    assert.equal(tableSizeIn(theirs.content), size);
    await connection.write(FrameType.Settings, FrameFlag.Acknowledge, 0);
    coder.resizeEncoder(size);
    await connection.read(FrameType.Settings); // their acknowledgement: from now on their encoder keeps to our size
    for (const [round, fields] of responses(12).entries()) {
      const sent = { "x-round": `request ${round}`, "x-second": String(round % 2), "x-long": "l".repeat(60) };
      const answer = request(session, { ":path": `/path/${round % 2}`, ...sent });
      const frame = await connection.read(FrameType.Headers);
      const decoded = coder.decode(frame.content);
      assert.equal(BlockReason[decoded.reason], "None");
      assert.equal(decoded.head.path, `/path/${round % 2}`);
      const received = new Map(decoded.head.headers.map(({ name, value }) => [name, value]));
      for (const [name, value] of Object.entries(sent)) assert.equal(received.get(name), value);
      const flags = FrameFlag.EndHeaders | FrameFlag.EndStream;
      await connection.write(FrameType.Headers, flags, frame.streamId, coder.encode(fields));
      const { headers } = await answer;
      for (const { name, value } of fields) {
        assert.equal(String(headers[name]), value, `round ${round}, ${name}`);
      }
    }
    session.destroy();
    connection.close();
    listener.close();
  });
}
