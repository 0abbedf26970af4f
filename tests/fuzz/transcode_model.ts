/** What of a head goes on to the next hop (RFC 9110 sections 6.5.1 and 7.6.1, RFC 9113 section 8.2), by names alone. */
import type { HeadView } from "../../src/wasm/head.ts";
import { BlockKind } from "../../src/wasm/http2.ts";

export type Pair = readonly [name: string, value: string];

const OF_ONE_CONNECTION = new Set([
  "host",
  "connection",
  "transfer-encoding",
  "upgrade",
  "keep-alive",
  "proxy-connection",
  "http2-settings",
]);
const NO_TRAILERS = new Set([
  ...OF_ONE_CONNECTION,
  "te",
  "content-length",
  "trailer",
  "expect",
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
  "content-type",
  "content-encoding",
  "range",
]);
/** What Connection says about the connection itself; nothing else it says makes these names of fields. */
const OPTIONS = new Set(["", "close", "keep-alive", "upgrade"]);
const UNNAMEABLE = new Set(["host", "content-length", "transfer-encoding", "te"]);

const elements = (value: string) =>
  value.split(",").map((text) => text.replace(/^[\t ]+|[\t ]+$/g, "").toLowerCase());

/** Names that the Connection fields of an HTTP/1 head end here. */
function named(headers: readonly Pair[]): Set<string> {
  const options = headers.filter(([name]) => name === "connection").flatMap(([, value]) => elements(value));
  if (options.every((option) => OPTIONS.has(option))) return new Set();
  return new Set(options.filter((option) => !UNNAMEABLE.has(option)));
}

/** The fields that go on, names in lower case, in order. */
export function forwarded(head: HeadView, kind: BlockKind): Pair[] {
  const headers = head.headers.map(({ name, value }): Pair => [name.toLowerCase(), value]);
  if (kind === BlockKind.Trailers) return headers.filter(([name]) => !NO_TRAILERS.has(name));
  const gone = head.version === 20 ? new Set<string>() : named(headers);
  const acceptsTrailers = kind === BlockKind.Request &&
    headers.some(([name, value]) => name === "te" && elements(value).includes("trailers"));
  const hasNoContent = kind === BlockKind.Request
    ? head.methodText === "CONNECT" && head.protocol === ""
    : head.status < 200 || head.status === 204;
  let hasTe = false;
  return headers.flatMap(([name, value]): Pair[] => {
    if (name === "te") {
      const isFirst = !hasTe;
      hasTe = true;
      return isFirst && acceptsTrailers ? [["te", "trailers"]] : [];
    }
    if (OF_ONE_CONNECTION.has(name) || gone.has(name)) return [];
    if (name === "content-length" && hasNoContent) return [];
    return [[name, value]];
  });
}

/** The same as HTTP/1 has them: cookies in one line, no length beside chunks and where CONNECT is a GET with Upgrade. */
export function forwardedToHttp1(head: HeadView, kind: BlockKind, framing: number): Pair[] {
  const fields = forwarded(head, kind);
  if (kind === BlockKind.Trailers) return fields;
  const cookies = fields.filter(([name, value]) => name === "cookie" && value !== "").map(([, value]) =>
    value
  );
  const first = fields.findIndex(([name]) => name === "cookie");
  return fields.flatMap(([name, value], index): Pair[] => {
    if (name === "cookie") return index === first ? [["cookie", cookies.join("; ")]] : [];
    if (name === "content-length" && (framing === 1 || head.methodText === "CONNECT")) return [];
    return [[name, value]];
  });
}

/** The path that HTTP/2 is given: of an absolute target what it left out is added. */
export function pathOf(head: HeadView): string {
  if (head.target === "*") return "*";
  if (head.path === "") return head.version !== 20 && head.methodText === "OPTIONS" ? "*" : "/";
  return head.path.startsWith("/") ? head.path : `/${head.path}`;
}
