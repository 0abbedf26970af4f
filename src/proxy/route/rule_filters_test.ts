import { deepEqual, equal, ok } from "node:assert/strict";
import { seededRandom } from "../balance/cases.ts";
import { errorHead } from "../error.ts";
import { readRequest, type TestRequest } from "../testing/head.ts";
import { Arena } from "../worker/arena.ts";
import type { Filter, RedirectFilter } from "./filters.ts";
import { answerOf, compileFilters } from "./rule_filters.ts";

const arena = Arena.create();

const answer = (filters: Filter[], request: TestRequest = {}, prefixLength = -1) =>
  answerOf(compileFilters(filters), arena, readRequest(arena, request), prefixLength, Math.random);

function location(
  filter: Partial<RedirectFilter>,
  request: TestRequest,
  prefixLength = -1,
): string | undefined {
  return answer([{ kind: "redirect", status: 302, ...filter }], request, prefixLength)?.location;
}

Deno.test("a redirect keeps what it does not change", () => {
  const request = { target: "/a/b?x=1&y", host: "web.shop:8080" };
  equal(location({ scheme: "https" }, request), "https://web.shop:8080/a/b?x=1&y");
  equal(location({ host: "new.shop" }, request), "http://new.shop:8080/a/b?x=1&y");
  equal(location({ port: 9000 }, request), "http://web.shop:9000/a/b?x=1&y");
  equal(location({ host: "new.shop", port: 80 }, request), "http://new.shop:80/a/b?x=1&y");
  equal(location({ scheme: "https", port: 443 }, request), "https://web.shop/a/b?x=1&y");
  equal(location({ scheme: "https" }, { target: "http://other.shop/a" }), "https://other.shop/a");
});

Deno.test("a redirect replaces the path, or the prefix that its match took", () => {
  const full = (value: string) => ({ path: { kind: "full" as const, value } });
  const prefix = (value: string) => ({ path: { kind: "prefix" as const, value } });
  equal(location(full("/new?z"), { target: "/a?x" }), "http://web.shop/new?z");
  for (
    const [value, target, length, expected] of [
      ["/new", "/a/b?x=1", 2, "/new/b?x=1"],
      ["/new/", "/a/b", 2, "/new/b"],
      ["/new", "/a", 2, "/new"],
      ["/", "/a/b", 2, "/b"],
      ["/", "/a", 2, "/"],
      ["new", "/b", 1, "/new/b"],
    ] as const
  ) equal(location(prefix(value), { target }, length), `http://web.shop${expected}`, `${target} → ${value}`);
  equal(answer([{ kind: "redirect", status: 302, ...prefix("/new") }], { target: "/a" })?.status, 500);
});

Deno.test("a request that is where the redirect leads goes on", () => {
  equal(location({ host: "web.shop" }, { target: "/a" }), undefined);
  equal(location({ scheme: "http", path: { kind: "full", value: "/a?b" } }, { target: "/a?b" }), undefined);
});

Deno.test("a redirect's answer says where, with no byte of the target that ends a line", () => {
  const error = answer([{ kind: "redirect", status: 307, scheme: "https" }], { target: "/a" })!;
  equal(
    errorHead(error, false, {}),
    "HTTP/1.1 307 Temporary Redirect\r\ncontent-length: 0\r\nlocation: https://web.shop/a\r\n\r\n",
  );
  ok(errorHead(error, false, { isGrpc: true }).includes("grpc-status: 5\r\n"));
});

Deno.test("a failure has the status and the code that the route says", () => {
  const http = answer([{ kind: "http-failure", status: 418, message: "no coffee" }])!;
  equal(http.status, 418);
  ok(errorHead(http, true, {}).includes("l5d-proxy-error: no coffee"));
  ok(errorHead(http, true, { isGrpc: true }).includes("grpc-status: 9\r\n"));
  const grpc = answer([{ kind: "grpc-failure", status: 14, message: "" }])!;
  ok(errorHead(grpc, true, { isGrpc: true }).includes("grpc-status: 14\r\n"));
});

Deno.test("a ratio is the share of requests that fail", () => {
  const random = seededRandom(), ratio = { numerator: 1, denominator: 4 };
  const filters = compileFilters([{ kind: "http-failure", status: 503, message: "", ratio }]);
  let failed = 0;
  for (let i = 0; i < 10_000; i++) if (answerOf(filters, arena, -1, -1, random) !== undefined) failed++;
  ok(Math.abs(failed / 10_000 - 0.25) < 0.02, `${failed}`);
});

Deno.test("what a route cannot do fails its requests", () => {
  const redirect = (filter: Partial<RedirectFilter>): Filter => ({
    kind: "redirect",
    status: 302,
    ...filter,
  });
  const changes = { add: [["x", "a\r\nb"]] as const, set: [], remove: [] };
  const filters: Filter[] = [
    redirect({ host: "evil.com/\r\nx: y" }),
    redirect({ scheme: "java script" }),
    redirect({ status: 200 }),
    redirect({ port: 70_000 }),
    redirect({ path: { kind: "full", value: "relative" } }),
    redirect({ path: { kind: "prefix", value: "/a b" } }),
    { kind: "http-failure", status: 42, message: "" },
    { kind: "http-failure", status: 500, message: "", ratio: { numerator: 1, denominator: 0 } },
    { kind: "request-headers", changes },
    { kind: "invalid", message: "of another kind" },
  ];
  for (const filter of filters) {
    const error = answer([filter]);
    equal(error?.status === 500 && error.code, "invalid-policy", JSON.stringify(filter));
  }
});

Deno.test("a backend's filters change heads after its rule's, and answer by themselves", () => {
  const set = (value: string): Filter => ({
    kind: "request-headers",
    changes: { add: [], set: [["x", value]], remove: [] },
  });
  const rule: Filter[] = [set("rule"), { kind: "http-failure", status: 500, message: "" }];
  const { requestEdit, stops } = compileFilters(rule, [set("backend")]);
  equal(new TextDecoder().decode(requestEdit?.lines), "x: backend\r\n");
  deepEqual(stops, []);
});
