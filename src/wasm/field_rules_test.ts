import assert from "node:assert/strict";
import { type Field, FieldBench } from "./field_bench.ts";
import { BlockKind, BlockReason } from "./http2.ts";
import { Body } from "./http1.ts";
import { Workbench } from "./workbench.ts";

const workbench = new Workbench();

type Pair = readonly [string, string];
const REQUEST: readonly Pair[] = [[":method", "GET"], [":scheme", "http"], [":authority", "a"], [
  ":path",
  "/",
]];
const RESPONSE: readonly Pair[] = [[":status", "200"]];

function judge(pairs: readonly Pair[], kind: BlockKind = BlockKind.Request, limits = {}) {
  const bench = new FieldBench(workbench);
  const fields: Field[] = pairs.map(([name, value]) => ({ name, value }));
  return bench.decode(bench.encode(fields), kind, limits);
}

const without = (name: string) => REQUEST.filter(([key]) => key !== name);
const replaced = (name: string, value: string): Pair[] =>
  REQUEST.map(([key, old]) => [key, key === name ? value : old]);

const cases: readonly (readonly [string, readonly Pair[], BlockKind, BlockReason])[] = [
  ["8.3.1 no :method", without(":method"), BlockKind.Request, BlockReason.MissingPseudo],
  ["8.3.1 no :scheme", without(":scheme"), BlockKind.Request, BlockReason.MissingPseudo],
  ["8.3.1 no :path", without(":path"), BlockKind.Request, BlockReason.MissingPseudo],
  ["8.3.1 empty :path", replaced(":path", ""), BlockKind.Request, BlockReason.BadPath],
  ["8.3.1 :path not from the root", replaced(":path", "a"), BlockKind.Request, BlockReason.BadPath],
  ["8.3.1 :path with a space", replaced(":path", "/a b"), BlockKind.Request, BlockReason.BadPath],
  ["8.3.1 :path * without OPTIONS", replaced(":path", "*"), BlockKind.Request, BlockReason.BadPath],
  [
    "8.3.1 :authority with user information",
    replaced(":authority", "u@a"),
    BlockKind.Request,
    BlockReason.BadAuthority,
  ],
  ["8.3.1 :method that is no token", replaced(":method", "G T"), BlockKind.Request, BlockReason.BadMethod],
  ["8.3.1 :scheme that is no token", replaced(":scheme", "ht tp"), BlockKind.Request, BlockReason.BadScheme],
  ["8.3.1 :scheme with a colon", replaced(":scheme", ":x"), BlockKind.Request, BlockReason.BadScheme],
  ["8.6 :status 101", [[":status", "101"]], BlockKind.Response, BlockReason.BadStatus],
  [
    "8.5, RFC 8441 4 :protocol without CONNECT",
    [...REQUEST, [":protocol", "websocket"]],
    BlockKind.Request,
    BlockReason.UnknownPseudo,
  ],
  [
    "8.5, RFC 8441 4 extended CONNECT without :path",
    [[":method", "CONNECT"], [":protocol", "websocket"], [":scheme", "http"], [":authority", "a"]],
    BlockKind.Request,
    BlockReason.MissingPseudo,
  ],
  [
    "8.5, RFC 8441 4 :protocol that is no token",
    [...replaced(":method", "CONNECT"), [":protocol", "a b"]],
    BlockKind.Request,
    BlockReason.BadProtocol,
  ],
  ["8.3 repeated :method", [...REQUEST, [":method", "GET"]], BlockKind.Request, BlockReason.RepeatedPseudo],
  ["8.3 unknown pseudo-header", [[":what", "x"], ...REQUEST], BlockKind.Request, BlockReason.UnknownPseudo],
  [
    "8.3 :status in a request",
    [...REQUEST, [":status", "200"]],
    BlockKind.Request,
    BlockReason.UnknownPseudo,
  ],
  ["8.3 :path in a response", [...RESPONSE, [":path", "/"]], BlockKind.Response, BlockReason.UnknownPseudo],
  ["8.3 pseudo-header in trailers", [[":status", "200"]], BlockKind.Trailers, BlockReason.UnknownPseudo],
  [
    "8.3 pseudo-header after a field",
    [["a", "b"], ...REQUEST],
    BlockKind.Request,
    BlockReason.PseudoAfterField,
  ],
  ["8.3.2 no :status", [["a", "b"]], BlockKind.Response, BlockReason.MissingPseudo],
  ["8.3.2 :status of two digits", [[":status", "20"]], BlockKind.Response, BlockReason.BadStatus],
  ["8.3.2 :status with a letter", [[":status", "2x0"]], BlockKind.Response, BlockReason.BadStatus],
  ["8.2.1 capital letter in a name", [...REQUEST, ["Abc", "x"]], BlockKind.Request, BlockReason.BadName],
  [
    "8.2.1 capital letter in a known name",
    [...REQUEST, ["Accept", "x"]],
    BlockKind.Request,
    BlockReason.BadName,
  ],
  ["8.2.1 space in a name", [...REQUEST, ["a b", "x"]], BlockKind.Request, BlockReason.BadName],
  ["8.2.1 empty name", [...REQUEST, ["", "x"]], BlockKind.Request, BlockReason.BadName],
  ["8.2.1 NUL in a value", [...REQUEST, ["a", "x\0"]], BlockKind.Request, BlockReason.BadValue],
  ["8.2.1 LF in a value", [...REQUEST, ["a", "x\ny"]], BlockKind.Request, BlockReason.BadValue],
  ["8.2.1 CR in a value", [...REQUEST, ["a", "x\ry"]], BlockKind.Request, BlockReason.BadValue],
  ["8.2.1 leading space in a value", [...REQUEST, ["a", " x"]], BlockKind.Request, BlockReason.BadValue],
  ["8.2.1 trailing tab in a value", [...REQUEST, ["a", "x\t"]], BlockKind.Request, BlockReason.BadValue],
  ["8.2.2 connection", [...REQUEST, ["connection", "close"]], BlockKind.Request, BlockReason.ConnectionField],
  ["8.2.2 keep-alive", [...REQUEST, ["keep-alive", "1"]], BlockKind.Request, BlockReason.ConnectionField],
  [
    "8.2.2 proxy-connection",
    [...REQUEST, ["proxy-connection", "x"]],
    BlockKind.Request,
    BlockReason.ConnectionField,
  ],
  [
    "8.2.2 transfer-encoding",
    [...RESPONSE, ["transfer-encoding", "chunked"]],
    BlockKind.Response,
    BlockReason.ConnectionField,
  ],
  ["8.2.2 upgrade", [...REQUEST, ["upgrade", "x"]], BlockKind.Request, BlockReason.ConnectionField],
  ["8.2.2 te other than trailers", [...REQUEST, ["te", "gzip"]], BlockKind.Request, BlockReason.BadTe],
  [
    "8.1.1 content-length twice",
    [...REQUEST, ["content-length", "1"], ["content-length", "1"]],
    BlockKind.Request,
    BlockReason.BadContentLength,
  ],
  [
    "8.1.1 content-length not a number",
    [...REQUEST, ["content-length", "1,1"]],
    BlockKind.Request,
    BlockReason.BadContentLength,
  ],
  [
    "8.1 content-length in trailers",
    [["content-length", "1"]],
    BlockKind.Trailers,
    BlockReason.BadContentLength,
  ],
  [
    "8.3.1 host and :authority differ",
    [...REQUEST, ["host", "b"]],
    BlockKind.Request,
    BlockReason.HostDiffers,
  ],
  ["8.5 CONNECT with :path", replaced(":method", "CONNECT"), BlockKind.Request, BlockReason.UnknownPseudo],
  [
    "8.5 CONNECT without a port",
    [[":method", "CONNECT"], [":authority", "a"]],
    BlockKind.Request,
    BlockReason.BadAuthority,
  ],
];

for (const [clause, pairs, kind, reason] of cases) {
  Deno.test(`malformed: RFC 9113 ${clause}`, () => {
    const { outcome, reason: found } = judge(pairs, kind);
    assert.equal(BlockReason[found], BlockReason[reason]);
    assert.ok(outcome >= 0, "the connection goes on");
  });
}

Deno.test("a malformed field stays malformed when it comes again from the table", () => {
  const bench = new FieldBench(workbench);
  const fields = [{ name: "a", value: "x\0" }];
  bench.decode(bench.encode(fields), BlockKind.Trailers);
  const again = bench.encode(fields);
  assert.equal(again.length, 1);
  assert.equal(bench.decode(again, BlockKind.Trailers).reason, BlockReason.BadValue);
});

Deno.test("what is allowed is accepted: CONNECT, OPTIONS *, Host alone, te trailers, other statuses", () => {
  const accepted: (readonly [readonly Pair[], BlockKind])[] = [
    [[[":method", "CONNECT"], [":authority", "a:443"]], BlockKind.Request],
    [[[":method", "OPTIONS"], [":scheme", "http"], [":path", "*"], [":authority", "a"]], BlockKind.Request],
    [[...without(":authority"), ["host", "a:1"]], BlockKind.Request],
    [[...REQUEST, ["host", "A"], ["te", "trailers"], ["expect", "100-continue"]], BlockKind.Request],
    [[[":status", "999"]], BlockKind.Response],
    [[[":method", "CONNECT"], [":protocol", "websocket"], [":scheme", "http"], [":path", "/"], [
      ":authority",
      "a",
    ]], BlockKind.Request],
    [[["grpc-status", "0"], ["grpc-message", ""]], BlockKind.Trailers],
  ];
  for (const [pairs, kind] of accepted) {
    assert.equal(judge(pairs, kind).reason, BlockReason.None, JSON.stringify(pairs));
  }
  assert.equal(judge([...without(":authority"), ["host", "a:1"]]).head.authority, "a:1");
});

Deno.test("the body's length is known, known to be empty, or open", () => {
  assert.equal(judge(REQUEST).head.body, Body.UntilClose);
  assert.equal(judge([...REQUEST, ["content-length", "0"]]).head.body, Body.None);
  assert.equal(judge([...REQUEST, ["content-length", "7"]]).head.body, Body.Length);
});

Deno.test("a list or a number of fields over the limit is too large, and the table stays in step", () => {
  const bench = new FieldBench(workbench);
  const fields: Field[] = [{ name: "a", value: "b" }, { name: "c", value: "x".repeat(100) }, {
    name: "d",
    value: "e",
  }];
  const first = bench.decode(bench.encode(fields), BlockKind.Trailers, { maxListSize: 80 });
  assert.equal(first.reason, BlockReason.ListTooLarge);
  assert.deepEqual(first.head.headers.map(({ name }) => name), ["a"]);
  const second = bench.decode(bench.encode(fields), BlockKind.Trailers);
  assert.deepEqual(bench.fields(second, BlockKind.Trailers), fields.map(({ name, value }) => [name, value]));
  const third = bench.decode(bench.encode(fields), BlockKind.Trailers, { maxHeaders: 2 });
  assert.equal(third.reason, BlockReason.ListTooLarge);
  assert.equal(third.head.headers.length, 2);
});

Deno.test("text that does not fit its room is an error, never a write beyond", () => {
  const bench = new FieldBench(workbench, 4096, 4096, true);
  const block = bench.encode([{ name: "a".repeat(50), value: "e".repeat(50) }]);
  const { reason } = bench.decode(block, BlockKind.Trailers, { textBytes: 99 });
  assert.equal(reason, BlockReason.TextTooLong);
});
