/** HTTP/1 messages for the fuzz targets: by the grammar of RFC 9112, most of them nearly right. */
import { mutate, type Random } from "./random.ts";

const METHODS = [
  "GET",
  "POST",
  "PUT",
  "DELETE",
  "HEAD",
  "OPTIONS",
  "CONNECT",
  "PATCH",
  "PROPFIND",
  "M-SEARCH",
];
const TARGETS = [
  "/",
  "/a",
  "/a/b?c=d&e",
  "*",
  "http://a/",
  "http://a:80?x",
  "a:443",
  "[::1]:1",
  "/%20",
  "/" + "x".repeat(70),
];
const VERSIONS = [
  "HTTP/1.1",
  "HTTP/1.1",
  "HTTP/1.1",
  "HTTP/1.1",
  "HTTP/1.0",
  "HTTP/2.0",
  "http/1.1",
  "HTTP/1.1 ",
  "HTTP/1",
];
const NAMES = [
  "Accept",
  "X-A",
  "cookie",
  "Connection",
  "TE",
  "Upgrade",
  "Expect",
  "Trailer",
  "x".repeat(33),
  "l5d-dst-override",
  "Keep-Alive",
  "Proxy-Connection",
  "HTTP2-Settings",
  "Authorization",
  "Set-Cookie",
  "Cookie",
  "Via",
];
const VALUES = [
  "",
  "a",
  "close",
  "keep-alive",
  "upgrade",
  "x-a, close",
  "cookie, TE,, via",
  "gzip , Trailers",
  "a\tb",
  "\xe4",
  "100-continue",
  "trailers",
  "y".repeat(50),
];
const CODINGS = [
  "chunked",
  "Chunked",
  "chunked ",
  "gzip, chunked",
  "chunked, chunked",
  "identity",
  "chunked;a",
  "xchunked",
  "",
];
const STATUSES = [
  "200 OK",
  "200",
  "204 No",
  "304 Not",
  "100 Go",
  "103 Early",
  "404 Not Found",
  "600 x",
  "20 x",
  "200  two",
];

function sized(random: Random, body: string): string {
  const length = random.once(8)
    ? random.pick(["0", "+1", "1,1", "0x1", "007", "1 ", "99999999999999999999"])
    : body.length;
  return `Content-Length: ${length}\r\n`;
}

export function chunks(random: Random): string {
  let text = "";
  for (let count = random.below(4); count > 0; count--) {
    const data = random.bytes(20) || "d";
    const size = random.once(3)
      ? data.length.toString(16).padStart(1 + random.below(5), "0")
      : data.length.toString(16);
    const extension = random.once(4) ? random.pick([";a", ";a=b", ';a="b c"', " ;a", ";", "; x"]) : "";
    text += `${random.once(2) ? size.toUpperCase() : size}${extension}\r\n${data}\r\n`;
  }
  const trailers = random.once(4)
    ? random.pick(["X-T: 1\r\n", "a:b\r\nc:d\r\n", "Content-Length: 1\r\n", "bad\r\n"])
    : "";
  return `${text}0\r\n${trailers}\r\n`;
}

function fields(random: Random): string {
  let text = "";
  for (let count = random.below(6); count > 0; count--) {
    text += `${random.pick(NAMES)}:${random.once(3) ? "" : " "}${random.pick(VALUES)}${
      random.once(6) ? " \t" : ""
    }\r\n`;
  }
  return text;
}

function message(random: Random, line: string, host: string): string {
  const kind = random.below(4);
  const body = random.bytes(30);
  let framing = "";
  if (kind === 1 || random.once(20)) framing += sized(random, body);
  if (kind === 2 || random.once(20)) {
    framing += `Transfer-Encoding: ${random.once(4) ? random.pick(CODINGS) : "chunked"}\r\n`;
  }
  const rest = kind === 1 ? body : kind === 2 ? chunks(random) : "";
  return `${line}\r\n${host}${fields(random)}${framing}${random.once(2) ? fields(random) : ""}\r\n${rest}`;
}

export function requests(random: Random): string {
  let text = random.once(10) ? "\r\n" : "";
  for (let count = 1 + random.below(3); count > 0; count--) {
    const method = random.once(2) ? "GET" : random.pick(METHODS);
    const line = `${method} ${random.once(2) ? "/" : random.pick(TARGETS)} ${random.pick(VERSIONS)}`;
    const host = random.once(12)
      ? random.pick(["", "Host: a\r\nHost: a\r\n", "Host: a b\r\n", "Host : a\r\n"])
      : "Host: a\r\n";
    text += message(random, line, host);
  }
  return random.once(2) ? text : mutate(random, text);
}

export function responses(random: Random): string {
  let text = "";
  for (let count = 1 + random.below(3); count > 0; count--) {
    text += message(
      random,
      `${random.pick(VERSIONS)} ${random.once(2) ? "200 OK" : random.pick(STATUSES)}`,
      "",
    );
  }
  return random.once(2) ? text : mutate(random, text);
}
