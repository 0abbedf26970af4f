import assert from "node:assert/strict";
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { FieldBench } from "./field_bench.ts";
import { BareConnection } from "./bare_connection.ts";
import { FrameFlag, FrameType } from "./http2.ts";
import { Workbench } from "./workbench.ts";

const bench = new Workbench();

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
  const connection = new BareConnection(bench, await listener.accept());
  const coder = new FieldBench(bench, 4096, 4096, true);
  await connection.acceptClient();
  await connection.write(FrameType.Settings, 0, 0);
  for (const round of [1, 2, 3]) {
    const answer = request(session, `/path/${round % 2}`);
    const frame = await connection.read(FrameType.Headers);
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
    await connection.write(FrameType.Headers, FrameFlag.EndHeaders, frame.streamId, block);
    await connection.write(
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
