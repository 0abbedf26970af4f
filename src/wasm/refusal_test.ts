import assert from "node:assert/strict";
import { Workbench } from "./workbench.ts";
import { Outcome, Reason } from "./http1.ts";
import { refusalOf } from "./refusal.ts";

const bench = new Workbench();
const LINE = "GET / HTTP/1.1\r\n";
const HOST = "Host: a\r\n";

/** RFC clause, what is sent, why and with which status it is refused. */
type Case = readonly [clause: string, bytes: string, reason: Reason, status: number];

const requests: readonly Case[] = [
  ["9112 2.2 bare LF after the request line", `GET / HTTP/1.1\n${HOST}\r\n`, Reason.BareLineFeed, 400],
  ["9112 2.2 bare LF after a field", `${LINE}Host: a\n\r\n`, Reason.BareLineFeed, 400],
  ["9112 2.2 bare LF as empty line", `${LINE}${HOST}\n`, Reason.BareLineFeed, 400],
  ["9112 2.2 bare LF first", `\n${LINE}${HOST}\r\n`, Reason.BareLineFeed, 400],
  ["9112 2.2 bare CR in a value", `${LINE}${HOST}a: b\rc\r\n\r\n`, Reason.BareCarriageReturn, 400],
  ["9112 2.2 bare CR in a name", `${LINE}${HOST}a\rb: c\r\n\r\n`, Reason.BareCarriageReturn, 400],
  ["9112 2.2 bare CR in the request line", `GET /\r HTTP/1.1\r\n${HOST}\r\n`, Reason.BareCarriageReturn, 400],
  ["9112 2.2 bare CR before CRLF", `${LINE}${HOST}a: b\r\r\n\r\n`, Reason.BareCarriageReturn, 400],
  ["9112 2.2 bare CR first", `\r${LINE}${HOST}\r\n`, Reason.BareCarriageReturn, 400],
  ["9112 2.2 two empty lines first", `\r\n\r\n${LINE}${HOST}\r\n`, Reason.TwoEmptyLines, 400],
  ["9112 2.2 white space before the first field", `${LINE} Host: a\r\n\r\n`, Reason.ObsoleteFold, 400],
  ["9110 5.5 NUL in a value", `${LINE}${HOST}a: b\0\r\n\r\n`, Reason.ControlCharacter, 400],
  ["9110 5.5 DEL in a value", `${LINE}${HOST}a: \x7f\r\n\r\n`, Reason.ControlCharacter, 400],
  ["9112 3 NUL in the target", `GET /\0 HTTP/1.1\r\n${HOST}\r\n`, Reason.ControlCharacter, 400],
  ["9112 3 no method", ` / HTTP/1.1\r\n${HOST}\r\n`, Reason.BadMethod, 400],
  ["9112 3 method that is no token", `G(T / HTTP/1.1\r\n${HOST}\r\n`, Reason.BadMethod, 400],
  ["9112 3 tab for a space", `GET\t/ HTTP/1.1\r\n${HOST}\r\n`, Reason.BadMethod, 400],
  ["9112 3 method alone", `GET\r\n${HOST}\r\n`, Reason.BadMethod, 400],
  ["9112 3 two spaces before the target", `GET  / HTTP/1.1\r\n${HOST}\r\n`, Reason.BadTarget, 400],
  ["9112 3 two spaces before the version", `GET /  HTTP/1.1\r\n${HOST}\r\n`, Reason.BadRequestLine, 400],
  ["9112 3 space in the target", `GET /a b HTTP/1.1\r\n${HOST}\r\n`, Reason.BadRequestLine, 400],
  ["9112 3 space after the version", `GET / HTTP/1.1 \r\n${HOST}\r\n`, Reason.BadRequestLine, 400],
  ["9112 3 HTTP/0.9", `GET /\r\n\r\n`, Reason.BadVersion, 400],
  ["9112 2.3 lower-case protocol", `GET / http/1.1\r\n${HOST}\r\n`, Reason.BadVersion, 400],
  ["9112 2.3 other protocol", `GET / ICAP/1.0\r\n${HOST}\r\n`, Reason.BadVersion, 400],
  ["9112 2.3 two digits", `GET / HTTP/1.10\r\n${HOST}\r\n`, Reason.BadVersion, 400],
  ["9112 2.3 no minor", `GET / HTTP/1\r\n${HOST}\r\n`, Reason.BadVersion, 400],
  ["9110 15.6.6 HTTP/2.0", `GET / HTTP/2.0\r\n${HOST}\r\n`, Reason.UnsupportedVersion, 505],
  ["9110 15.6.6 HTTP/1.2", `GET / HTTP/1.2\r\n${HOST}\r\n`, Reason.UnsupportedVersion, 505],
  ["9110 15.6.6 HTTP/0.9 spelled out", `GET / HTTP/0.9\r\n${HOST}\r\n`, Reason.UnsupportedVersion, 505],
  ["9112 3.2 fragment", `GET /#a HTTP/1.1\r\n${HOST}\r\n`, Reason.BadTarget, 400],
  ["9112 3.2 not ASCII", `GET /\xe4 HTTP/1.1\r\n${HOST}\r\n`, Reason.BadTarget, 400],
  ["9112 3.2 relative path", `GET a/b HTTP/1.1\r\n${HOST}\r\n`, Reason.BadTarget, 400],
  ["9112 3.2.3 authority form without CONNECT", `GET a:80 HTTP/1.1\r\n${HOST}\r\n`, Reason.BadTarget, 400],
  ["9112 3.2.3 CONNECT with a path", `CONNECT / HTTP/1.1\r\n${HOST}\r\n`, Reason.BadTarget, 400],
  ["9112 3.2.3 CONNECT without a port", `CONNECT a HTTP/1.1\r\n${HOST}\r\n`, Reason.BadTarget, 400],
  ["9112 3.2.3 CONNECT with port 0", `CONNECT a:0 HTTP/1.1\r\n${HOST}\r\n`, Reason.BadTarget, 400],
  ["9112 3.2.3 CONNECT with a URI", `CONNECT http://a:80/ HTTP/1.1\r\n${HOST}\r\n`, Reason.BadTarget, 400],
  ["9110 9.3.6 CONNECT in HTTP/1.0", `CONNECT a:80 HTTP/1.0\r\n\r\n`, Reason.ConnectInHttp10, 400],
  [
    "9110 9.3.6 CONNECT with a body",
    `CONNECT a:80 HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\n`,
    Reason.BodyForbidden,
    400,
  ],
  ["9112 3.2.4 asterisk without OPTIONS", `GET * HTTP/1.1\r\n${HOST}\r\n`, Reason.BadTarget, 400],
  ["9112 3.2.2 scheme that is not HTTP's", `GET ftp://a/ HTTP/1.1\r\n${HOST}\r\n`, Reason.BadTarget, 400],
  ["9112 3.2.2 scheme without authority", `GET http:/a HTTP/1.1\r\n${HOST}\r\n`, Reason.BadTarget, 400],
  ["9110 4.2.4 user information", `GET http://u@a/ HTTP/1.1\r\n${HOST}\r\n`, Reason.BadAuthority, 400],
  ["9110 4.2.1 no host in the URI", `GET http:///a HTTP/1.1\r\n${HOST}\r\n`, Reason.BadAuthority, 400],
  ["9110 4.2.1 port only", `GET http://:80/a HTTP/1.1\r\n${HOST}\r\n`, Reason.BadAuthority, 400],
  ["9112 3.2 no Host", `${LINE}\r\n`, Reason.MissingHost, 400],
  ["9112 3.2 no Host with a URI", `GET http://a/ HTTP/1.1\r\n\r\n`, Reason.MissingHost, 400],
  ["9112 3.2 two Hosts", `${LINE}${HOST}${HOST}\r\n`, Reason.MultipleHosts, 400],
  ["9112 3.2 two Hosts, one empty", `${LINE}Host:\r\n${HOST}\r\n`, Reason.MultipleHosts, 400],
  ["9112 3.2 Host with a path", `${LINE}Host: a/b\r\n\r\n`, Reason.BadHost, 400],
  ["9112 3.2 Host with user information", `${LINE}Host: u@a\r\n\r\n`, Reason.BadHost, 400],
  ["9112 3.2 Host with a space", `${LINE}Host: a b\r\n\r\n`, Reason.BadHost, 400],
  ["9112 3.2 Host with a port that is no number", `${LINE}Host: a:8x\r\n\r\n`, Reason.BadHost, 400],
  ["9112 3.2 Host with a port too large", `${LINE}Host: a:65536\r\n\r\n`, Reason.BadHost, 400],
  ["9112 3.2 Host with two ports", `${LINE}Host: a:1:2\r\n\r\n`, Reason.BadHost, 400],
  ["9112 3.2 Host with an open bracket", `${LINE}Host: [::1\r\n\r\n`, Reason.BadHost, 400],
  ["9112 3.2 Host with an empty literal", `${LINE}Host: []\r\n\r\n`, Reason.BadHost, 400],
  ["9112 3.2 Host with text after a literal", `${LINE}Host: [::1]a\r\n\r\n`, Reason.BadHost, 400],
  ["9112 3.2 Host with a bad escape", `${LINE}Host: a%2\r\n\r\n`, Reason.BadHost, 400],
  ["9112 5.1 space before the colon", `${LINE}Host : a\r\n\r\n`, Reason.SpaceBeforeColon, 400],
  [
    "9112 5.1 tab before the colon",
    `${LINE}${HOST}Content-Length\t: 1\r\n\r\n`,
    Reason.SpaceBeforeColon,
    400,
  ],
  ["9112 5.2 folded value", `${LINE}${HOST}a: b\r\n c\r\n\r\n`, Reason.ObsoleteFold, 400],
  ["9112 5.2 folded with a tab", `${LINE}${HOST}a: b\r\n\tc: d\r\n\r\n`, Reason.ObsoleteFold, 400],
  ["9110 5.1 no name", `${LINE}${HOST}: b\r\n\r\n`, Reason.EmptyName, 400],
  ["9110 5.1 name that is no token", `${LINE}${HOST}a[b: c\r\n\r\n`, Reason.BadName, 400],
  ["9110 5.1 space within a name", `${LINE}${HOST}a b: c\r\n\r\n`, Reason.BadName, 400],
  ["9110 5.1 name not ASCII", `${LINE}${HOST}\xe4: c\r\n\r\n`, Reason.BadName, 400],
  ["9112 5 no colon", `${LINE}${HOST}abc\r\n\r\n`, Reason.NoColon, 400],
  ["9112 5 long line without colon", `${LINE}${HOST}${"a".repeat(40)}\r\n\r\n`, Reason.NoColon, 400],
  [
    "9112 6.3 repeated Content-Length",
    `${LINE}${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    Reason.RepeatedContentLength,
    400,
  ],
  [
    "9112 6.3 identical Content-Lengths",
    `${LINE}${HOST}Content-Length: 1\r\ncontent-length: 1\r\n\r\n`,
    Reason.RepeatedContentLength,
    400,
  ],
  [
    "9112 6.3 Content-Length list",
    `${LINE}${HOST}Content-Length: 1, 1\r\n\r\n`,
    Reason.RepeatedContentLength,
    400,
  ],
  [
    "9110 8.6 signed Content-Length",
    `${LINE}${HOST}Content-Length: +1\r\n\r\n`,
    Reason.BadContentLength,
    400,
  ],
  [
    "9110 8.6 negative Content-Length",
    `${LINE}${HOST}Content-Length: -1\r\n\r\n`,
    Reason.BadContentLength,
    400,
  ],
  [
    "9110 8.6 hexadecimal Content-Length",
    `${LINE}${HOST}Content-Length: 0x1\r\n\r\n`,
    Reason.BadContentLength,
    400,
  ],
  [
    "9110 8.6 fractional Content-Length",
    `${LINE}${HOST}Content-Length: 1.0\r\n\r\n`,
    Reason.BadContentLength,
    400,
  ],
  ["9110 8.6 empty Content-Length", `${LINE}${HOST}Content-Length: \r\n\r\n`, Reason.BadContentLength, 400],
  [
    "9110 8.6 spaced Content-Length",
    `${LINE}${HOST}Content-Length: 1 2\r\n\r\n`,
    Reason.BadContentLength,
    400,
  ],
  [
    "9110 8.6 Content-Length of 2^53",
    `${LINE}${HOST}Content-Length: 9007199254740992\r\n\r\n`,
    Reason.ContentLengthTooLarge,
    400,
  ],
  [
    "9110 8.6 Content-Length of 2^64 + 1",
    `${LINE}${HOST}Content-Length: 18446744073709551617\r\n\r\n`,
    Reason.ContentLengthTooLarge,
    400,
  ],
  [
    "9112 6.1 both framings",
    `${LINE}${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    Reason.TransferEncodingAndContentLength,
    400,
  ],
  [
    "9112 6.1 both framings, other order",
    `${LINE}${HOST}Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n`,
    Reason.TransferEncodingAndContentLength,
    400,
  ],
  [
    "9112 6.1 Transfer-Encoding in HTTP/1.0",
    `GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n`,
    Reason.TransferEncodingInHttp10,
    400,
  ],
  [
    "9112 6.1 chunked twice",
    `${LINE}${HOST}Transfer-Encoding: chunked, chunked\r\n\r\n`,
    Reason.ChunkedNotLast,
    400,
  ],
  [
    "9112 6.1 chunked twice in two fields",
    `${LINE}${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
    Reason.ChunkedNotLast,
    400,
  ],
  [
    "9112 6.1 chunked not last",
    `${LINE}${HOST}Transfer-Encoding: chunked, gzip\r\n\r\n`,
    Reason.ChunkedNotLast,
    400,
  ],
  [
    "9112 6.1 chunked not last in two fields",
    `${LINE}${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n`,
    Reason.ChunkedNotLast,
    400,
  ],
  [
    "9112 6.1 gzip",
    `${LINE}${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n`,
    Reason.UnsupportedTransferCoding,
    501,
  ],
  [
    "9112 7 identity",
    `${LINE}${HOST}Transfer-Encoding: identity\r\n\r\n`,
    Reason.UnsupportedTransferCoding,
    501,
  ],
  [
    "9112 7 almost chunked",
    `${LINE}${HOST}Transfer-Encoding: xchunked\r\n\r\n`,
    Reason.UnsupportedTransferCoding,
    501,
  ],
  [
    "9112 7 quoted chunked",
    `${LINE}${HOST}Transfer-Encoding: "chunked"\r\n\r\n`,
    Reason.BadTransferEncoding,
    400,
  ],
  [
    "9112 7 chunked with a parameter",
    `${LINE}${HOST}Transfer-Encoding: chunked;a=b\r\n\r\n`,
    Reason.BadTransferEncoding,
    400,
  ],
  [
    "9112 7 chunked with a space",
    `${LINE}${HOST}Transfer-Encoding: chunk ed\r\n\r\n`,
    Reason.BadTransferEncoding,
    400,
  ],
  [
    "9112 7 chunked after VT",
    `${LINE}${HOST}Transfer-Encoding: \x0bchunked\r\n\r\n`,
    Reason.ControlCharacter,
    400,
  ],
  [
    "9110 5.6.1 empty element",
    `${LINE}${HOST}Transfer-Encoding: ,chunked\r\n\r\n`,
    Reason.BadTransferEncoding,
    400,
  ],
  ["9110 5.6.1 empty value", `${LINE}${HOST}Transfer-Encoding:\r\n\r\n`, Reason.BadTransferEncoding, 400],
  [
    "9110 7.6.1 endless options",
    `${LINE}${HOST}Connection: ${"a,".repeat(64)}a\r\n\r\n`,
    Reason.TooManyConnectionOptions,
    400,
  ],
];

const responses: readonly Case[] = [
  ["9112 4 other protocol", "ICY 200 OK\r\n\r\n", Reason.BadVersion, 400],
  ["9112 4 HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", Reason.UnsupportedVersion, 505],
  ["9112 4 HTTP/1.x", "HTTP/1.x 200 OK\r\n\r\n", Reason.BadVersion, 400],
  ["9112 4 no status", "HTTP/1.1\r\n\r\n", Reason.BadStatusLine, 400],
  ["9112 4 tab for a space", "HTTP/1.1\t200 OK\r\n\r\n", Reason.BadStatusLine, 400],
  ["9112 4 two digits", "HTTP/1.1 20 OK\r\n\r\n", Reason.BadStatus, 400],
  ["9112 4 four digits", "HTTP/1.1 2000 OK\r\n\r\n", Reason.BadStatus, 400],
  ["9112 4 status 099", "HTTP/1.1 099 OK\r\n\r\n", Reason.BadStatus, 400],
  ["9112 4 status with a letter", "HTTP/1.1 20x OK\r\n\r\n", Reason.BadStatus, 400],
  ["9112 2.2 bare LF", "HTTP/1.1 200 OK\n\n", Reason.BareLineFeed, 400],
  ["9112 2.2 empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n", Reason.BadVersion, 400],
  ["9112 4 NUL in the phrase", "HTTP/1.1 200 O\0K\r\n\r\n", Reason.ControlCharacter, 400],
  ["9112 5.2 folded value", "HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n", Reason.ObsoleteFold, 400],
  [
    "9112 6.3 repeated Content-Length",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
    Reason.RepeatedContentLength,
    400,
  ],
  [
    "9112 6.3 both framings",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    Reason.TransferEncodingAndContentLength,
    400,
  ],
  [
    "9112 6.1 Transfer-Encoding in HTTP/1.0",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    Reason.TransferEncodingInHttp10,
    400,
  ],
  [
    "9112 6.1 Transfer-Encoding in 204",
    "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n",
    Reason.TransferEncodingForbidden,
    400,
  ],
  [
    "9112 6.1 Transfer-Encoding in 1xx",
    "HTTP/1.1 100 Go\r\nTransfer-Encoding: chunked\r\n\r\n",
    Reason.TransferEncodingForbidden,
    400,
  ],
  [
    "9112 6.3 gzip until close",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    Reason.UnsupportedTransferCoding,
    501,
  ],
];

for (const [kind, cases] of [["request", requests], ["response", responses]] as const) {
  const parse = (bytes: string) => kind === "request" ? bench.request(bytes) : bench.response(bytes);
  for (const [clause, bytes, reason, status] of cases) {
    Deno.test(`a ${kind} is refused: RFC ${clause}`, () => {
      const verdict = parse(bytes);
      assert.equal(Reason[verdict.reason], Reason[reason]);
      assert.equal(refusalOf(reason).status, status);
      // What was refused stays so, and before it was refused, more was asked for.
      assert.equal(Reason[parse(bytes + "X: y\r\n\r\n").reason], Reason[reason]);
      let wasRefused = false;
      for (let length = 0; length <= bytes.length; length++) {
        const { outcome, reason: early } = parse(bytes.slice(0, length));
        if (outcome === Outcome.Partial) assert.equal(wasRefused, false, `after ${length} bytes`);
        else assert.equal(Reason[early], Reason[reason], `after ${length} bytes`);
        wasRefused = outcome === Outcome.Bad;
      }
      assert.ok(wasRefused);
    });
  }
}

Deno.test("every reason has a code of its own and a text", () => {
  const reasons = Object.values(Reason).filter((value) => typeof value === "number" && value !== Reason.None);
  const codes = new Set(reasons.map((reason) => refusalOf(reason as Reason).code));
  assert.equal(codes.size, reasons.length);
  assert.ok(!codes.has("malformed"));
  for (const reason of reasons) assert.ok(refusalOf(reason as Reason).text.length > 10);
});
