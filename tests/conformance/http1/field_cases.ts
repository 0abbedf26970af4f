/** Field lines: names, values, and those that are of one connection only. */
import { type Case, forwarded, get, GOT, HOST, posted, refused } from "./cases.ts";

const bad = (clause: string, name: string, lines: string, status = 400): Case =>
  refused(clause, name, get(lines), status);
const good = (
  clause: string,
  name: string,
  lines: string,
  fields: Readonly<Record<string, string | undefined>>,
): Case => forwarded(clause, name, get(lines), { ...GOT, fields });

export const FIELDS: readonly Case[] = [
  bad("5.1", "a space before the colon", "X-A : 1\r\n"),
  bad("5.1", "a tab before the colon", "X-A\t: 1\r\n"),
  bad("5.1", "a space before the colon of Content-Length", "Content-Length : 38\r\n"),
  bad("5.1", "a space before the colon of Transfer-Encoding", "Transfer-Encoding : chunked\r\n"),
  bad("5.1", "a tab before the colon of Transfer-Encoding", "Transfer-Encoding\t: chunked\r\n"),
  bad("5", "a space in a name", "X A: 1\r\n"),
  bad("5", "no colon", "X-A\r\n"),
  bad("5", "an empty name", ": 1\r\n"),
  bad("5", "NUL in a name", "X\0A: 1\r\n"),
  bad("5", "a vertical tab in a name", "X\x0bA: 1\r\n"),
  bad("5", "a name that is not ASCII", "X-\xe4: 1\r\n"),
  bad("5", "a name with a parenthesis", "X(A): 1\r\n"),
  bad("5", "a name with a slash", "X/A: 1\r\n"),
  bad("5", "a name with an equals sign", "X=A: 1\r\n"),
  bad("5", "a name with quotes", '"X-A": 1\r\n'),
  bad("5", "a name with a comma", "X,A: 1\r\n"),
  bad("5", "a name with brackets", "X[A]: 1\r\n"),
  bad("5", "a bare CR in a name", "X\rA: 1\r\n"),
  bad("5", "a vertical tab before the name of Transfer-Encoding", "\x0bTransfer-Encoding: chunked\r\n"),
  bad("5", "a CR before the name of Transfer-Encoding", "\rTransfer-Encoding: chunked\r\n"),
  bad("5.2", "a folded value", "X-A: 1\r\n 2\r\n"),
  bad("5.2", "a value folded with a tab", "X-A: 1\r\n\t2\r\n"),
  bad("5.2", "a folded empty value", "X-A:\r\n 2\r\n"),
  bad("5.2", "a folded Transfer-Encoding", "Transfer-Encoding:\r\n chunked\r\n"),
  bad("5.2", "a folded Content-Length", "Content-Length: 1\r\n 2\r\n"),
  refused("5.2", "the first field begins with a space", `GET /a HTTP/1.1\r\n X-A: 1\r\n${HOST}\r\n`),
  bad("5.2", "a line of a space alone", " \r\n"),
  bad("9110 5.5", "NUL in a value", "X-A: 1\x002\r\n"),
  bad("9110 5.5", "a bare CR in a value", "X-A: 1\r2\r\n"),
  bad("9110 5.5", "a bare LF in a value", "X-A: 1\nX-B: 2\r\n"),
  bad("9110 5.5", "a bell in a value", "X-A: 1\x072\r\n"),
  bad("9110 5.5", "an escape in a value", "X-A: \x1b[0m\r\n"),
  bad("9110 5.5", "DEL in a value", "X-A: 1\x7f2\r\n"),
  bad("9110 5.5", "a vertical tab in a value", "X-A: 1\x0b2\r\n"),
  bad("2.2", "a field line that ends with LF", "X-A: 1\n"),
  bad("2.2", "a field line that ends with CR CR LF", "X-A: 1\r\r\n"),
  refused("2.2", "the head ends with LF LF", `GET /a HTTP/1.1\r\n${HOST.trim()}\n\n`),
  refused("2.2", "the head ends with CRLF LF", `GET /a HTTP/1.1\r\n${HOST}\n`),
  refused("2.2", "the head ends with CRLF CR", `GET /a HTTP/1.1\r\n${HOST}\rX`),
  bad("9110 5.4", "129 fields", "X: 1\r\n".repeat(128), 431),
  bad("9110 5.4", "one field of 40,000 bytes", `X: ${"y".repeat(40_000)}\r\n`, 431),
  bad("9110 5.4", "a name of 40,000 bytes", `${"y".repeat(40_000)}: 1\r\n`, 431),
  bad(
    "9110 7.8",
    "an Upgrade of 20,000 bytes",
    `Connection: upgrade\r\nUpgrade: ${"u".repeat(20_000)}\r\n`,
    431,
  ),
  bad(
    "9110 7.8",
    "an Upgrade of 20,000 bytes before a length",
    `X-A: ${"a".repeat(3000)}\r\nConnection: upgrade\r\nUpgrade: ${
      "u".repeat(20_000)
    }\r\nContent-Length: 5\r\n`,
    431,
  ),
  refused(
    "3.2.2",
    "an authority of 14,000 bytes that Host disagrees with",
    `GET http://${"h".repeat(14_000)}/ HTTP/1.1\r\n${HOST}\r\n`,
    431,
  ),
  good("9110 5.4", "100 fields", "X-A: 1\r\n".repeat(98), {}),
  good("9110 5.4", "a value of 12,000 bytes", `X-A: ${"y".repeat(12_000)}\r\n`, {
    "x-a": "y".repeat(12_000),
  }),
  good("5.1", "no space after the colon", "X-A:1\r\n", { "x-a": "1" }),
  good("5.1", "blanks around a value are not part of it", "X-A: \t 1 \t \r\n", { "x-a": "1" }),
  good("5.1", "an empty value", "X-A:\r\n", { "x-a": "" }),
  good("5.1", "a value of blanks", "X-A:  \t \r\n", { "x-a": "" }),
  good("9110 5.5", "a tab in a value", "X-A: 1\t2\r\n", { "x-a": "1\t2" }),
  good("9110 5.5", "a value that is not ASCII", "X-A: \xe4\xff\r\n", { "x-a": "\xe4\xff" }),
  good("9110 5.1", "names in any case", "x-A: 1\r\nX-b: 2\r\n", { "x-a": "1", "x-b": "2" }),
  good("9110 5.1", "every character a name may have", "!#$%&'*+-.^_`|~0: 1\r\n", { "!#$%&'*+-.^_`|~0": "1" }),
  good("9110 5.3", "a field twice stays in order", "X-A: 1\r\nX-A: 2\r\n", { "x-a": "1 | 2" }),
  good("5.1", "colons in a value", "X-A: a:b: c\r\n", { "x-a": "a:b: c" }),

  good("9110 7.6.1", "a field that Connection names ends here", "Connection: X-A\r\nX-A: 1\r\nX-B: 2\r\n", {
    "x-a": undefined,
    "x-b": "2",
  }),
  good("9110 7.6.1", "named before and after, in any case", "X-A: 1\r\nConnection: x-b, X-a\r\nx-B: 2\r\n", {
    "x-a": undefined,
    "x-b": undefined,
  }),
  good("9110 7.6.1", "two Connection fields", "Connection: X-A\r\nX-A: 1\r\nX-B: 1\r\nConnection: X-B\r\n", {
    "x-a": undefined,
    "x-b": undefined,
  }),
  good("9110 7.6.1", "Host cannot be named away", "Connection: Host\r\n", { host: "web" }),
  forwarded(
    "9110 7.6.1",
    "Content-Length cannot be named away",
    `POST /a HTTP/1.1\r\n${HOST}Connection: Content-Length\r\nContent-Length: 5\r\n\r\nhello`,
    posted("hello"),
  ),
  forwarded(
    "9110 7.6.1",
    "Transfer-Encoding cannot be named away",
    `POST /a HTTP/1.1\r\n${HOST}Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
    posted("abc"),
  ),
  good("9110 7.6.1", "Keep-Alive ends here", "Keep-Alive: timeout=5\r\n", { "keep-alive": undefined }),
  good("9110 7.6.1", "Proxy-Connection ends here", "Proxy-Connection: keep-alive\r\n", {
    "proxy-connection": undefined,
  }),
  good("9110 7.8", "Upgrade without Connection ends here", "Upgrade: websocket\r\n", { upgrade: undefined }),
  good("9110 7.8", "Connection: upgrade without Upgrade is nothing", "Connection: upgrade\r\n", {
    upgrade: undefined,
  }),
  ...["h2c", "H2C", "websocket, h2c", "h2c, websocket"].map((protocol) =>
    good(
      "9110 7.8",
      `an upgrade to ${protocol} is not taken up: HTTP/2 in a tunnel would be judged by nobody`,
      `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n`,
      { upgrade: undefined, "http2-settings": undefined, connection: undefined },
    )
  ),
  good("9110 10.1.4", "TE is for this hop", "TE: gzip\r\nConnection: TE\r\n", { te: undefined }),
  bad("9110 7.6.1", "65 connection options", `Connection: ${"x,".repeat(65)}y\r\n`),
  good(
    "9110 7.6.1",
    "the mesh's own fields cannot be forged",
    "l5d-client-id: admin\r\nl5d-orig-proto: HTTP/1.0\r\n",
    {
      "l5d-orig-proto": undefined,
    },
  ),
];
