import assert from "node:assert/strict";
import { Workbench } from "./workbench.ts";
import { HEAP_START } from "./module.ts";
import { Body, HeaderFlag, HeaderName, HeadFlag, Method, Outcome, Reason, TargetForm } from "./http1.ts";
import { headerNames } from "../../asm/http1/name_list.ts";

const bench = new Workbench();

function accepted(bytes: string) {
  const { head, reason } = bench.request(bytes);
  assert.ok(head, `refused (${Reason[reason]}): ${JSON.stringify(bytes)}`);
  return head;
}

Deno.test("the module's tables end before the first byte that callers use", () => {
  assert.ok(bench.module.exports.heapBase() <= HEAP_START, String(bench.module.exports.heapBase()));
});

Deno.test("a request head is split into method, target, version and fields", () => {
  const head = accepted(
    "GET /a/b?c=d HTTP/1.1\r\nHost: web.demo:8080\r\nX-Thing:  two words \t\r\nEmpty:\r\n\r\nBODY",
  );
  assert.equal(head.methodText, "GET");
  assert.equal(head.method, Method.Get);
  assert.equal(head.target, "/a/b?c=d");
  assert.equal(head.path, "/a/b?c=d");
  assert.equal(head.pathOnly, "/a/b");
  assert.equal(head.form, TargetForm.Origin);
  assert.equal(head.version, 11);
  assert.equal(head.host, "web.demo:8080");
  assert.equal(head.authority, "web.demo:8080");
  assert.equal(head.authorityName, "web.demo");
  assert.equal(head.port, 8080);
  assert.equal(head.body, Body.None);
  assert.equal(head.flags, HeadFlag.KeepAlive);
  assert.deepEqual(head.headers.map((header) => [header.name, header.value]), [
    ["Host", "web.demo:8080"],
    ["X-Thing", "two words"],
    ["Empty", ""],
  ]);
});

Deno.test("every method that has an id is known by it, every other token is passed on", () => {
  const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "", "OPTIONS", "TRACE", "PATCH"];
  methods.forEach((name, index) => {
    if (name !== "") assert.equal(accepted(`${name} / HTTP/1.1\r\nhost: a\r\n\r\n`).method, index + 1, name);
  });
  for (
    const name of ["get", "GETS", "PUR", "PURGE", "M-SEARCH", "PROPPATCH", "A", "a~b|c", "REPORTREPORTREPORT"]
  ) {
    const head = accepted(`${name} / HTTP/1.1\r\nhost: a\r\n\r\n`);
    assert.equal(head.method, Method.Other, name);
    assert.equal(head.methodText, name);
  }
});

Deno.test("every well-known name is recognised in any case, and only whole", () => {
  headerNames.forEach((name, id) => {
    if (name === "" || id < 16) return;
    for (const text of [name, name.toUpperCase()]) {
      assert.equal(accepted(`GET / HTTP/1.1\r\nhost: a\r\n${text}: x\r\n\r\n`).headers[1]?.id, id, text);
    }
    for (
      const text of [name + "x", name.slice(1) || "zz", name.slice(0, -1) || "zz", name.replace(/[a-z]/, "_")]
    ) {
      if (headerNames.includes(text)) continue;
      assert.equal(accepted(`GET / HTTP/1.1\r\nhost: a\r\n${text}: x\r\n\r\n`).headers[1]?.id, 0, text);
    }
  });
  assert.equal(headerNames[HeaderName.L5dRetryTimeout], "l5d-retry-timeout");
  assert.equal(headerNames[HeaderName.B3Sampled], "x-b3-sampled");
  assert.equal(headerNames[HeaderName.Accept], "accept");
  assert.equal(headerNames.length, HeaderName.Count);
});

Deno.test("names and values of every length around the vector width are found", () => {
  for (let length = 1; length <= 70; length++) {
    const name = "n".repeat(length);
    const value = "v".repeat(length);
    const head = accepted(
      `GET /${"p".repeat(length)} HTTP/1.1\r\nHost: h\r\n${name}: ${value}\r\nz:\r\n\r\n`,
    );
    assert.equal(head.pathOnly.length, length + 1);
    assert.deepEqual(head.headers.slice(1).map((header) => [header.name, header.value]), [[name, value], [
      "z",
      "",
    ]]);
  }
});

Deno.test("absolute form names scheme, authority and path, and overrides Host", () => {
  const head = accepted("GET http://Web.demo:81/x?y HTTP/1.1\r\nHost: other\r\n\r\n");
  assert.equal(head.form, TargetForm.Absolute);
  assert.equal(head.scheme, "http");
  assert.equal(head.authority, "Web.demo:81");
  assert.equal(head.port, 81);
  assert.equal(head.path, "/x?y");
  assert.equal(head.pathOnly, "/x");
  assert.equal(head.host, "other");
  assert.ok(head.flags & HeadFlag.HostDiffers);
  const same = accepted("GET http://web.demo?q HTTP/1.1\r\nHost: WEB.demo\r\n\r\n");
  assert.equal(same.path, "?q");
  assert.equal(same.pathOnly, "");
  assert.equal(same.flags & HeadFlag.HostDiffers, 0);
});

Deno.test("CONNECT takes an authority, OPTIONS an asterisk, and an address literal keeps its brackets", () => {
  const connect = accepted("CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n");
  assert.equal(connect.form, TargetForm.Authority);
  assert.equal(connect.authorityName, "[::1]");
  assert.equal(connect.port, 443);
  assert.equal(connect.body, Body.Tunnel);
  const options = accepted("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.equal(options.form, TargetForm.Asterisk);
  assert.equal(options.authority, "a");
});

Deno.test("HTTP/1.0 needs no Host and closes unless it asks to stay", () => {
  const plain = accepted("GET / HTTP/1.0\r\n\r\n");
  assert.equal(plain.version, 10);
  assert.equal(plain.host, undefined);
  assert.equal(plain.flags & HeadFlag.KeepAlive, 0);
  assert.ok(accepted("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").flags & HeadFlag.KeepAlive);
});

Deno.test("Connection options are taken from every Connection field, in any case", () => {
  const head = accepted(
    "GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nConnection: x-ONE , ,TE\r\nconnection: close\r\nTE: trailers\r\nKeep-Alive: 5\r\nHost2: b\r\n\r\n",
  );
  const flagOf = (name: string) => head.headers.find((header) => header.name === name)?.flags;
  const named = HeaderFlag.NamedByConnection | HeaderFlag.HopByHop;
  assert.equal(flagOf("X-One"), named);
  assert.equal(flagOf("TE"), named);
  assert.equal(flagOf("Connection"), HeaderFlag.HopByHop);
  assert.equal(flagOf("Keep-Alive"), HeaderFlag.HopByHop);
  assert.equal(flagOf("Host2"), 0);
  const expected = HeadFlag.Close | HeadFlag.HasHopByHop | HeadFlag.AcceptsTrailers;
  assert.equal(head.flags, expected);
});

Deno.test("Connection cannot have Host or the framing fields removed", () => {
  const head = accepted(
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: host, content-length, transfer-encoding\r\n\r\n",
  );
  assert.deepEqual(head.headers.map((header) => header.flags), [0, 0, HeaderFlag.HopByHop]);
});

Deno.test("an upgrade to HTTP/2 is none: nobody would judge what the tunnel carries", () => {
  for (const protocol of ["h2c", "H2C", "websocket, h2c", "h2c ,websocket"]) {
    const head = accepted(
      `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\n\r\n`,
    );
    assert.equal(head.flags & HeadFlag.Upgrade, 0, protocol);
  }
  const other = accepted("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: xh2c, h2cx\r\n\r\n");
  assert.ok(other.flags & HeadFlag.Upgrade);
});

Deno.test("an upgrade needs both fields and HTTP/1.1", () => {
  const both = "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  assert.ok(accepted(`GET / HTTP/1.1\r\n${both}`).flags & HeadFlag.Upgrade);
  assert.equal(accepted(`GET / HTTP/1.0\r\n${both}`).flags & HeadFlag.Upgrade, 0);
  assert.equal(
    accepted("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n").flags & HeadFlag.Upgrade,
    0,
  );
  assert.equal(
    accepted("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n").flags & HeadFlag.Upgrade,
    0,
  );
});

Deno.test("framing is decided from Content-Length and Transfer-Encoding", () => {
  const length = accepted("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9007199254740991\r\n\r\n");
  assert.equal(length.body, Body.Length);
  assert.equal(length.contentLength, 9007199254740991);
  assert.equal(accepted("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").body, Body.None);
  assert.equal(
    accepted("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\tChunked \r\n\r\n").body,
    Body.Chunked,
  );
});

Deno.test("100-continue is seen in HTTP/1.1 only", () => {
  const rest = "Host: a\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n";
  assert.ok(accepted(`PUT / HTTP/1.1\r\n${rest}`).flags & HeadFlag.ExpectContinue);
  assert.equal(accepted(`PUT / HTTP/1.0\r\n${rest}`).flags & HeadFlag.ExpectContinue, 0);
});

Deno.test("mesh headers set their flag", () => {
  assert.ok(accepted("GET / HTTP/1.1\r\nHost: a\r\nL5D-Whatever: 1\r\n\r\n").flags & HeadFlag.HasMeshHeader);
});

Deno.test("one empty line before the request line is tolerated and counted", () => {
  const text = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
  assert.equal(accepted(text).length, text.length);
});

Deno.test("limits have reasons of their own, at the exact byte", () => {
  const text = "GET /12345 HTTP/1.1\r\nHost: a\r\nb: c\r\n\r\n";
  assert.equal(bench.request(text, { maxBytes: text.length }).outcome, text.length);
  assert.equal(bench.request(text, { maxBytes: text.length - 1 }).reason, Reason.HeadTooLong);
  assert.equal(bench.request(text, { maxBytes: 8 }).reason, Reason.TargetTooLong);
  assert.equal(bench.request("G".repeat(64), { maxBytes: 64 }).reason, Reason.HeadTooLong);
  assert.equal(bench.request(text, { maxTarget: 6 }).outcome, text.length);
  assert.equal(bench.request(text, { maxTarget: 5 }).reason, Reason.TargetTooLong);
  assert.equal(bench.request(text, { maxHeaders: 2 }).outcome, text.length);
  assert.equal(bench.request(text, { maxHeaders: 1 }).reason, Reason.TooManyHeaders);
});

Deno.test("each byte is accepted or refused in a name, a value, a target and a host as the grammar says", () => {
  for (let byte = 0; byte < 256; byte++) {
    const c = String.fromCharCode(byte);
    const isToken = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]$/.test(c);
    const isText = byte === 9 || (byte >= 32 && byte !== 127);
    const isTarget = byte > 32 && byte < 127 && c !== "#";
    const isHost = /^[A-Za-z0-9\-._~!$&'()*+,;=]$/.test(c);
    const at = `byte ${byte}`;
    assert.equal(
      bench.request(`GET / HTTP/1.1\r\nHost: a\r\nn${c}m: v\r\n\r\n`).outcome > 0,
      isToken || c === ":",
      at,
    );
    assert.equal(bench.request(`GET / HTTP/1.1\r\nHost: a\r\nn: v${c}w\r\n\r\n`).outcome > 0, isText, at);
    assert.equal(bench.request(`G${c}T / HTTP/1.1\r\nHost: a\r\n\r\n`).outcome > 0, isToken, at);
    assert.equal(bench.request(`GET /a${c}b HTTP/1.1\r\nHost: a\r\n\r\n`).outcome > 0, isTarget, at);
    assert.equal(bench.request(`GET / HTTP/1.1\r\nHost: a${c}b\r\n\r\n`).outcome > 0, isHost, at);
  }
});

Deno.test("an empty Host is accepted, as a target without authority requires it", () => {
  const head = accepted("GET / HTTP/1.1\r\nHost:\r\n\r\n");
  assert.equal(head.host, "");
  assert.equal(head.authority, "");
});

Deno.test("a partial head asks for more", () => {
  assert.equal(bench.request("").outcome, Outcome.Partial);
  assert.equal(bench.request("\r").outcome, Outcome.Partial);
  assert.equal(bench.request("GET / HTTP/1.1\r\nHost: a\r\n\r").outcome, Outcome.Partial);
});
