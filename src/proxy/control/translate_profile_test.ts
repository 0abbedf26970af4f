import { deepEqual, equal } from "node:assert/strict";
import { DestinationProfile, type RequestMatch } from "../../../proto/gen/destination.ts";
import { OutboundPolicy } from "../../../proto/gen/outbound.ts";
import { RouteTable } from "../route/route_table.ts";
import { readRequest } from "../testing/head.ts";
import { Arena } from "../worker/arena.ts";
import { decisionOf } from "./translate_outbound.ts";

const WEB = "web.shop.svc.cluster.local", ADDRESS = { ip: "10.43.0.7", port: 80 };
const path = (regex: string): RequestMatch => ({ match: { $case: "path", value: { regex } } });
const method = (value: number): RequestMatch => ({
  match: { $case: "method", value: { type: { $case: "registered", value } } },
});
const all = (...matches: RequestMatch[]): RequestMatch => ({ match: { $case: "all", value: { matches } } });
const not = (value: RequestMatch): RequestMatch => ({ match: { $case: "not", value } });

function route(name: string, condition: RequestMatch | undefined, timeoutMs = 0) {
  const timeout = timeoutMs === 0 ? undefined : { seconds: 0n, nanos: timeoutMs * 1e6 };
  return { condition, responseClasses: [], metricsLabels: { route: name }, isRetryable: false, timeout };
}

function decided(changes: Partial<DestinationProfile>, policy?: OutboundPolicy) {
  const profile = { ...DestinationProfile.decode(new Uint8Array()), fullyQualifiedName: WEB, ...changes };
  return decisionOf(ADDRESS, policy, DestinationProfile.decode(DestinationProfile.encode(profile).finish()));
}

/** A policy that refuses everything. */
const CLOSED: OutboundPolicy = {
  protocol: { kind: { $case: "http1", value: { routes: [], failureAccrual: undefined } } },
  metadata: { kind: { $case: "default", value: "web" } },
};

Deno.test("of a profile's routes the first that matches counts, and what none matches goes on too", () => {
  const arena = Arena.create();
  const { http } = decided({
    routes: [
      route("unknown", undefined),
      route("malformed", path("(")),
      route("no method", method(99)),
      route("create", all(path("^/items$"), method(1)), 300),
      route("items", path("/items.*")),
      route("one item", path("/items/[0-9]+")),
      route("no item", not(path("/(items|health).*"))),
    ],
  }, CLOSED);
  const table = new RouteTable(http.routes);
  const taken = (target: string, method = "GET") =>
    table.find(arena, readRequest(arena, { target, method }), [0, 0, 0]);
  equal(taken("/items", "POST")?.route.name, "create");
  equal(taken("/items", "POST")?.rules?.limits.requestMs, 300);
  equal(taken("/items")?.route.name, "items");
  equal(taken("/items/7")?.route.name, "items");
  equal(taken("/carts?x")?.route.name, "no item");
  equal(taken("/health")?.route.name, "default");
  equal(taken("/health")?.rules, undefined);
  deepEqual(taken("/health")?.distribution, {
    kind: "first-available",
    backends: [{
      backend: {
        kind: "balancer",
        path: `${WEB}:80`,
        resource: { group: "core", kind: "Service", namespace: "", name: `${WEB}:80`, port: 0, section: "" },
      },
      weight: 1,
    }],
  });
});

Deno.test("a profile's split stands instead of the policy's routes, for connections that are no HTTP too", () => {
  const resource = {
    group: "core",
    kind: "Service",
    name: "canary",
    namespace: "shop",
    section: "",
    port: 80,
  };
  const { http, opaque } = decided({
    dstOverrides: [
      { authority: `${WEB}:80`, weight: 900, backendRef: undefined },
      {
        authority: "canary.shop.svc.cluster.local:80",
        weight: 100,
        backendRef: { kind: { $case: "resource", value: resource } },
      },
      { authority: "none.shop.svc.cluster.local:80", weight: 0, backendRef: undefined },
    ],
  }, CLOSED);
  const backends = opaque.kind === "empty" ? [] : opaque.backends;
  deepEqual(backends.map(({ weight, backend: { resource: { name } } }) => [name, weight]), [
    [`${WEB}:80`, 900],
    ["canary", 100],
  ]);
  deepEqual(http.routes.map(({ rules }) => rules[0]?.target.distribution), [opaque]);
});

Deno.test("a profile without routes and split leaves the traffic to the policy", () => {
  deepEqual(decided({}, CLOSED).http.routes, []);
  equal(decided({}).http.routes[0]?.rules[0]?.target.route.name, "profile");
});

Deno.test("a retryable route is retried by its classes within the profile's budget, and not without one", () => {
  const retried = (retryBudget: DestinationProfile["retryBudget"]) => {
    const { http } = decided({
      retryBudget,
      routes: [
        { ...route("items", path("/items")), isRetryable: true },
        {
          ...route("carts", path("/carts"), 200),
          isRetryable: true,
          responseClasses: [{
            condition: { match: { $case: "status", value: { min: 404, max: 404 } } },
            isFailure: true,
          }],
        },
        route("once", path("/once")),
      ],
    });
    return http.routes.map(({ rules: [first] }) => first?.target.rules);
  };
  const ttl = { seconds: 5n, nanos: 0 };
  const [items, carts, once, other] = retried({ retryRatio: 0.5, minRetriesPerSecond: 7, ttl });
  deepEqual(items?.retry?.budget, { ratio: 0.5, minPerSecond: 7, ttlMs: 5000 });
  deepEqual(items?.retry?.statuses, [{ start: 500, end: 599 }]);
  deepEqual([items?.limits.requestMs, carts?.limits.requestMs], [0, 200]);
  deepEqual(carts?.retry?.statuses, [{ start: 404, end: 404 }, { start: 500, end: 599 }]);
  deepEqual(items?.profile, {
    dst: `${WEB}:80`,
    labels: { route: "items" },
    failures: { statuses: items!.retry!.statuses, grpcCodes: items!.retry!.grpcCodes },
  });
  deepEqual([once, other], [undefined, undefined]);
  for (
    const budget of [
      undefined,
      { retryRatio: -1, minRetriesPerSecond: 7, ttl },
      { retryRatio: 1001, minRetriesPerSecond: 7, ttl },
      { retryRatio: NaN, minRetriesPerSecond: 7, ttl },
      { retryRatio: 0.5, minRetriesPerSecond: 7, ttl: { seconds: 0n, nanos: 5 } },
      { retryRatio: 0.5, minRetriesPerSecond: 7, ttl: { seconds: 61n, nanos: 0 } },
    ]
  ) deepEqual(retried(budget).map((rules) => rules?.retry), [undefined, undefined, undefined, undefined]);
});
