/** Field blocks for the fuzz targets: lists as messages have them, nearly right, written in every way that HPACK has. */
import { integer } from "../conformance/hpack/notation.ts";
import { encodeHuffman } from "./hpack_model.ts";
import type { Random } from "./random.ts";

const NAMES = [
  "accept",
  "x-a",
  "grpc-status",
  "b",
  "cookie",
  "te",
  "host",
  "content-length",
  "accept-encoding",
  "authorization",
  "via",
  "n".repeat(40),
  "l5d-client-id",
];
const ODD_NAMES = [
  "",
  "A",
  "a b",
  ":path",
  ":x",
  "connection",
  "upgrade",
  "transfer-encoding",
  "a\r\nb",
  "x:",
];
const VALUES = [
  "",
  "a",
  "/",
  "0",
  "12",
  "gzip, deflate",
  "trailers",
  "y".repeat(130),
  "\xff\x80",
  "a;b=c",
  "v".repeat(20),
];
const ODD_VALUES = ["bad\0", " space", "tab\t", "a\r\nb: c", "\x7f", "18446744073709551617", "1,1"];
const AUTHORITIES = ["a", "a.b:80", "[::1]:443", "%41", "a:", "A"];
const ODD_AUTHORITIES = ["u@a", "a/b", "a:65536", "", "a b", "%4", "[", ":80"];
const PATHS = ["/", "/a/b?c=d", "/%20", "/" + "p".repeat(60), "/index.html"];
const ODD_PATHS = ["", "*", "a", "/ b", "/a#b", "http://a/", "/\r\n"];

export type Pair = readonly [name: string, value: string];

/** A request, response or trailers; one in a few with something odd. */
export function fieldList(random: Random, kind: number): Pair[] {
  const odd = (usual: readonly string[], unusual: readonly string[]) =>
    random.once(25) ? random.pick(unusual) : random.pick(usual);
  const list: Pair[] = [];
  if (kind === 0) {
    const method = odd(["GET", "GET", "POST", "OPTIONS", "CONNECT", "PURGE"], ["", "G T", "get"]);
    const isTunnel = method === "CONNECT" && random.once(2);
    list.push([":method", method]);
    if (!isTunnel || random.once(20)) {
      list.push([":scheme", odd(["http", "https"], ["", "HTTP", "x y", ":"])]);
    }
    if (!random.once(8)) {
      list.push([":authority", isTunnel ? "a:443" : odd(AUTHORITIES, ODD_AUTHORITIES)]);
    }
    if (!isTunnel || random.once(20)) {
      list.push([":path", method === "OPTIONS" && random.once(2) ? "*" : odd(PATHS, ODD_PATHS)]);
    }
    if (method === "CONNECT" && !isTunnel) list.push([":protocol", odd(["websocket"], ["", "a b"])]);
  } else if (kind === 1) {
    list.push([
      ":status",
      odd(["200", "204", "404", "503", "100", "999"], ["101", "20", "099", "2000", "x"]),
    ]);
  }
  for (let count = random.below(random.once(8) ? 40 : 7); count > 0; count--) {
    const name = odd(NAMES, ODD_NAMES);
    const value = name === "te"
      ? odd(["trailers"], ["gzip", "Trailers", ""])
      : name === "content-length"
      ? odd(["0", "12"], ["", "+1", "1,1", "x", "18446744073709551617"])
      : name === "host"
      ? odd(["a", "A", "a.b:80"], ["b", "", "a b"])
      : odd(VALUES, ODD_VALUES);
    list.push([name, value]);
  }
  if (random.once(12)) list.reverse();
  if (random.once(12) && list[0] !== undefined) list.push(list[0]);
  return list;
}

function string(random: Random, text: string): string {
  if (random.once(4)) {
    const code = encodeHuffman(text);
    return integer(128, 7, code.length) + code;
  }
  if (random.once(60)) {
    const bytes = random.bytes(20);
    return integer(128, 7, random.once(20) ? bytes.length + 1 : bytes.length) + bytes;
  }
  return integer(0, 7, random.once(150) ? text.length + 1 : text.length) + text;
}

/** Static indices that have a name, to write it by. */
const STATIC_NAMES: Readonly<Record<string, number>> = {
  ":authority": 1,
  ":method": 2,
  ":path": 4,
  ":scheme": 6,
  ":status": 8,
  "accept-encoding": 16,
  accept: 19,
  authorization: 23,
  "content-length": 28,
  cookie: 32,
  host: 38,
  via: 60,
};

/** A block of a list by the grammar of RFC 7541; indices into the dynamic table are mostly within reach. */
export function writeBlock(random: Random, list: readonly Pair[]): string {
  let text = random.once(8) ? integer(32, 5, random.pick([0, 31, 32, 40, 100, 200, 4096])) : "";
  // What was there before the block, so that it must survive what the block adds.
  if (random.once(4)) text += integer(128, 7, 62 + random.below(3));
  let added = 0;
  for (const [name, value] of list) {
    if (added > 0 && random.once(4)) text += integer(128, 7, 62 + random.below(Math.min(added, 4)));
    if (random.once(6)) text += integer(128, 7, 1 + random.below(random.once(8) ? 80 : 62));
    const [prefix, bits] = random.once(2)
      ? [64, 6] as const
      : random.once(2)
      ? [0, 4] as const
      : [16, 4] as const;
    const known = STATIC_NAMES[name];
    const index = random.once(20) ? 62 + random.below(4) : known !== undefined && random.once(2) ? known : 0;
    if (prefix === 64) added++;
    text += integer(prefix, bits, index);
    if (index === 0) text += string(random, name);
    text += string(random, value);
  }
  return random.once(15) ? text + random.bytes(6) : text;
}
