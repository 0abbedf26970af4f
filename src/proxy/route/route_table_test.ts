import { equal, ok } from "node:assert/strict";
import { BlockKind } from "../../wasm/http2.ts";
import { HeaderName } from "../../wasm/http1.ts";
import type { DropMask } from "../http/pipeline.ts";
import { readRequest, type TestRequest } from "../testing/head.ts";
import { Arena, HPACK_TABLE_MAX } from "../worker/arena.ts";
import type { FieldMatch, GrpcMatch, HostMatch, HttpMatch, MatchedRoute, RequestMatch } from "./matches.ts";
import { RouteTable } from "./route_table.ts";

const arena = Arena.create(), NO_DROPS: DropMask = [0, 0, 0];

const http = (match: Partial<HttpMatch> = {}): HttpMatch => ({
  kind: "http",
  headers: [],
  queryParams: [],
  ...match,
});
const grpc = (match: Partial<GrpcMatch> = {}): GrpcMatch => ({
  kind: "grpc",
  service: "",
  method: "",
  headers: [],
  ...match,
});
const exact = (value: string) => ({ kind: "exact" as const, value });
const prefix = (value: string) => ({ kind: "prefix" as const, value });
const regex = (pattern: string) => ({ kind: "regex" as const, pattern });
const field = (name: string, value: string): FieldMatch => ({ name, value: exact(value) });
const host = (name: string): HostMatch => ({ kind: "exact", name });
const suffix = (...reverseLabels: string[]): HostMatch => ({ kind: "suffix", reverseLabels });

/** A route of one rule. */
function route<T>(target: T, matches: RequestMatch[] = [], hosts: HostMatch[] = []): MatchedRoute<T> {
  return { hosts, rules: [{ matches, target }] };
}

function find<T>(routes: MatchedRoute<T>[], request: TestRequest = {}, isGrpc = false): T | undefined {
  return new RouteTable(routes, isGrpc).find(arena, readRequest(arena, request), NO_DROPS);
}

/** Whether one match takes a request. */
const takes = (match: RequestMatch, request: TestRequest) =>
  find([route("taken", [match])], request, match.kind === "grpc") === "taken";

Deno.test("a route without hosts and matches takes every request, and a table without routes none", () => {
  equal(find([route("any")], { method: "OPTIONS", target: "*" }), "any");
  equal(find([]), undefined);
  equal(find([{ hosts: [], rules: [] }]), undefined);
});

Deno.test("an exact path is the whole path, without the query", () => {
  const match = http({ path: exact("/a/b") });
  for (const target of ["/a/b", "/a/b?x=1", "http://web.shop/a/b"]) ok(takes(match, { target }), target);
  for (const target of ["/a", "/a/b/", "/a/bc", "/A/b", "/a%2Fb"]) ok(!takes(match, { target }), target);
});

Deno.test("a prefix takes whole segments, and a slash at its end means nothing", () => {
  for (const value of ["/a/b", "/a/b/"]) {
    const match = http({ path: prefix(value) });
    for (const target of ["/a/b", "/a/b/", "/a/b/c", "/a/b?x"]) ok(takes(match, { target }), target);
    for (const target of ["/a", "/a/bc", "/x/a/b"]) ok(!takes(match, { target }), target);
  }
  ok(takes(http({ path: prefix("/") }), { method: "OPTIONS", target: "*" }));
});

Deno.test("a target that leaves its path out asks for the root", () => {
  for (const path of [exact("/"), prefix("/"), regex("/")]) {
    ok(takes(http({ path }), { target: "http://web.shop" }));
    ok(takes(http({ path }), { target: "http://web.shop?a=1" }));
  }
  ok(!takes(http({ path: prefix("/a") }), { target: "http://web.shop" }));
  ok(takes(http({ queryParams: [field("a", "1")] }), { target: "http://web.shop?a=1" }));
});

Deno.test("a regular expression must match the whole path", () => {
  const match = http({ path: regex("/v[0-9]+/(items|carts)") });
  for (const target of ["/v1/items", "/v12/carts?x"]) ok(takes(match, { target }), target);
  for (const target of ["/v1/items/2", "/x/v1/items", "/v/items"]) ok(!takes(match, { target }), target);
});

Deno.test("an expression that JavaScript would take ages for is answered in time linear in the path", () => {
  ok(!takes(http({ path: regex("/(a+)+b") }), { target: `/${"a".repeat(10_000)}` }));
});

Deno.test("a header is found by its name in any case, on any of its lines, by its exact value", () => {
  const match = http({ headers: [field("x-canary", "yes")] });
  for (const headers of [["X-Canary: yes"], ["x-canary: no", "x-canary:yes"]]) ok(takes(match, { headers }));
  for (const headers of [[], ["x-canary: YES"], ["x-canary: yes, no"], ["x-canaries: yes"]]) {
    ok(!takes(match, { headers }), headers.join());
  }
  ok(takes(http({ headers: [field("content-type", "a/b")] }), { headers: ["Content-Type: a/b"] }));
});

Deno.test("a header's regular expression is not tried on bytes that are no text", () => {
  const match = http({ headers: [{ name: "x", value: regex("a.*") }] });
  ok(takes(match, { headers: ["x: abc"] }));
  ok(!takes(match, { headers: ["x: ab\xe9"] }));
  ok(!takes(match, { headers: ["x: ba"] }));
});

Deno.test("headers that only the mesh may set are invisible", () => {
  const table = new RouteTable([route("forged", [http({ headers: [field("l5d-client-id", "admin")] })])]);
  const drops: DropMask = [0, 0, 1 << (HeaderName.L5dClientId & 31)];
  equal(table.find(arena, readRequest(arena, { headers: ["l5d-client-id: admin"] }), drops), undefined);
});

Deno.test("query parameters are compared decoded", () => {
  const match = http({ queryParams: [field("user id", "a&b")] });
  ok(takes(match, { target: "/?x=1&user+id=a%26b" }));
  ok(takes(match, { target: "/?user%20id=c&user%20id=a%26b" }));
  for (const target of ["/", "/?user+id=a", "/user+id=a%26b"]) ok(!takes(match, { target }), target);
  ok(takes(http({ queryParams: [{ name: "v", value: regex("[0-9]+") }] }), { target: "/?v=12" }));
  ok(takes(http({ queryParams: [field("flag", "")] }), { target: "/?flag" }));
});

Deno.test("a method is compared as it was sent", () => {
  ok(takes(http({ method: "POST" }), { method: "POST" }));
  ok(takes(http({ method: "PURGE" }), { method: "PURGE" }));
  for (const method of ["GET", "post", "POSTS"]) ok(!takes(http({ method: "POST" }), { method }), method);
});

Deno.test("hosts are compared without port, case and final dot", () => {
  const names = (hosts: HostMatch[], host: string) => find([route("taken", [], hosts)], { host }) === "taken";
  for (const name of ["web.shop", "WEB.shop", "web.shop:80", "web.shop."]) {
    ok(names([host("Web.shop")], name));
  }
  for (const name of ["web.shopping", "a.web.shop"]) ok(!names([host("web.shop")], name), name);
  ok(!names([host("web.shop.")], "web.shop") && names([host("web.shop.")], "web.shop."));
  const below = [suffix("com", "example")];
  for (const name of ["a.example.com", "A.B.EXAMPLE.com", "a.example.com."]) ok(names(below, name), name);
  for (const name of ["example.com", "aexample.com", "a.example.org"]) ok(!names(below, name), name);
});

Deno.test("a call is matched by its service and method, and is always a POST", () => {
  const call = { method: "POST", target: "/shop.Cart/Add" };
  for (
    const match of [{}, { service: "shop.Cart" }, { method: "Add" }, { service: "shop.Cart", method: "Add" }]
  ) {
    ok(takes(grpc(match), call), JSON.stringify(match));
  }
  for (const match of [{ service: "shop" }, { method: "Ad" }, { service: "shop.Carts", method: "Add" }]) {
    ok(!takes(grpc(match), call), JSON.stringify(match));
  }
  ok(!takes(grpc(), { target: "/shop.Cart/Add" }));
  ok(!takes(grpc(), { method: "POST", target: "/shop.Cart" }));
});

const PAIRS: readonly (readonly [string, MatchedRoute<string>, MatchedRoute<string>])[] = [
  [
    "an exact host before a suffix",
    route("+", [], [host("a.web.shop")]),
    route("-", [], [suffix("shop", "web")]),
  ],
  ["a longer suffix", route("+", [], [suffix("shop", "web")]), route("-", [], [suffix("shop")])],
  ["a host before none", route("+", [], [suffix("shop")]), route("-", [http({ path: exact("/a/b/c") })])],
  [
    "a longer prefix",
    route("+", [http({ path: prefix("/a/b") })]),
    route("-", [http({ path: prefix("/a") })]),
  ],
  [
    "an exact path before a shorter prefix",
    route("+", [http({ path: exact("/a/b/c") })]),
    route("-", [http({ path: prefix("/a/b"), headers: [field("x", "1")] })]),
  ],
  [
    "an expression, which matches all of the path, before a shorter prefix",
    route("+", [http({ path: regex("/a.*") })]),
    route("-", [http({ path: prefix("/a/b") })]),
  ],
  ["a header before none", route("+", [http({ headers: [field("x", "1")] })]), route("-", [http()])],
  [
    "more headers",
    route("+", [http({ headers: [field("x", "1"), field("y", "2")] })]),
    route("-", [http({ headers: [field("x", "1")], queryParams: [field("q", "1")], method: "POST" })]),
  ],
  [
    "more query parameters",
    route("+", [http({ queryParams: [field("q", "1"), field("r", "2")] })]),
    route("-", [http({ queryParams: [field("q", "1")], method: "POST" })]),
  ],
  ["a method before none", route("+", [http({ method: "POST" })]), route("-", [http()])],
  ["a match before a rule without", route("+", [http({ path: prefix("/a") })]), route("-")],
];

for (const [what, preferred, other] of PAIRS) {
  Deno.test(`preferred, wherever it stands: ${what}`, () => {
    const request: TestRequest = {
      method: "POST",
      target: "/a/b/c?q=1&r=2",
      host: "a.web.shop",
      headers: ["x: 1", "y: 2"],
    };
    equal(find([preferred, other], request), "+");
    equal(find([other, preferred], request), "+");
    equal(find([{ hosts: [], rules: [...other.rules] }, preferred], request), "+");
  });
}

Deno.test("preferred among calls: the longer service, then the longer method, then more headers", () => {
  const call = { method: "POST", target: "/shop.Cart/Add", headers: ["x: 1"] };
  const order = [
    grpc({ service: "shop.Cart", method: "Add" }),
    grpc({ service: "shop.Cart", headers: [field("x", "1")] }),
    grpc({ service: "shop.Cart" }),
    grpc({ method: "Add" }),
    grpc({ headers: [field("x", "1")] }),
    grpc(),
  ];
  for (let i = 0; i < order.length; i++) {
    for (let j = i + 1; j < order.length; j++) {
      equal(find([route("+", [order[i]!]), route("-", [order[j]!])], call, true), "+", `${i} before ${j}`);
      equal(find([route("-", [order[j]!]), route("+", [order[i]!])], call, true), "+", `${i} before ${j}`);
    }
  }
});

Deno.test("among equals the earliest stands, be it a route, a rule or a match", () => {
  equal(
    find([route("first", [http({ path: exact("/a") })]), route("then", [http({ path: prefix("/a") })])], {
      target: "/a",
    }),
    "first",
  );
  const rules = [{ matches: [http()], target: "first" }, { matches: [http()], target: "then" }];
  equal(find([{ hosts: [], rules }]), "first");
  equal(find([route("first"), route("then")]), "first");
});

Deno.test("the prefix that was taken is known, for a redirect that replaces it", () => {
  const prefixOf = (match: HttpMatch[], target: string) => {
    const table = new RouteTable([route("taken", match)]);
    table.find(arena, readRequest(arena, { target }), NO_DROPS);
    return table.prefixLength;
  };
  equal(prefixOf([http({ path: prefix("/a/") })], "/a/b"), 2);
  equal(prefixOf([http({ path: exact("/a") }), http({ path: prefix("/") })], "/a"), -1);
  equal(prefixOf([], "/a"), 1);
});

Deno.test("a request of HTTP/2 takes the same route", () => {
  const { wasm, memory } = arena, table = arena.takeTable(), encoder = arena.takeTable();
  wasm.hpackDecoderStart(table, HPACK_TABLE_MAX);
  wasm.hpackEncoderStart(encoder, HPACK_TABLE_MAX, 0);
  const routes = new RouteTable([
    route("other"),
    route("canary", [
      http({ path: prefix("/a"), headers: [field("user-agent", "u"), field("x-b", "1")], method: "GET" }),
    ], [
      host("web.shop"),
    ]),
  ]);
  for (let i = 0; i < 2; i++) { // the second time from the dynamic table
    const at = readRequest(arena, { target: "/a/b", headers: ["User-Agent: u", "X-B: 1"] });
    const out = arena.scratchAt;
    const length = wasm.encodeHead(
      encoder,
      arena.recordAt,
      at,
      out,
      out + 4096,
      BlockKind.Request,
      0,
      0,
      0,
      0,
      0,
    );
    memory.bytes.fill(0, at, at + 200);
    const text = arena.hpackTextAt;
    wasm.hpackDecode(
      table,
      out,
      out + length,
      arena.recordAt,
      0,
      text,
      text + 65536,
      128,
      32768,
      BlockKind.Request,
    );
    equal(routes.find(arena, 0, NO_DROPS), "canary");
  }
});
