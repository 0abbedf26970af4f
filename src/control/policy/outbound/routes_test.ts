import assert from "node:assert/strict";
import type {
  Backend,
  HttpRoute,
  HttpRoute_Distribution,
  OutboundPolicy,
} from "../../../../proto/gen/outbound.ts";
import {
  EGRESS_NETWORKS,
  GATEWAY_HTTP_ROUTES,
  GRPC_ROUTES,
  HTTP_ROUTES,
  type HTTPRoute,
  SERVICES,
  TCP_ROUTES,
  TLS_ROUTES,
} from "../../../kube/kinds.ts";
import { service } from "../../testing/objects.ts";
import { PolicyHarness } from "../../testing/policy_harness.ts";

const WEB = "10.43.0.5";
const TO_WEB = { group: "core", kind: "Service", name: "web", port: 80 };

type Rules = NonNullable<HTTPRoute["spec"]["rules"]>;

function route(
  name: string,
  rules: Rules,
  more: {
    namespace?: string;
    age?: number;
    parentRefs?: HTTPRoute["spec"]["parentRefs"];
    annotations?: Record<string, string>;
    hostnames?: string[];
  } = {},
): HTTPRoute {
  const { namespace = "shop", age = 1, parentRefs = [TO_WEB], annotations = {}, hostnames } = more;
  const creationTimestamp = `2026-01-0${9 - age}T00:00:00Z` as never;
  return {
    metadata: { name, namespace, creationTimestamp, annotations },
    spec: { parentRefs, rules, ...(hostnames === undefined ? {} : { hostnames }) },
  };
}

async function mesh(...more: Parameters<typeof service>[0][]): Promise<PolicyHarness> {
  const harness = new PolicyHarness();
  for (const one of [{ name: "web", ip: WEB }, { name: "v1" }, { name: "v2" }, ...more]) {
    harness.kube.put(SERVICES, service(one));
  }
  return await harness.start();
}

/** The HTTP routes of a policy, whichever version is spoken. */
function httpRoutes(policy: OutboundPolicy): HttpRoute[] {
  const kind = policy.protocol?.kind;
  if (kind?.$case === "detect") {
    assert.deepEqual(kind.value.http1, kind.value.http2);
    return kind.value.http1!.routes;
  }
  assert.ok(kind?.$case === "http1" || kind?.$case === "http2", `it speaks ${kind?.$case}`);
  return kind.value.routes;
}

function nameOf(one: { metadata: HttpRoute["metadata"] }): string {
  const kind = one.metadata?.kind;
  return kind?.$case === "resource" ? kind.value.name : `(${kind?.value})`;
}

function placeOf(backend: Backend | undefined): string {
  return backend?.kind?.$case === "balancer" ? backend.kind.value.discovery!.kind!.value.path : "nowhere";
}

/** `weight × place`, with the failure that stands there. */
function shares(distribution: HttpRoute_Distribution | undefined): string[] {
  const kind = distribution?.kind;
  if (kind?.$case === "firstAvailable") return kind.value.backends.map((one) => placeOf(one.backend));
  if (kind?.$case !== "randomAvailable") return [kind?.$case ?? "none"];
  return kind.value.backends.map(({ backend, weight }) => {
    const failure = backend?.filters[0]?.kind;
    const answer = failure?.$case === "failureInjector"
      ? ` ${failure.value.status} ${failure.value.message}`
      : "";
    return `${weight} × ${placeOf(backend?.backend)}${answer}`;
  });
}

Deno.test("an HTTPRoute splits a Service's traffic by weight, and what has no backends goes to the Service", async () => {
  await using harness = await mesh();
  const stream = harness.watchAddress(WEB, 80);
  assert.deepEqual(httpRoutes(await stream.next()).map(nameOf), ["(http)"]);
  harness.kube.put(
    HTTP_ROUTES,
    route("canary", [
      { matches: [{ headers: [{ name: "x-new", value: "yes" }] }], backendRefs: [{ name: "v2", port: 80 }] },
      { matches: [{ path: { type: "PathPrefix", value: "/own" } }] },
      { backendRefs: [{ name: "v1", port: 80, weight: 90 }, { name: "v2", port: 81, weight: 10 }] },
    ], { hostnames: ["web.example", "*.shop.example"] }),
  );
  const [canary, ...others] = httpRoutes(await stream.next());
  assert.equal(others.length, 0);
  assert.deepEqual(canary?.metadata?.kind?.value, {
    group: "policy.linkerd.io",
    kind: "HTTPRoute",
    name: "canary",
    namespace: "shop",
    section: "",
    port: 0,
  });
  assert.deepEqual(canary?.hosts.map((host) => host.match), [
    { $case: "exact", value: "web.example" },
    { $case: "suffix", value: { reverseLabels: ["example", "shop"] } },
  ]);
  const [byHeader, own, rest] = canary!.rules;
  const header = byHeader?.matches[0]?.headers[0];
  assert.equal(header?.value?.$case === "exact" && new TextDecoder().decode(header.value.value), "yes");
  assert.deepEqual(shares(byHeader?.backends), ["1 × v2.shop.svc.cluster.local:80"]);
  assert.deepEqual(own?.matches[0]?.path?.kind, { $case: "prefix", value: "/own" });
  assert.deepEqual(shares(own?.backends), ["web.shop.svc.cluster.local:80"]);
  assert.deepEqual(shares(rest?.backends), [
    "90 × v1.shop.svc.cluster.local:80",
    "10 × v2.shop.svc.cluster.local:81",
  ]);
  harness.kube.remove(HTTP_ROUTES, "canary", "shop");
  assert.deepEqual(httpRoutes(await stream.next()).map(nameOf), ["(http)"]);
});

Deno.test("a backend that is missing answers its share with 500 until it is there", async () => {
  await using harness = await mesh();
  harness.kube.put(
    HTTP_ROUTES,
    route("canary", [{
      backendRefs: [
        { name: "v1", port: 80, weight: 3 },
        { name: "v3", port: 80 },
        { name: "v1" },
        { group: "example.com", kind: "Bucket", name: "files", weight: 0 },
      ],
    }]),
  );
  const stream = harness.watchAddress(WEB, 80);
  const rule = async () => httpRoutes(await stream.next())[0]?.rules[0];
  assert.deepEqual(shares((await rule())?.backends), [
    "3 × v1.shop.svc.cluster.local:80",
    "1 × nowhere 500 Service not found v3",
    "1 × nowhere 500 missing port for backend Service v1",
    "0 × nowhere 500 Bucket is not a backend the mesh can send to",
  ]);
  harness.kube.put(SERVICES, service({ name: "v3" }));
  assert.equal(shares((await rule())?.backends)[1], "1 × v3.shop.svc.cluster.local:80");
});

Deno.test("a rule none of whose backends has a weight fails, as does one with a filter that is not supported", async () => {
  await using harness = await mesh();
  harness.kube.put(
    GATEWAY_HTTP_ROUTES,
    route("odd", [
      { backendRefs: [{ name: "v1", port: 80, weight: 0 }] },
      { filters: [{ type: "URLRewrite" }], backendRefs: [{ name: "v1", port: 80 }] },
    ], { parentRefs: [{ ...TO_WEB, group: "" }] }),
  );
  const [odd] = httpRoutes(await harness.towards(WEB, 80));
  const failures = odd?.rules.map((one) => one.filters.map((filter) => filter.kind));
  assert.deepEqual(failures, [
    [{
      $case: "failureInjector",
      value: { status: 500, message: "no backend of this rule has a weight", ratio: undefined },
    }],
    [{
      $case: "failureInjector",
      value: { status: 500, message: "the filter URLRewrite is not supported", ratio: undefined },
    }],
  ]);
});

Deno.test("routes hold for the port and the section they name, or for every port", async () => {
  await using harness = await mesh({
    name: "two",
    ip: "10.43.0.6",
    ports: [{ name: "http", port: 80 }, { name: "admin", port: 81 }],
  });
  const two = { group: "core", kind: "Service", name: "two" };
  harness.kube.put(HTTP_ROUTES, route("both", [{}], { parentRefs: [two], age: 3 }));
  harness.kube.put(HTTP_ROUTES, route("by-port", [{}], { parentRefs: [{ ...two, port: 80 }], age: 2 }));
  harness.kube.put(HTTP_ROUTES, route("by-name", [{}], { parentRefs: [{ ...two, sectionName: "admin" }] }));
  const names = async (port: number) => httpRoutes(await harness.towards("10.43.0.6", port)).map(nameOf);
  assert.deepEqual(await names(80), ["both", "by-port"]);
  assert.deepEqual(await names(81), ["both", "by-name"]);
});

Deno.test("a route of the client's namespace comes before the Service's own, for clients there alone", async () => {
  await using harness = await mesh();
  const toWeb = [{ ...TO_WEB, namespace: "shop" }];
  harness.kube.put(HTTP_ROUTES, route("b-older", [{}], { age: 5 }));
  harness.kube.put(HTTP_ROUTES, route("a-younger", [{}], { age: 2 }));
  harness.kube.put(HTTP_ROUTES, route("c-as-young", [{}], { age: 2 }));
  const names = async (namespace: string) =>
    httpRoutes(await harness.towards(WEB, 80, namespace)).map(nameOf);
  const own = ["b-older", "a-younger", "c-as-young"];
  const other = harness.watchAddress(WEB, 80, "other");
  assert.deepEqual(httpRoutes(await other.next()).map(nameOf), own);
  harness.kube.put(HTTP_ROUTES, route("mine", [{}], { namespace: "other", age: 1, parentRefs: toWeb }));
  assert.deepEqual(httpRoutes(await other.next()).map(nameOf), ["mine", ...own]);
  assert.deepEqual(await names("shop"), own);
  assert.deepEqual(await names("third"), own);
});

Deno.test("timeouts and retries of a route replace the Service's, and those of a rule count beside them", async () => {
  await using harness = await mesh({
    name: "slow",
    ip: "10.43.0.6",
    annotations: {
      "timeout.linkerd.io/request": "10s",
      "timeout.linkerd.io/idle": "20s",
      "retry.linkerd.io/http": "5xx",
    },
  });
  const parentRefs = [{ group: "core", kind: "Service", name: "slow" }];
  harness.kube.put(
    HTTP_ROUTES,
    route("plain", [{}, { timeouts: { request: "1m30s" } }], { parentRefs, age: 3 }),
  );
  harness.kube.put(
    HTTP_ROUTES,
    route("annotated", [{ timeouts: { request: "3s" } }], {
      parentRefs,
      age: 2,
      annotations: { "timeout.linkerd.io/response": "5s", "retry.linkerd.io/limit": "4" },
    }),
  );
  harness.kube.put(HTTP_ROUTES, route("without", [{ timeouts: { request: "0s" } }], { parentRefs }));
  const seconds = (count: bigint) => ({ seconds: count, nanos: 0 });
  const rules = httpRoutes(await harness.towards("10.43.0.6", 80)).flatMap((one) => one.rules);
  assert.deepEqual(rules.map((one) => one.timeouts), [
    { request: seconds(10n), response: undefined, idle: seconds(20n) },
    { request: seconds(90n), response: undefined, idle: undefined },
    { request: seconds(3n), response: seconds(5n), idle: undefined },
    { request: undefined, response: undefined, idle: undefined },
  ]);
  assert.deepEqual(rules.map((one) => [one.retry?.maxRetries, one.retry?.conditions?.statusRanges.length]), [
    [1, 1],
    [1, 1],
    [4, 0],
    [1, 1],
  ]);
});

Deno.test("filters change heads or redirect, of a rule and of a backend", async () => {
  await using harness = await mesh();
  harness.kube.put(
    HTTP_ROUTES,
    route("filters", [{
      filters: [
        {
          type: "RequestHeaderModifier",
          requestHeaderModifier: { add: [{ name: "x-a", value: "1" }], remove: ["x-b"] },
        },
        {
          type: "RequestRedirect",
          requestRedirect: {
            scheme: "https",
            hostname: "new.example",
            path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/v2" },
            port: 8443,
            statusCode: 301,
          },
        },
      ],
      backendRefs: [{
        name: "v1",
        port: 80,
        filters: [{
          type: "ResponseHeaderModifier",
          responseHeaderModifier: { set: [{ name: "x-from", value: "v1" }] },
        }],
      }],
    }]),
  );
  const rule = httpRoutes(await harness.towards(WEB, 80))[0]!.rules[0]!;
  const [modifier, redirect] = rule.filters.map((filter) => filter.kind);
  assert.ok(modifier?.$case === "requestHeaderModifier");
  assert.deepEqual(modifier.value.add?.headers.map(({ name }) => name), ["x-a"]);
  assert.deepEqual(modifier.value.remove, ["x-b"]);
  assert.deepEqual(redirect, {
    $case: "redirect",
    value: {
      scheme: { type: { $case: "registered", value: 1 } },
      host: "new.example",
      path: { replace: { $case: "prefix", value: "/v2" } },
      port: 8443,
      status: 301,
    },
  });
  const distribution = rule.backends?.kind;
  assert.ok(distribution?.$case === "randomAvailable");
  assert.equal(
    distribution.value.backends[0]?.backend?.filters[0]?.kind?.$case,
    "responseHeaderModifier",
  );
});

Deno.test("of the kinds of routes on a port the strongest counts: gRPC, HTTP, TLS, TCP", async () => {
  await using harness = await mesh();
  const metadata = (name: string) => ({ name, namespace: "shop" });
  const parentRefs = [TO_WEB];
  const backendRefs = [{ name: "v1", port: 80 }];
  const stream = harness.watchAddress(WEB, 80);
  const kind = async () => (await stream.next()).protocol!.kind!;
  assert.equal((await kind()).$case, "detect");
  harness.kube.put(TCP_ROUTES, { metadata: metadata("tcp"), spec: { parentRefs, rules: [{ backendRefs }] } });
  const tcp = await kind();
  assert.ok(tcp.$case === "opaque");
  assert.deepEqual(tcp.value.routes.map(nameOf), ["tcp"]);
  harness.kube.put(TLS_ROUTES, {
    metadata: metadata("tls"),
    spec: { parentRefs, hostnames: ["*.example"], rules: [{ backendRefs }] },
  });
  const tls = await kind();
  assert.ok(tls.$case === "tls");
  assert.deepEqual(tls.value.routes[0]?.snis[0]?.match, {
    $case: "suffix",
    value: { reverseLabels: ["example"] },
  });
  harness.kube.put(HTTP_ROUTES, route("http", [{}]));
  assert.equal((await kind()).$case, "detect");
  harness.kube.put(GRPC_ROUTES, {
    metadata: { ...metadata("grpc"), annotations: { "retry.linkerd.io/grpc": "unavailable,cancelled" } },
    spec: {
      parentRefs,
      rules: [
        {
          matches: [{ method: { service: "shop.Cart", method: "Add" } }],
          backendRefs: [{ name: "v9", port: 80 }],
        },
        { matches: [{ method: { type: "RegularExpression", service: ".*" } }] },
      ],
    },
  });
  const grpc = await kind();
  assert.ok(grpc.$case === "grpc");
  const { rules } = grpc.value.routes[0]!;
  assert.equal(rules.length, 1, "a method by regular expression matches nothing");
  assert.deepEqual(rules[0]?.matches[0]?.rpc, { service: "shop.Cart", method: "Add" });
  assert.deepEqual(rules[0]?.retry?.conditions, {
    cancelled: true,
    deadineExceeded: false,
    resourceExhausted: false,
    internal: false,
    unavailable: true,
  });
  const distribution = rules[0]?.backends?.kind;
  assert.ok(distribution?.$case === "randomAvailable");
  assert.deepEqual(distribution.value.backends[0]?.backend?.filters[0]?.kind, {
    $case: "failureInjector",
    value: { code: 14, message: "Service not found v9", ratio: undefined },
  });
});

Deno.test("a route of TCP or TLS with more than one rule says nothing, and a headless Service takes no routes", async () => {
  await using harness = await mesh({ name: "pods", spec: { clusterIP: "None" } });
  const parentRefs = [TO_WEB, { group: "core", kind: "Service", name: "pods" }];
  harness.kube.put(TCP_ROUTES, {
    metadata: { name: "tcp", namespace: "shop" },
    spec: { parentRefs, rules: [{}, {}] },
  });
  const kind = (await harness.towards(WEB, 80)).protocol?.kind;
  assert.ok(kind?.$case === "opaque");
  assert.deepEqual(kind.value.routes.map(nameOf), ["(opaq)"]);
  harness.kube.put(HTTP_ROUTES, route("http", [{}], { parentRefs }));
  const headless = await harness.towardsName("pods.shop.svc.cluster.local:80");
  assert.deepEqual(httpRoutes(headless).map(nameOf), ["(http)"]);
});

Deno.test("an EgressNetwork allows or refuses what leaves, after its routes; the client's own hides the global one", async () => {
  await using harness = await mesh();
  const outside = "93.184.216.34";
  const egress = (name: string, namespace: string, trafficPolicy: "Allow" | "Deny", networks?: string[]) =>
    harness.kube.put(EGRESS_NETWORKS, {
      metadata: { name, namespace },
      spec: {
        trafficPolicy,
        ...(networks === undefined ? {} : { networks: networks.map((cidr) => ({ cidr })) }),
      },
    });
  const stream = harness.watchAddress(outside, 443, "shop");
  assert.deepEqual((await stream.next()).metadata?.kind?.value, "egress-fallback");
  egress("all", "linkerd-egress", "Deny");
  const denied = await stream.next();
  assert.deepEqual(httpRoutes(denied).map(nameOf), ["(http-egress-deny)"]);
  assert.deepEqual(httpRoutes(denied)[0]?.rules[0]?.filters[0]?.kind, {
    $case: "failureInjector",
    value: { status: 403, message: "traffic not allowed", ratio: undefined },
  });
  assert.deepEqual(denied.metadata?.kind, {
    $case: "resource",
    value: {
      group: "policy.linkerd.io",
      kind: "EgressNetwork",
      name: "all",
      namespace: "linkerd-egress",
      section: "",
      port: 443,
    },
  });
  egress("wide", "shop", "Deny", ["0.0.0.0/1", "128.0.0.0/9"]);
  egress("into-the-cluster", "shop", "Deny", ["10.0.0.0/9"]);
  await assert.rejects(
    harness.towards("10.42.0.7", 80),
    { code: 5 },
    "one that reaches into the cluster is not followed",
  );
  egress("narrow", "shop", "Allow", ["93.184.0.0/16"]);
  const until = async (name: string, count: number) => {
    for (;;) {
      const policy = await stream.next();
      const names = httpRoutes(policy).map(nameOf);
      if (names.at(-1) === name && names.length === count) return policy;
    }
  };
  await until("(http-egress-allow)", 1);
  harness.kube.put(
    HTTP_ROUTES,
    route("outside", [{
      matches: [{ path: { value: "/a" } }],
      backendRefs: [{ group: "policy.linkerd.io", kind: "EgressNetwork", name: "narrow" }],
    }], { parentRefs: [{ group: "policy.linkerd.io", kind: "EgressNetwork", name: "narrow", port: 443 }] }),
  );
  const policy = await until("(http-egress-allow)", 2);
  assert.deepEqual(httpRoutes(policy).map(nameOf), ["outside", "(http-egress-allow)"]);
  const distribution = httpRoutes(policy)[0]?.rules[0]?.backends?.kind;
  assert.ok(distribution?.$case === "randomAvailable");
  assert.equal(distribution.value.backends[0]?.backend?.backend?.kind?.$case, "forward");
});

Deno.test("a match by what is no regular expression matches nothing: a proxy would fail the whole policy for it", async () => {
  await using harness = await mesh();
  const regex = (value: string) => ({ path: { type: "RegularExpression" as const, value } });
  harness.kube.put(
    HTTP_ROUTES,
    route("mixed", [
      { matches: [regex("/(?=a)"), regex("/a.*")] },
      { matches: [{ headers: [{ type: "RegularExpression", name: "x", value: "(" }] }] },
    ]),
  );
  const [mixed] = httpRoutes(await harness.towards(WEB, 80));
  assert.deepEqual(mixed?.rules.map((rule) => rule.matches.map((match) => match.path?.kind?.value)), [[
    "/a.*",
  ]]);
});

Deno.test("a route that no definition would have admitted is passed over, and the others are followed", async () => {
  await using harness = await mesh();
  harness.kube.put(HTTP_ROUTES, route("a-strange", [{ backendRefs: 7 as never }], { age: 2 }));
  harness.kube.put(HTTP_ROUTES, route("b-plain", [{}]));
  assert.deepEqual(httpRoutes(await harness.towards(WEB, 80)).map(nameOf), ["b-plain"]);
});
