import assert from "node:assert/strict";
import { Workbench } from "./workbench.ts";
import { Body, HeaderFlag, HeadFlag, Method, Outcome, Reason } from "./http1.ts";

const bench = new Workbench();

function accepted(bytes: string, method: number = Method.Get) {
  const { head, reason } = bench.response(bytes, method);
  assert.ok(head, `refused (${Reason[reason]}): ${JSON.stringify(bytes)}`);
  return head;
}

Deno.test("a response head is split into status, phrase and fields", () => {
  const head = accepted("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello");
  assert.equal(head.status, 404);
  assert.equal(head.phrase, "Not Found");
  assert.equal(head.body, Body.Length);
  assert.equal(head.contentLength, 5);
  assert.equal(head.flags, HeadFlag.KeepAlive);
  assert.deepEqual(head.headers.map((header) => header.name), ["Content-Length", "Server"]);
});

Deno.test("a phrase may be empty, hold any text, or be left out with its space", () => {
  assert.equal(accepted("HTTP/1.1 200 \r\n\r\n").phrase, "");
  assert.equal(accepted("HTTP/1.1 200\r\n\r\n").phrase, "");
  assert.equal(accepted("HTTP/1.1 200 \xe4\tb  c\r\n\r\n").phrase, "\xe4\tb  c");
});

const framings: readonly (readonly [string, string, number, number])[] = [
  ["200 without framing lasts until the end", "HTTP/1.1 200 OK\r\n\r\n", Method.Get, Body.UntilClose],
  ["200 with length 0 is empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Method.Get, Body.None],
  ["200 chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Method.Get, Body.Chunked],
  ["204", "HTTP/1.1 204 No Content\r\n\r\n", Method.Get, Body.None],
  ["204 with a length", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", Method.Get, Body.None],
  [
    "304 with the length of what it stands for",
    "HTTP/1.1 304 Not\r\nContent-Length: 5\r\n\r\n",
    Method.Get,
    Body.None,
  ],
  ["304 chunked", "HTTP/1.1 304 Not\r\nTransfer-Encoding: chunked\r\n\r\n", Method.Get, Body.None],
  ["HEAD with a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Method.Head, Body.None],
  ["HEAD chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Method.Head, Body.None],
  ["100", "HTTP/1.1 100 Continue\r\n\r\n", Method.Post, Body.None],
  [
    "101",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n",
    Method.Get,
    Body.Tunnel,
  ],
  ["CONNECT 200", "HTTP/1.1 200 OK\r\n\r\n", Method.Connect, Body.Tunnel],
  ["CONNECT 403", "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\n", Method.Connect, Body.Length],
];

for (const [name, bytes, method, body] of framings) {
  Deno.test(`the body after the head: ${name}`, () => {
    assert.equal(accepted(bytes, method).body, body);
  });
}

Deno.test("a 2xx answer to CONNECT has its framing fields marked for removal, even contradictory ones", () => {
  const head = accepted(
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
    Method.Connect,
  );
  assert.deepEqual(head.headers.map((header) => header.flags), [HeaderFlag.HopByHop, HeaderFlag.HopByHop]);
  assert.equal(head.body, Body.Tunnel);
});

Deno.test("a length in a response that has no content by its status is marked for removal", () => {
  for (const status of ["103 Early Hints", "204 No Content"]) {
    const head = accepted(`HTTP/1.1 ${status}\r\nContent-Length: 5\r\nX-A: 1\r\n\r\n`, Method.Get);
    assert.deepEqual(head.headers.map((header) => header.flags), [HeaderFlag.HopByHop, 0], status);
    assert.equal(head.contentLength, 0);
  }
  assert.equal(accepted("HTTP/1.1 304 Not\r\nContent-Length: 5\r\n\r\n", Method.Get).headers[0]?.flags, 0);
});

Deno.test("persistence follows version, Connection and framing", () => {
  const keeps = (bytes: string) => (accepted(bytes).flags & HeadFlag.KeepAlive) !== 0;
  assert.equal(keeps("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"), true);
  assert.equal(keeps("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n"), false);
  assert.equal(keeps("HTTP/1.1 200 OK\r\n\r\n"), false);
  assert.equal(keeps("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n"), false);
  assert.equal(keeps("HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n"), true);
});

Deno.test("1xx other than 101 announces another head", () => {
  assert.ok(accepted("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n").flags & HeadFlag.Interim);
  assert.equal(accepted("HTTP/1.1 101 Go\r\n\r\n").flags & HeadFlag.Interim, 0);
});

Deno.test("Host, Expect and their kind mean nothing in a response", () => {
  assert.equal(accepted("HTTP/1.1 200 OK\r\nHost: a b\r\nHost: /\r\n\r\n").host, undefined);
});

Deno.test("a response has limits for its head and its fields", () => {
  const text = "HTTP/1.1 200 OK\r\na: b\r\nc: d\r\n\r\n";
  assert.equal(bench.response(text, 1, { maxBytes: text.length }).outcome, text.length);
  assert.equal(bench.response(text, 1, { maxBytes: text.length - 1 }).reason, Reason.HeadTooLong);
  assert.equal(bench.response(text, 1, { maxHeaders: 1 }).reason, Reason.TooManyHeaders);
});

const whole =
  "\r\nPOST /a?b HTTP/1.1\r\nHost: web.demo:80\r\nConnection: close, x-hop\r\nX-Hop: \xe4\t1 \r\n" +
  `Content-Length: 12\r\n${"long-".repeat(20)}: ${"v".repeat(200)}\r\nl5d-client-id: me\r\n\r\n`;

Deno.test("a head in any two pieces, with or without the hint, gives the same record", () => {
  const expected = bench.request(whole);
  assert.equal(expected.outcome, whole.length);
  for (let cut = 0; cut < whole.length; cut++) {
    assert.equal(bench.request(whole.slice(0, cut)).outcome, Outcome.Partial, `cut at ${cut}`);
    assert.deepEqual(bench.request(whole, {}, cut), expected, `hint ${cut}`);
    assert.deepEqual(bench.request(whole + "more", {}, cut), expected, `hint ${cut}, more behind`);
  }
});

Deno.test("a head byte by byte, with the hint, is partial until its last byte", () => {
  for (let length = 1; length < whole.length; length++) {
    assert.equal(bench.request(whole.slice(0, length), {}, length - 1).outcome, Outcome.Partial);
  }
  assert.equal(bench.request(whole, {}, whole.length - 1).outcome, whole.length);
  const response = "HTTP/1.1 200 OK\r\na: b\r\nContent-Length: 7\r\n\r\n";
  for (let length = 1; length < response.length; length++) {
    assert.equal(bench.response(response.slice(0, length), 1, {}, length - 1).outcome, Outcome.Partial);
  }
  assert.equal(bench.response(response, 1, {}, response.length - 1).outcome, response.length);
});

Deno.test("at every offset in memory, down to the odd, a head parses the same", () => {
  const { memory, exports } = bench.module;
  for (let shift = 0; shift < 70; shift++) {
    const at = bench.at + 4096 + shift;
    for (let index = 0; index < whole.length; index++) memory.bytes[at + index] = whole.charCodeAt(index);
    const length = exports.parseRequestHead(at, at + whole.length, bench.record, 0, 65536, 8192, 100);
    assert.equal(length, whole.length);
  }
});
