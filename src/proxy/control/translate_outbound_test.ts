import { deepEqual, equal } from "node:assert/strict";
import {
  type Backend as WireBackend,
  GrpcRoute_Rule,
  HttpRoute_Rule,
  OutboundPolicy,
  type ProxyProtocol,
} from "../../../proto/gen/outbound.ts";
import type { OutboundDecision } from "./plane.ts";
import { decisionOf } from "./translate_outbound.ts";

const ADDRESS = { ip: "10.43.0.7", port: 80 };

const metadata = (kind: string, name: string) => ({
  kind: {
    $case: "resource" as const,
    value: { group: "policy.linkerd.io", kind, name, namespace: "shop", section: "", port: 0 },
  },
});

function balancer(name: string): WireBackend {
  return {
    metadata: metadata("Service", name),
    kind: {
      $case: "balancer",
      value: { discovery: { kind: { $case: "dst", value: { path: `${name}.shop:80` } } }, load: undefined },
    },
    queue: undefined,
  };
}

const http = (changes: Partial<HttpRoute_Rule>): HttpRoute_Rule => ({
  ...HttpRoute_Rule.decode(new Uint8Array()),
  ...changes,
});

/** As the proxy gets it. */
function decided(protocol: ProxyProtocol["kind"]): OutboundDecision {
  const policy = { protocol: { kind: protocol }, metadata: metadata("Service", "web") };
  return decisionOf(ADDRESS, OutboundPolicy.decode(OutboundPolicy.encode(policy).finish()), undefined);
}

const http1 = (...rules: HttpRoute_Rule[]) =>
  decided({
    $case: "http1",
    value: {
      routes: [{ metadata: metadata("HTTPRoute", "r"), hosts: [], rules }],
      failureAccrual: undefined,
    },
  });

const MATCH = {
  path: { kind: { $case: "prefix" as const, value: "/a" } },
  headers: [{ name: "X-Canary", value: { $case: "regex" as const, value: "y.*" } }],
  queryParams: [{ name: "q", value: { $case: "exact" as const, value: "1" } }],
  method: { type: { $case: "unregistered" as const, value: "PURGE" } },
};
const text = (value: string) => new TextEncoder().encode(value);

Deno.test("rules are kept in order, with matches, filters, backends and the backends' filters", () => {
  const failure = { status: 500, message: "Service not found", ratio: undefined };
  const { http: { isGrpc, routes } } = http1(
    http({
      matches: [MATCH],
      filters: [
        {
          kind: {
            $case: "requestHeaderModifier",
            value: {
              add: { headers: [{ name: "X-A", value: text("1") }] },
              set: undefined,
              remove: ["x-b"],
            },
          },
        },
        {
          kind: {
            $case: "redirect",
            value: {
              scheme: { type: { $case: "registered", value: 1 } },
              host: "new.shop",
              path: { replace: { $case: "prefix", value: "/b" } },
              port: 0,
              status: 0,
            },
          },
        },
        {
          kind: {
            $case: "failureInjector",
            value: { status: 503, message: "", ratio: { numerator: 1, denominator: 2 } },
          },
        },
      ],
      backends: {
        kind: {
          $case: "randomAvailable",
          value: {
            backends: [
              { backend: { backend: balancer("v1"), filters: [], requestTimeout: undefined }, weight: 90 },
              {
                backend: {
                  backend: { metadata: metadata("Service", "gone"), kind: undefined, queue: undefined },
                  filters: [{ kind: { $case: "failureInjector", value: failure } }],
                  requestTimeout: undefined,
                },
                weight: 10,
              },
            ],
          },
        },
      },
    }),
    http({ timeouts: { request: { seconds: 1n, nanos: 0 }, response: undefined, idle: undefined } }),
  );
  equal(isGrpc, false);
  const [first, second] = routes[0]!.rules;
  deepEqual(first?.matches, [{
    kind: "http",
    path: { kind: "prefix", value: "/a" },
    headers: [{ name: "x-canary", value: { kind: "regex", pattern: "y.*" } }],
    queryParams: [{ name: "q", value: { kind: "exact", value: "1" } }],
    method: "PURGE",
  }]);
  deepEqual(first?.target.filters, [
    { kind: "request-headers", changes: { add: [["X-A", "1"]], set: [], remove: ["x-b"] } },
    {
      kind: "redirect",
      status: 301,
      scheme: "https",
      host: "new.shop",
      path: { kind: "prefix", value: "/b" },
    },
    { kind: "http-failure", status: 503, message: "", ratio: { numerator: 1, denominator: 2 } },
  ]);
  const distribution = first?.target.distribution;
  deepEqual(
    distribution?.kind === "random" && distribution.backends.map((one) => [
      one.backend.kind,
      one.backend.resource.name,
      one.weight,
      one.filters,
    ]),
    [
      ["balancer", "v1", 90, undefined],
      ["none", "gone", 10, [{ kind: "http-failure", status: 500, message: "Service not found" }]],
    ],
  );
  equal(second?.matches.length, 0);
  equal(second?.target.rules?.limits.requestMs, 1000);
  deepEqual(second?.target.route, {
    group: "policy.linkerd.io",
    kind: "HTTPRoute",
    namespace: "shop",
    name: "r",
  });
});

Deno.test("GRPCRoutes are told from HTTPRoutes, and their failures have codes", () => {
  const rule: GrpcRoute_Rule = {
    ...GrpcRoute_Rule.decode(new Uint8Array()),
    matches: [{ rpc: { service: "shop.Cart", method: "" }, headers: [] }, { rpc: undefined, headers: [] }],
    filters: [{ kind: { $case: "failureInjector", value: { code: 14, message: "away", ratio: undefined } } }],
  };
  const { http, protocol } = decided({
    $case: "grpc",
    value: {
      routes: [{ metadata: metadata("GRPCRoute", "r"), hosts: [], rules: [rule] }],
      failureAccrual: undefined,
    },
  });
  deepEqual([http.isGrpc, protocol], [true, "grpc"]);
  const { matches, target } = http.routes[0]!.rules[0]!;
  deepEqual(matches, [
    { kind: "grpc", service: "shop.Cart", method: "", headers: [] },
    { kind: "grpc", service: "", method: "", headers: [] },
  ]);
  deepEqual(target.filters, [{ kind: "grpc-failure", status: 14, message: "away" }]);
});

Deno.test("a policy that cannot be understood fails every request and every connection", () => {
  const invalid = [
    http1(http({ matches: [{ ...MATCH, path: { kind: { $case: "regex", value: "(" } } }] })),
    http1(http({ matches: [{ ...MATCH, path: { kind: undefined } }] })),
    http1(http({ matches: [{ ...MATCH, method: { type: undefined } }] })),
    http1(http({ matches: [{ ...MATCH, headers: [{ name: "x", value: undefined }] }] })),
    decided(undefined),
  ];
  for (const { http, opaque } of invalid) {
    const { matches, target } = http.routes[0]!.rules[0]!;
    deepEqual([matches, target.filters[0]?.kind, target.route.name], [[], "invalid", "invalid"]);
    equal(opaque.kind, "empty");
  }
});

Deno.test("a filter of no kind fails the requests of its rule alone", () => {
  const { http: { routes } } = http1(http({ matches: [MATCH], filters: [{ kind: undefined }] }), http({}));
  deepEqual(routes[0]!.rules.map(({ target }) => target.filters.map(({ kind }) => kind)), [["invalid"], []]);
});
