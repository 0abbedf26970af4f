import { equal } from "node:assert/strict";
import fc from "fast-check";
import { readRequest } from "../testing/head.ts";
import { Arena } from "../worker/arena.ts";
import type { FieldMatch, HostMatch, HttpMatch, MatchedRoute, PathMatch } from "./matches.ts";
import { RouteTable } from "./route_table.ts";

/** What a request is to the model: the parts that routes look at. */
interface Request {
  readonly method: string;
  readonly host: string;
  readonly segments: readonly string[];
  readonly headers: readonly (readonly [string, string])[];
  readonly query: readonly (readonly [string, string])[];
}

type Rank = readonly number[];

/** Compares rank by rank, as proxy.md §3 tells it. */
function isAbove(a: Rank, b: Rank): boolean {
  const at = a.findIndex((part, i) => part !== b[i]);
  return at >= 0 && a[at]! > b[at]!;
}

function hostRank(host: HostMatch, name: string): Rank | undefined {
  if (host.kind === "exact") return host.name === name ? [2, name.length] : undefined;
  const labels = name.split(".").toReversed(), { reverseLabels } = host;
  const isBelow = labels.length > reverseLabels.length &&
    reverseLabels.every((label, i) => labels[i] === label);
  return isBelow ? [1, reverseLabels.join(".").length] : undefined;
}

function pathLength(path: PathMatch | undefined, text: string): number | undefined {
  if (path === undefined) return 1;
  if (path.kind === "exact") return path.value === text ? text.length : undefined;
  if (path.kind === "regex") return new RegExp(`^(?:${path.pattern})$`).test(text) ? text.length : undefined;
  if (path.value === "/") return 1;
  return text === path.value || text.startsWith(`${path.value}/`) ? path.value.length : undefined;
}

const has = (fields: readonly (readonly [string, string])[], { name, value }: FieldMatch) =>
  fields.some(([key, text]) => key === name && value.kind === "exact" && value.value === text);

function matchRank(match: HttpMatch, request: Request): Rank | undefined {
  const length = pathLength(match.path, `/${request.segments.join("/")}`);
  if (length === undefined || (match.method !== undefined && match.method !== request.method)) {
    return undefined;
  }
  if (!match.headers.every((field) => has(request.headers, field))) return undefined;
  if (!match.queryParams.every((field) => has(request.query, field))) return undefined;
  return [length, match.headers.length, match.queryParams.length, match.method === undefined ? 0 : 1];
}

function best(ranks: Iterable<Rank | undefined>): Rank | undefined {
  let found: Rank | undefined;
  for (const rank of ranks) {
    if (rank !== undefined && (found === undefined || isAbove(rank, found))) found = rank;
  }
  return found;
}

function expected(routes: readonly MatchedRoute<number>[], request: Request): number | undefined {
  let found: { readonly rank: Rank; readonly target: number } | undefined;
  for (const { hosts, rules } of routes) {
    const host = hosts.length === 0 ? [0, 0] : best(hosts.map((one) => hostRank(one, request.host)));
    if (host === undefined) continue;
    for (const { matches, target } of rules) {
      const match = matches.length === 0
        ? [1, 0, 0, 0]
        : best(matches.map((one) => matchRank(one as HttpMatch, request)));
      if (match === undefined) continue;
      const rank = [...host, ...match];
      if (found === undefined || isAbove(rank, found.rank)) found = { rank, target };
    }
  }
  return found?.target;
}

const word = fc.constantFrom("a", "b", "ab"), method = fc.constantFrom("GET", "POST");
const segments = fc.array(word, { minLength: 1, maxLength: 3 });
const exact = (value: string) => ({ kind: "exact" as const, value });
const fieldMatch = fc.record({ name: word, value: word.map(exact) });
const pathMatch: fc.Arbitrary<PathMatch> = fc.oneof(
  segments.map((parts) => exact(`/${parts.join("/")}`)),
  fc.array(word, { maxLength: 3 }).map((parts) => ({
    kind: "prefix" as const,
    value: `/${parts.join("/")}`,
  })),
  fc.constantFrom("/a.*", "/[ab]+", "(/a|/ab)+").map((pattern) => ({ kind: "regex" as const, pattern })),
);
const match: fc.Arbitrary<HttpMatch> = fc.record({
  kind: fc.constant("http" as const),
  headers: fc.array(fieldMatch, { maxLength: 2 }),
  queryParams: fc.array(fieldMatch, { maxLength: 2 }),
}).chain((base) =>
  fc.record({ path: pathMatch, method }, { requiredKeys: [] }).map((more) => ({ ...base, ...more }))
);
const name = fc.array(word, { minLength: 1, maxLength: 3 });
const hostMatch: fc.Arbitrary<HostMatch> = fc.oneof(
  name.map((labels) => ({ kind: "exact" as const, name: labels.join(".") })),
  name.map((reverseLabels) => ({ kind: "suffix" as const, reverseLabels })),
);
const rule = fc.record({ matches: fc.array(match, { maxLength: 2 }), target: fc.nat() });
const routes = fc.array(
  fc.record({ hosts: fc.array(hostMatch, { maxLength: 2 }), rules: fc.array(rule, { maxLength: 2 }) }),
  { maxLength: 5 },
).map((all) => {
  let next = 0;
  return all.map((route) => ({ ...route, rules: route.rules.map((each) => ({ ...each, target: next++ })) }));
});
const fields = fc.array(fc.tuple(word, word), { maxLength: 3 });
const request = fc.record({
  method,
  host: name.map((labels) => labels.join(".")),
  segments,
  headers: fields,
  query: fields,
});

Deno.test("a table finds what reading all its routes one by one would", () => {
  const arena = Arena.create();
  fc.assert(
    fc.property(routes, fc.array(request, { minLength: 1, maxLength: 4 }), (routes, requests) => {
      const table = new RouteTable(routes);
      for (const request of requests) {
        const query = request.query.map(([key, value]) => `${key}=${value}`).join("&");
        const at = readRequest(arena, {
          method: request.method,
          host: request.host,
          target: `/${request.segments.join("/")}${query === "" ? "" : `?${query}`}`,
          headers: request.headers.map(([key, value]) => `${key}: ${value}`),
        });
        equal(table.find(arena, at, [0, 0, 0]), expected(routes, request));
      }
    }),
    { numRuns: 2000 },
  );
});
