import assert from "node:assert/strict";
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { FieldBench } from "./field_bench.ts";
import { Frame, FRAME_HEAD_BYTES, FrameFlag, FrameType } from "./http2.ts";
import { Workbench } from "./workbench.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const bench = new Workbench();
const { module, record, at } = bench;

interface ReadFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly content: Uint8Array;
}

/** Reads the bytes of a connection frame by frame with our reader, one byte more at a time. */
class FrameReader {
  #bytes = new Uint8Array();
  readonly #connection: Deno.Conn;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  async #need(length: number): Promise<void> {
    while (this.#bytes.length < length) {
      const chunk = new Uint8Array(4096);
      const count = await this.#connection.read(chunk);
      if (count === null) throw new Error("the peer hung up");
      this.#bytes = Uint8Array.from([...this.#bytes, ...chunk.subarray(0, count)]);
    }
  }

  async text(length: number): Promise<string> {
    await this.#need(length);
    const text = new TextDecoder().decode(this.#bytes.slice(0, length));
    this.#bytes = this.#bytes.slice(length);
    return text;
  }

  async frame(): Promise<ReadFrame> {
    for (let given = 1;; given++) {
      await this.#need(given);
      const before = module.exports.readFrameHead(
        at,
        bench.put(this.#bytes.subarray(0, given)),
        record,
        16384,
      );
      if (before < 0) continue;
      const word = (index: number) => module.memory.words[(record >> 2) + index] ?? 0;
      const [type, flags, streamId] = [word(Frame.Type), word(Frame.Flags), word(Frame.StreamId)];
      const [length, contentLength] = [word(Frame.Length), word(Frame.ContentLength)];
      await this.#need(FRAME_HEAD_BYTES + length);
      const content = this.#bytes.slice(before, before + contentLength);
      this.#bytes = this.#bytes.slice(FRAME_HEAD_BYTES + length);
      return { type, flags, streamId, content };
    }
  }
}

async function writeFrame(
  connection: Deno.Conn,
  type: number,
  flags: number,
  stream: number,
  content: Uint8Array,
): Promise<void> {
  module.exports.writeFrameHead(at, content.length, type, flags, stream);
  const bytes = Uint8Array.from([...module.memory.bytes.slice(at, at + FRAME_HEAD_BYTES), ...content]);
  for (let written = 0; written < bytes.length;) written += await connection.write(bytes.subarray(written));
}

function request(
  session: ClientHttp2Session,
  path: string,
): Promise<{ headers: IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ":path": path,
      ":method": "GET",
      "x-custom": "some value",
      "te": "trailers",
    });
    let headers: IncomingHttpHeaders = {};
    let body = "";
    stream.setEncoding("utf8");
    stream.on("response", (received) => headers = received);
    stream.on("data", (chunk: string) => body += chunk);
    stream.on("end", () => resolve({ headers, body }));
    stream.on("error", reject);
    stream.end();
  });
}

Deno.test("node:http2 and our frames and field blocks understand each other, tables and all", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const session = connect(`http://127.0.0.1:${port}`);
  const connection = await listener.accept();
  const reader = new FrameReader(connection);
  const coder = new FieldBench(bench, 4096, 4096, true);
  assert.equal(await reader.text(PREFACE.length), PREFACE);
  await writeFrame(connection, FrameType.Settings, 0, 0, new Uint8Array());
  for (const round of [1, 2, 3]) {
    const answer = request(session, `/path/${round % 2}`);
    let frame = await reader.frame();
    while (frame.type !== FrameType.Headers) frame = await reader.frame();
    assert.ok(frame.flags & FrameFlag.EndHeaders);
    const decoded = coder.decode(frame.content);
    assert.equal(decoded.reason, 0);
    assert.equal(decoded.head.path, `/path/${round % 2}`);
    assert.equal(decoded.head.methodText, "GET");
    assert.equal(decoded.head.headers.find(({ name }) => name === "x-custom")?.value, "some value");
    const block = coder.encode([{ name: ":status", value: "207" }, {
      name: "x-round",
      value: `round ${round % 2}`,
    }]);
    await writeFrame(connection, FrameType.Headers, FrameFlag.EndHeaders, frame.streamId, block);
    await writeFrame(
      connection,
      FrameType.Data,
      FrameFlag.EndStream,
      frame.streamId,
      new TextEncoder().encode("hi"),
    );
    const { headers, body } = await answer;
    assert.equal(headers[":status"], 207);
    assert.equal(headers["x-round"], `round ${round % 2}`);
    assert.equal(body, "hi");
  }
  session.destroy();
  connection.close();
  listener.close();
});
