import assert from "node:assert/strict";
import type { HttpRoute, Server } from "../../../../proto/gen/inbound.ts";
import {
  AUTHORIZATION_POLICIES,
  GATEWAY_HTTP_ROUTES,
  GRPC_ROUTES,
  HTTP_LOCAL_RATE_LIMIT_POLICIES,
  HTTP_ROUTES,
  type HTTPRoute,
  PODS,
  type Server as ServerResource,
  SERVERS,
} from "../../../kube/kinds.ts";
import { pod } from "../../testing/objects.ts";
import { PolicyHarness, show } from "../../testing/policy_harness.ts";

const POLICY = "policy.linkerd.io";
const EVERYWHERE = "0.0.0.0/0 ::/0";
const metadata = (name: string, namespace = "shop") => ({ name, namespace });

function put(harness: PolicyHarness, spec: Partial<ServerResource["spec"]> = {}): void {
  harness.kube.put(SERVERS, {
    metadata: metadata("web-http"),
    spec: { podSelector: {}, port: 8080, ...spec },
  });
}

async function mesh(spec: Partial<ServerResource["spec"]> = {}): Promise<PolicyHarness> {
  const harness = new PolicyHarness();
  harness.kube.put(PODS, pod({ name: "web", probe: { path: "/live", port: 8080 } }));
  put(harness, spec);
  return await harness.start();
}

const route = (name: string, spec: HTTPRoute["spec"] = {}, namespace = "shop"): HTTPRoute => ({
  metadata: metadata(name, namespace),
  spec: { parentRefs: [{ group: POLICY, kind: "Server", name: "web-http" }], ...spec },
});

const allow = (
  name: string,
  targetRef: { group: string; kind: string; name: string },
  namespace = "shop",
) => ({
  metadata: metadata(name, namespace),
  spec: { targetRef, requiredAuthenticationRefs: [] },
});

function httpRoutes(server: Server): HttpRoute[] {
  const kind = server.protocol?.kind;
  if (kind?.$case === "detect") return kind.value.httpRoutes;
  assert.ok(kind?.$case === "http1" || kind?.$case === "http2", `it speaks ${kind?.$case}`);
  return kind.value.routes;
}

function nameOf(one: Pick<HttpRoute, "metadata">): string {
  const kind = one.metadata?.kind;
  return kind?.$case === "resource" ? kind.value.name : `(${kind?.value})`;
}

Deno.test("a route attached to a Server takes the place of the default and of the probes, with what is granted to it", async () => {
  await using harness = await mesh();
  const stream = harness.watchPort("web", 8080);
  assert.deepEqual(httpRoutes(await stream.next()).map(nameOf), ["(default)", "(probe)"]);
  harness.kube.put(
    HTTP_ROUTES,
    route("reads", {
      hostnames: ["web.example"],
      rules: [{
        matches: [{ path: { type: "Exact", value: "/cart" }, method: "GET" }],
        filters: [{
          type: "RequestHeaderModifier",
          requestHeaderModifier: { set: [{ name: "x-read", value: "1" }] },
        }],
      }],
    }),
  );
  const [reads, ...others] = httpRoutes(await stream.next());
  assert.equal(others.length, 0);
  assert.deepEqual(reads?.hosts.map((host) => host.match?.value), ["web.example"]);
  assert.deepEqual(reads?.rules[0]?.matches[0]?.path?.kind, { $case: "exact", value: "/cart" });
  assert.equal(reads?.rules[0]?.filters[0]?.kind?.$case, "requestHeaderModifier");
  assert.deepEqual(reads?.authorizations, []);

  harness.kube.put(
    AUTHORIZATION_POLICIES,
    allow("readers", { group: POLICY, kind: "HTTPRoute", name: "reads" }),
  );
  const granted = await stream.next();
  assert.deepEqual(httpRoutes(granted)[0]?.authorizations.map(show), [
    `authorizationpolicy readers: anyone from ${EVERYWHERE}`,
  ]);
  assert.deepEqual(granted.authorizations, [], "what is granted to a route is not granted to its Server");
  harness.kube.put(
    AUTHORIZATION_POLICIES,
    allow("all", { group: POLICY, kind: "Server", name: "web-http" }),
  );
  assert.deepEqual((await stream.next()).authorizations.map(show), [
    `authorizationpolicy all: anyone from ${EVERYWHERE}`,
  ]);
  harness.kube.remove(HTTP_ROUTES, "reads", "shop");
  assert.deepEqual(httpRoutes(await stream.next()).map(nameOf), ["(default)", "(probe)"]);
});

Deno.test("a policy for a route of one API group grants nothing to the other group's route of that name", async () => {
  await using harness = await mesh();
  harness.kube.put(HTTP_ROUTES, route("same"));
  harness.kube.put(GATEWAY_HTTP_ROUTES, route("same"));
  harness.kube.put(
    AUTHORIZATION_POLICIES,
    allow("gateway", { group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "same" }),
  );
  const routes = httpRoutes(await harness.port("web", 8080));
  const granted = routes.map(({ metadata, authorizations }) => [
    metadata?.kind?.$case === "resource" && metadata.kind.value.group,
    authorizations.length,
  ]);
  assert.deepEqual(granted.sort(), [["gateway.networking.k8s.io", 1], ["policy.linkerd.io", 0]]);
});

Deno.test("a route of another namespace, or one that names a port, is attached to no Server", async () => {
  await using harness = await mesh();
  const parent = { group: POLICY, kind: "Server", name: "web-http" };
  harness.kube.put(
    HTTP_ROUTES,
    route("thief", { parentRefs: [{ ...parent, namespace: "shop" }] }, "elsewhere"),
  );
  harness.kube.put(
    AUTHORIZATION_POLICIES,
    allow("let-in", { group: POLICY, kind: "HTTPRoute", name: "thief" }, "elsewhere"),
  );
  harness.kube.put(HTTP_ROUTES, route("with-port", { parentRefs: [{ ...parent, port: 8080 }] }));
  assert.deepEqual(httpRoutes(await harness.port("web", 8080)).map(nameOf), ["(default)", "(probe)"]);
});

Deno.test("a rule that cannot be followed fails, and a route that can match nothing hides no other rule", async () => {
  await using harness = await mesh({ proxyProtocol: "HTTP/1" });
  harness.kube.put(
    HTTP_ROUTES,
    route("odd", {
      rules: [{ filters: [{ type: "RequestMirror" }] }, { matches: [{ path: { value: "no-slash" } }] }],
    }),
  );
  const [odd, ...others] = httpRoutes(await harness.port("web", 8080));
  assert.equal(others.length, 0);
  assert.deepEqual(odd?.rules.map((rule) => rule.filters[0]?.kind?.$case), ["failureInjector"]);
});

Deno.test("a Server of gRPC has the GRPCRoutes attached to it, and no HTTPRoutes", async () => {
  await using harness = await mesh({ proxyProtocol: "gRPC" });
  harness.kube.put(HTTP_ROUTES, route("http"));
  const stream = harness.watchPort("web", 8080);
  const grpc = async () => {
    const kind = (await stream.next()).protocol?.kind;
    assert.ok(kind?.$case === "grpc");
    return kind.value.routes;
  };
  assert.deepEqual((await grpc()).map(nameOf), ["(default)"]);
  harness.kube.put(GRPC_ROUTES, {
    metadata: metadata("calls"),
    spec: {
      parentRefs: [{ group: POLICY, kind: "Server", name: "web-http" }],
      rules: [{ matches: [{ method: { service: "shop.Cart" } }] }],
    },
  });
  const [calls] = await grpc();
  assert.equal(nameOf(calls!), "calls");
  assert.deepEqual(calls?.rules[0]?.matches[0]?.rpc, { service: "shop.Cart", method: "" });
  harness.kube.put(
    AUTHORIZATION_POLICIES,
    allow("callers", { group: "gateway.networking.k8s.io", kind: "GRPCRoute", name: "calls" }),
  );
  assert.equal((await grpc())[0]?.authorizations.length, 1);
});

Deno.test("the oldest rate limit of a Server counts, with its exceptions by service account", async () => {
  await using harness = await mesh();
  const targetRef = { group: POLICY, kind: "Server", name: "web-http" };
  const limit = (name: string, day: number, requestsPerSecond: number) => ({
    metadata: { ...metadata(name), creationTimestamp: `2026-01-0${day}T00:00:00Z` as never },
    spec: {
      targetRef,
      total: { requestsPerSecond },
      identity: { requestsPerSecond: 10 },
      overrides: [{
        requestsPerSecond: 50,
        clientRefs: [{ kind: "ServiceAccount", name: "batch" }, {
          kind: "ServiceAccount",
          name: "batch",
          namespace: "jobs",
        }],
      }],
    },
  });
  const stream = harness.watchPort("web", 8080);
  const rateLimit = async () => {
    const kind = (await stream.next()).protocol?.kind;
    assert.ok(kind?.$case === "detect");
    return kind.value.httpLocalRateLimit;
  };
  assert.equal(await rateLimit(), undefined);
  harness.kube.put(HTTP_LOCAL_RATE_LIMIT_POLICIES, limit("a-younger", 3, 100));
  assert.equal((await rateLimit())?.total?.requestsPerSecond, 100);
  harness.kube.put(HTTP_LOCAL_RATE_LIMIT_POLICIES, limit("b-older", 2, 5_000_000_000));
  const oldest = await rateLimit();
  assert.deepEqual(oldest?.metadata?.kind?.value, {
    group: POLICY,
    kind: "HTTPLocalRateLimitPolicy",
    name: "b-older",
    namespace: "shop",
    section: "",
    port: 0,
  });
  assert.equal(oldest?.total?.requestsPerSecond, 4_294_967_295);
  assert.equal(oldest?.identity?.requestsPerSecond, 10);
  const domain = "serviceaccount.identity.linkerd.cluster.local";
  assert.deepEqual(oldest?.overrides, [{
    limit: { requestsPerSecond: 50 },
    clients: { identities: [{ name: `batch.shop.${domain}` }, { name: `batch.jobs.${domain}` }] },
  }]);
  harness.kube.put(HTTP_LOCAL_RATE_LIMIT_POLICIES, limit("b-older", 2, 0));
  assert.equal(await rateLimit(), undefined, "zero on the wire would be no limit at all");
});

Deno.test("a route that no definition would have admitted matches nothing, and lets no default take its place", async () => {
  await using harness = await mesh();
  harness.kube.put(HTTP_ROUTES, route("strange", { rules: [{ matches: [{ headers: 7 as never }] }] }));
  const [strange, ...others] = httpRoutes(await harness.port("web", 8080));
  assert.equal(others.length, 0);
  assert.deepEqual([nameOf(strange!), strange?.rules], ["strange", []]);
});
