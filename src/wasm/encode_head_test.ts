import assert from "node:assert/strict";
import { type Field } from "./field_bench.ts";
import { BlockKind, BlockReason, FieldFlag } from "./http2.ts";
import { HeaderName } from "./http1.ts";
import { TranscodeBench } from "./transcode_bench.ts";
import { Workbench } from "./workbench.ts";

const workbench = new Workbench();

const pairs = (list: readonly Field[]) => list.map(({ name, value }) => [name, value]);

/** The fields of an HTTP/1 request as HTTP/2 carries them, pseudo-header fields first. */
function requestFields(text: string, options = {}) {
  const { head, reason, list } = new TranscodeBench(workbench).toHttp2(text, BlockKind.Request, options);
  assert.equal(BlockReason[reason], "None");
  const { methodText, scheme, authority, target, protocol } = head;
  return { pseudo: [methodText, scheme, authority, target, protocol], fields: pairs(list) };
}

Deno.test("an HTTP/1 request becomes a field block with names in lower case", () => {
  const { pseudo, fields } = requestFields(
    "POST /a?b HTTP/1.1\r\nHost: web.demo:8080\r\nAccept: */*\r\nX-Own-Name: Ab C\r\ncontent-LENGTH: 3\r\n\r\n",
  );
  assert.deepEqual(pseudo, ["POST", "http", "web.demo:8080", "/a?b", ""]);
  assert.deepEqual(fields, [["accept", "*/*"], ["x-own-name", "Ab C"], ["content-length", "3"]]);
});

const targets: readonly (readonly [string, readonly string[]])[] = [
  ["GET / HTTP/1.1\r\nHost: a", ["GET", "http", "a", "/"]],
  ["GET http://b/c?d HTTP/1.1\r\nHost: a", ["GET", "http", "b", "/c?d"]],
  ["GET HTTPS://b:1 HTTP/1.1\r\nHost: a", ["GET", "https", "b:1", "/"]],
  ["GET http://b?d HTTP/1.1\r\nHost: a", ["GET", "http", "b", "/?d"]],
  ["OPTIONS http://b HTTP/1.1\r\nHost: a", ["OPTIONS", "http", "b", "*"]],
  ["OPTIONS * HTTP/1.1\r\nHost: a", ["OPTIONS", "http", "a", "*"]],
  ["OPTIONS / HTTP/1.1\r\nHost: a", ["OPTIONS", "http", "a", "/"]],
  ["GET / HTTP/1.1\r\nHost:", ["GET", "http", "", "/"]],
  ["GET / HTTP/1.0", ["GET", "http", "", "/"]],
  ["CONNECT a:443 HTTP/1.1\r\nHost: a:443", ["CONNECT", "", "a:443", ""]],
  ["own-Method //x//y HTTP/1.1\r\nHost: a", ["own-Method", "http", "a", "//x//y"]],
];
for (const [head, wanted] of targets) {
  Deno.test(`the pseudo-header fields (RFC 9113 8.3.1) of ${JSON.stringify(head)}`, () => {
    assert.deepEqual(requestFields(`${head}\r\n\r\n`).pseudo.slice(0, 4), wanted);
  });
}

Deno.test("fields of one connection stay behind (RFC 9113 8.2.2, RFC 9110 7.6.1), whoever names them", () => {
  const { fields } = requestFields(
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: x-mine, keep-alive\r\nX-Mine: 1\r\nKeep-Alive: 5\r\n" +
      "Proxy-Connection: close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\nTransfer-Encoding: chunked\r\nB: 2\r\n\r\n",
  );
  assert.deepEqual(fields, [["b", "2"]]);
});

Deno.test("te goes on as te: trailers or not at all, also where Connection names it", () => {
  const te = (lines: string) => requestFields(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n`).fields;
  assert.deepEqual(te("TE: trailers"), [["te", "trailers"]]);
  assert.deepEqual(te("Connection: TE\r\nTE: gzip, Trailers"), [["te", "trailers"]]);
  assert.deepEqual(te("TE: gzip"), []);
  assert.deepEqual(te("TE: trailers\r\nTE: trailers"), [["te", "trailers"]]);
  const dropped = { drops: [HeaderName.Te] };
  assert.deepEqual(requestFields("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n", dropped).fields, []);
});

Deno.test("what the caller drops is missing, from all three words, and what it adds stands last", () => {
  const { fields } = requestFields(
    "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nServer: s\r\nVia: v\r\nl5d-Client-Id: me\r\nl5d-own: x\r\n\r\n",
    {
      drops: [HeaderName.Expect, HeaderName.Via, HeaderName.L5dClientId],
      extra: "l5d-client-id: you\r\nx: \r\n",
    },
  );
  assert.deepEqual(fields, [["server", "s"], ["l5d-own", "x"], ["l5d-client-id", "you"], ["x", ""]]);
});

Deno.test("a response keeps status and fields, of any status but 101", () => {
  for (const status of [100, 103, 200, 204, 206, 304, 400, 404, 500, 599, 999]) {
    const bench = new TranscodeBench(workbench);
    const { head, reason, list } = bench.toHttp2(
      `HTTP/1.1 ${status} x\r\nDate: now\r\nConnection: close\r\n\r\n`,
      BlockKind.Response,
    );
    assert.equal(reason, 0);
    assert.equal(head.status, status);
    assert.deepEqual(pairs(list), [["date", "now"]]);
  }
  const { reason } = new TranscodeBench(workbench).toHttp2("HTTP/1.1 101 x\r\n\r\n", BlockKind.Response);
  assert.equal(BlockReason[reason], "BadStatus");
});

Deno.test("a length goes on only where there can be content (RFC 9110 8.6)", () => {
  for (const [status, length] of [["103", 0], ["204", 0], ["200", 1], ["304", 1]] as const) {
    const bench = new TranscodeBench(workbench);
    const fields = [{ name: ":status", value: status }, { name: "content-length", value: "5" }];
    bench.fields.decode(bench.fields.encode(fields), BlockKind.Response);
    const block = bench.encode(bench.decoded, BlockKind.Response);
    assert.ok(block);
    assert.equal(bench.fields.decode(block, BlockKind.Response).head.headers.length, length, status);
  }
});

Deno.test("credentials are never indexed, and what was never indexed stays so on every hop", () => {
  const bench = new TranscodeBench(workbench);
  const text =
    "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic x\r\nProxy-Authorization: y\r\nCookie: a=b\r\n" +
    `Set-Cookie: ${"s".repeat(40)}\r\nX: y\r\nCookie: ${"c".repeat(20)}\r\n\r\n`;
  const never = (list: readonly Field[]) =>
    list.filter(({ flags = 0 }) => flags & FieldFlag.NeverIndexed).map(({ name, value }) =>
      `${name} ${value.length}`
    );
  const wanted = ["authorization 7", "proxy-authorization 1", "cookie 3", "set-cookie 40"];
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(never(bench.toHttp2(text, BlockKind.Request).list), wanted);
  }
  const marked = [
    { name: ":status", value: "200" },
    { name: "x", value: "secret", flags: FieldFlag.NeverIndexed },
  ];
  bench.fields.decode(bench.fields.encode(marked), BlockKind.Response);
  const block = bench.encode(bench.decoded, BlockKind.Response);
  assert.ok(block);
  assert.deepEqual(never(bench.fields.decode(block, BlockKind.Response).head.headers), ["x 6"]);
});

Deno.test("an extended CONNECT goes on with its protocol (RFC 8441)", () => {
  const bench = new TranscodeBench(workbench);
  const fields: readonly [string, string][] = [
    [":method", "CONNECT"],
    [":protocol", "websocket"],
    [":scheme", "https"],
    [":path", "/chat"],
    [":authority", "a"],
    ["sec-websocket-version", "13"],
  ];
  bench.fields.decode(bench.fields.encode(fields.map(([name, value]) => ({ name, value }))));
  const block = bench.encode(bench.decoded, BlockKind.Request);
  assert.ok(block);
  const { head, reason } = bench.fields.decode(block);
  assert.equal(reason, 0);
  assert.deepEqual([head.methodText, head.protocol, head.scheme, head.path, head.authority], [
    "CONNECT",
    "websocket",
    "https",
    "/chat",
    "a",
  ]);
  assert.deepEqual(pairs(head.headers), [["sec-websocket-version", "13"]]);
});

Deno.test("trailers go on without what may not be one", () => {
  const { list, reason } = new TranscodeBench(workbench).toHttp2(
    "Grpc-Status: 0\r\nContent-Length: 4\r\nHost: b\r\nTE: trailers\r\nTrailer: x\r\nConnection: y\r\nY: 1\r\n\r\n",
    BlockKind.Trailers,
    { extra: "l5d-proxy-error: x\r\n" },
  );
  assert.equal(reason, 0);
  assert.deepEqual(pairs(list), [["grpc-status", "0"], ["y", "1"], ["l5d-proxy-error", "x"]]);
});

Deno.test("without room for the worst case nothing is written, and the table is as it was", () => {
  const text = "GET /some/path HTTP/1.1\r\nHost: a.b.c\r\nAccept: text/plain\r\nX-Name: some value\r\n\r\n";
  const bench = new TranscodeBench(workbench);
  const { bytes } = workbench.module.memory;
  workbench.request(text);
  const table = () => bytes.slice(bench.fields.encoder, bench.fields.encoder + 8192);
  bench.fields.resizeEncoder(1000);
  const before = table();
  let least = 0;
  while (bench.encode(bench.parsed, BlockKind.Request, { room: least, extra: "a: b\r\n" }) === undefined) {
    assert.deepEqual(table(), before, `room of ${least}`);
    least++;
  }
  assert.ok(least > text.length && least < text.length + 500, String(least));
});

Deno.test("long texts fit into the room that is promised to suffice", () => {
  for (const length of [0, 100, 126, 127, 128, 255, 4000]) {
    const bench = new TranscodeBench(workbench, false, 0);
    const lines = `${"N".repeat(length + 1)}: ${"v".repeat(length)}\r\n`;
    const text = `GET http://b?${"p".repeat(length)} HTTP/1.1\r\nHost: a\r\n${lines.repeat(3)}\r\n`;
    const extra = lines.toLowerCase().repeat(2);
    const room = text.length + extra.length + 16 * 12 + 2 * length + 256;
    const { reason, list } = bench.toHttp2(text, BlockKind.Request, { extra, room });
    assert.equal(reason, 0);
    assert.equal(list.length, 5);
    assert.ok(list.every(({ name, value }) => name === "n".repeat(length + 1) && value.length === length));
  }
});

Deno.test("a block begins with the size update that is due, once", () => {
  const bench = new TranscodeBench(workbench);
  workbench.response("HTTP/1.1 200 OK\r\n\r\n");
  bench.fields.resizeEncoder(0);
  assert.deepEqual([...bench.encode(bench.parsed, BlockKind.Response) ?? []], [0x20, 0x88]);
  assert.deepEqual([...bench.encode(bench.parsed, BlockKind.Response) ?? []], [0x88]);
});
