/** Which lists of fields are messages, by clause of RFC 9113 (and RFC 8441, RFC 9110 where it points there). */
import { BlockKind, BlockReason } from "../../../src/wasm/http2.ts";

export type Pair = readonly [name: string, value: string];

export interface FieldCase {
  readonly clause: string;
  readonly says: string;
  readonly kind: BlockKind;
  readonly fields: readonly Pair[];
  readonly expect: BlockReason;
}

export const GET: readonly Pair[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":authority", "a.b:80"],
  [":path", "/"],
];
const CONNECT: readonly Pair[] = [[":method", "CONNECT"], [":authority", "a:443"]];
const WEBSOCKET: readonly Pair[] = [
  [":method", "CONNECT"],
  [":protocol", "websocket"],
  [":scheme", "https"],
  [":path", "/chat"],
  [":authority", "a"],
];
export const OK: readonly Pair[] = [[":status", "200"]];

/** The list with other values, without those whose value is undefined, in its order. */
export function changed(list: readonly Pair[], values: Readonly<Record<string, string | undefined>>): Pair[] {
  return list.flatMap(([name, value]): Pair[] => {
    if (!(name in values)) return [[name, value]];
    const other = values[name];
    return other === undefined ? [] : [[name, other]];
  });
}

type Row = readonly [clause: string, says: string, fields: readonly Pair[], expect: BlockReason];
const of = (kind: BlockKind, rows: readonly Row[]): FieldCase[] =>
  rows.map(([clause, says, fields, expect]) => ({ clause, says, kind, fields, expect }));

const requests = of(BlockKind.Request, [
  ["8.3.1", "the least request", changed(GET, { ":authority": undefined }), BlockReason.None],
  ["8.3.1", "pseudo-header fields in any order", [...GET].reverse(), BlockReason.None],
  ["8.3.1", "no method", changed(GET, { ":method": undefined }), BlockReason.MissingPseudo],
  ["8.3.1", "no scheme", changed(GET, { ":scheme": undefined }), BlockReason.MissingPseudo],
  ["8.3.1", "no path", changed(GET, { ":path": undefined }), BlockReason.MissingPseudo],
  ["8.3.1", "nothing at all", [], BlockReason.MissingPseudo],
  ["8.3.1", "an empty path", changed(GET, { ":path": "" }), BlockReason.BadPath],
  ["8.3.1", "an empty method", changed(GET, { ":method": "" }), BlockReason.BadMethod],
  ["8.3.1", "an empty scheme", changed(GET, { ":scheme": "" }), BlockReason.BadScheme],
  ["8.3.1", "an empty authority is none", changed(GET, { ":authority": "" }), BlockReason.None],
  ["8.3.1", "a path with a query", changed(GET, { ":path": "/a?b=c&d" }), BlockReason.None],
  ["8.3.1", "a path with a fragment", changed(GET, { ":path": "/a#b" }), BlockReason.BadPath],
  ["8.3.1", "a path that is a query only", changed(GET, { ":path": "?a" }), BlockReason.BadPath],
  ["8.3.1", "a whole URI as path", changed(GET, { ":path": "http://b/c" }), BlockReason.BadPath],
  ["8.3.1", "* of OPTIONS", changed(GET, { ":method": "OPTIONS", ":path": "*" }), BlockReason.None],
  ["8.3.1", "* of another method", changed(GET, { ":path": "*" }), BlockReason.BadPath],
  [
    "8.3.1",
    "more than * of OPTIONS",
    changed(GET, { ":method": "OPTIONS", ":path": "*a" }),
    BlockReason.BadPath,
  ],
  [
    "8.3.1",
    "a path that begins a second request line",
    changed(GET, {
      ":path": "/ HTTP/1.1\r\nhost: b\r\n\r\nGET /",
    }),
    BlockReason.BadValue,
  ],
  [
    "8.3.1",
    "a method that is a request line",
    changed(GET, { ":method": "GET / HTTP/1.1" }),
    BlockReason.BadMethod,
  ],
  [
    "8.3.1",
    "an authority with user information",
    changed(GET, { ":authority": "u@a" }),
    BlockReason.BadAuthority,
  ],
  ["8.3.1", "an authority with a path", changed(GET, { ":authority": "a/b" }), BlockReason.BadAuthority],
  [
    "8.3.1",
    "an authority with a port too large",
    changed(GET, { ":authority": "a:65536" }),
    BlockReason.BadAuthority,
  ],
  [
    "8.3.1",
    "an authority that is an IPv6 address",
    changed(GET, { ":authority": "[::1]:80" }),
    BlockReason.None,
  ],
  [
    "8.3.1",
    "an authority with a line's end",
    changed(GET, { ":authority": "a\r\nb: c" }),
    BlockReason.BadValue,
  ],
  ["8.3.1", "host that says the same in other case", [...GET, ["host", "A.b:80"]], BlockReason.None],
  ["8.3.1", "host that says something else", [...GET, ["host", "other"]], BlockReason.HostDiffers],
  ["8.3.1", "host that differs by its port", [...GET, ["host", "a.b"]], BlockReason.HostDiffers],
  [
    "8.3.1",
    "host instead of an authority",
    [...changed(GET, { ":authority": undefined }), ["host", "h"]],
    BlockReason.None,
  ],
  [
    "8.3.1",
    "host twice",
    [...changed(GET, { ":authority": undefined }), ["host", "h"], ["host", "h"]],
    BlockReason.HostDiffers,
  ],
  [
    "8.3.1",
    "a host that is none",
    [...changed(GET, { ":authority": undefined }), ["host", "h/x"]],
    BlockReason.BadAuthority,
  ],
  ["8.3", "a pseudo-header field twice", [...GET, [":path", "/"]], BlockReason.RepeatedPseudo],
  ["8.3", "a pseudo-header field after a field", [["a", "b"], ...GET], BlockReason.PseudoAfterField],
  ["8.3", "a pseudo-header field that there is not", [...GET, [":foo", "x"]], BlockReason.UnknownPseudo],
  ["8.3", "a colon alone", [...GET, [":", "x"]], BlockReason.UnknownPseudo],
  ["8.3", "a pseudo-header field of responses", [...GET, [":status", "200"]], BlockReason.UnknownPseudo],
  ["8.2", "a capital letter in a pseudo-header's name", [...GET, [":Path", "/"]], BlockReason.UnknownPseudo],
  ["8.2.2", "connection", [...GET, ["connection", "close"]], BlockReason.ConnectionField],
  ["8.2.2", "keep-alive", [...GET, ["keep-alive", "timeout=5"]], BlockReason.ConnectionField],
  ["8.2.2", "proxy-connection", [...GET, ["proxy-connection", "keep-alive"]], BlockReason.ConnectionField],
  ["8.2.2", "transfer-encoding", [...GET, ["transfer-encoding", "chunked"]], BlockReason.ConnectionField],
  ["8.2.2", "upgrade", [...GET, ["upgrade", "h2c"]], BlockReason.ConnectionField],
  ["8.2.2", "te: trailers", [...GET, ["te", "trailers"]], BlockReason.None],
  ["8.2.2", "te with anything else", [...GET, ["te", "trailers, deflate"]], BlockReason.BadTe],
  ["8.2.2", "an empty te", [...GET, ["te", ""]], BlockReason.BadTe],
  ["8.2.3", "cookies in crumbs", [...GET, ["cookie", "a=1"], ["cookie", "b=2"]], BlockReason.None],
  ["8.1.1", "content-length", [...GET, ["content-length", "12"]], BlockReason.None],
  [
    "8.1.1",
    "content-length twice, the same",
    [...GET, ["content-length", "1"], ["content-length", "1"]],
    BlockReason.BadContentLength,
  ],
  ["8.1.1", "content-length as a list", [...GET, ["content-length", "1, 1"]], BlockReason.BadContentLength],
  ["8.1.1", "an empty content-length", [...GET, ["content-length", ""]], BlockReason.BadContentLength],
  ["8.1.1", "a negative content-length", [...GET, ["content-length", "-1"]], BlockReason.BadContentLength],
  ["8.1.1", "a content-length with a sign", [...GET, ["content-length", "+1"]], BlockReason.BadContentLength],
  [
    "8.1.1",
    "a content-length that would wrap around",
    [...GET, ["content-length", "18446744073709551617"]],
    BlockReason.BadContentLength,
  ],
]);

const connects = of(BlockKind.Request, [
  ["8.5", "CONNECT", CONNECT, BlockReason.None],
  ["8.5", "CONNECT with a path", [...CONNECT, [":path", "/"]], BlockReason.UnknownPseudo],
  ["8.5", "CONNECT with a scheme", [...CONNECT, [":scheme", "http"]], BlockReason.UnknownPseudo],
  ["8.5", "CONNECT without authority", [[":method", "CONNECT"]], BlockReason.BadAuthority],
  ["8.5", "CONNECT without a port", changed(CONNECT, { ":authority": "a" }), BlockReason.BadAuthority],
  ["8.5", "CONNECT with port 0", changed(CONNECT, { ":authority": "a:0" }), BlockReason.BadAuthority],
  ["RFC 8441 4", "extended CONNECT", WEBSOCKET, BlockReason.None],
  [
    "RFC 8441 4",
    "extended CONNECT without a path",
    changed(WEBSOCKET, { ":path": undefined }),
    BlockReason.MissingPseudo,
  ],
  [
    "RFC 8441 4",
    "extended CONNECT without a scheme",
    changed(WEBSOCKET, { ":scheme": undefined }),
    BlockReason.MissingPseudo,
  ],
  [
    "RFC 8441 4",
    ":protocol of another method",
    changed(WEBSOCKET, { ":method": "GET" }),
    BlockReason.UnknownPseudo,
  ],
  ["RFC 8441 4", "an empty :protocol", changed(WEBSOCKET, { ":protocol": "" }), BlockReason.BadProtocol],
  [
    "RFC 8441 4",
    ":protocol with a line's end",
    changed(WEBSOCKET, { ":protocol": "a\r\nb: c" }),
    BlockReason.BadValue,
  ],
]);

const responses = of(BlockKind.Response, [
  ["8.3.2", "the least response", OK, BlockReason.None],
  ["8.3.2", "no status", [["a", "b"]], BlockReason.MissingPseudo],
  ["8.3.2", "a status of two digits", [[":status", "20"]], BlockReason.BadStatus],
  ["8.3.2", "a status of four digits", [[":status", "2000"]], BlockReason.BadStatus],
  ["8.3.2", "a status below 100", [[":status", "099"]], BlockReason.BadStatus],
  ["8.3.2", "a status with a phrase", [[":status", "200 OK"]], BlockReason.BadStatus],
  ["8.3.2", "an empty status", [[":status", ""]], BlockReason.BadStatus],
  ["8.3.2", "a status twice", [...OK, ...OK], BlockReason.RepeatedPseudo],
  ["8.3", "a pseudo-header field of requests", [...OK, [":path", "/"]], BlockReason.UnknownPseudo],
  ["8.6", "101", [[":status", "101"]], BlockReason.BadStatus],
  ["8.1", "an interim response", [[":status", "103"], ["link", "</a>"]], BlockReason.None],
  ["8.2.2", "transfer-encoding", [...OK, ["transfer-encoding", "chunked"]], BlockReason.ConnectionField],
  [
    "8.2.2",
    "te: trailers in a response, which then ends here",
    [...OK, ["te", "trailers"]],
    BlockReason.None,
  ],
]);

const trailers = of(BlockKind.Trailers, [
  ["8.1", "trailers", [["grpc-status", "0"], ["grpc-message", ""]], BlockReason.None],
  ["8.1", "no trailers at all", [], BlockReason.None],
  ["8.1", "a pseudo-header field in trailers", [[":status", "200"]], BlockReason.UnknownPseudo],
  ["8.1", "content-length in trailers", [["content-length", "0"]], BlockReason.BadContentLength],
  ["8.2.2", "connection in trailers", [["connection", "close"]], BlockReason.ConnectionField],
]);

const texts = of(BlockKind.Trailers, [
  ["8.2.1", "an empty name", [["", "a"]], BlockReason.BadName],
  ["8.2.1", "a well-known name in capitals", [["Content-Type", "a"]], BlockReason.BadName],
  [
    "8.2.1",
    "one capital letter at the end of a long name",
    [[`${"a".repeat(40)}B`, "a"]],
    BlockReason.BadName,
  ],
  ["8.2.1", "a name that ends a line", [["a\r\nb", "c"]], BlockReason.BadName],
  ["8.2.1", "a value that ends a line", [["a", "b\r\nc: d"]], BlockReason.BadValue],
  ["8.2.1", "a value with a NUL", [["a", "b\0c"]], BlockReason.BadValue],
  ["8.2.1", "a value that begins with a space", [["a", " b"]], BlockReason.BadValue],
  ["8.2.1", "a value that ends with a tab", [["a", "b\t"]], BlockReason.BadValue],
  ["8.2.1", "a value with a tab within", [["a", "b\tc"]], BlockReason.None],
  ["8.2.1", "a value of bytes beyond ASCII", [["a", "\x80\xff"]], BlockReason.None],
  ["8.2.1", "an empty value", [["a", ""]], BlockReason.None],
]);

export const fieldCases: readonly FieldCase[] = [
  ...requests,
  ...connects,
  ...responses,
  ...trailers,
  ...texts,
];
