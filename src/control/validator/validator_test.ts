import assert from "node:assert/strict";
import { SERVERS } from "../../kube/kinds.ts";
import type { AdmissionReview } from "../injector/admission.ts";
import { FakeKube } from "../testing/fake_kube.ts";
import { validate } from "./admission.ts";

const POLICY = "policy.linkerd.io", GATEWAY = "gateway.networking.k8s.io";

async function answerTo(
  group: string,
  kind: string,
  spec: object,
  metadata: object = {},
  kube = new FakeKube(),
): Promise<NonNullable<AdmissionReview["response"]>> {
  const review = {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "1",
      kind: { group, version: "v1", kind },
      namespace: "shop",
      operation: "CREATE",
      object: { metadata: { name: "one", namespace: "shop", ...metadata }, spec },
    },
  } as AdmissionReview;
  const { response } = await validate(kube, review);
  assert.equal(response?.uid, "1");
  return response!;
}

/** Group, kind, spec, and what the refusal says; undefined for what is admitted. */
type Case = readonly [
  group: string,
  kind: string,
  spec: object,
  refusal: RegExp | undefined,
  metadata?: object,
];

async function expectAll(cases: readonly Case[]): Promise<void> {
  for (const [group, kind, spec, refusal, metadata] of cases) {
    const { allowed, status, warnings } = await answerTo(group, kind, spec, metadata);
    const what = `${kind} ${JSON.stringify(spec)}: ${status?.message}`;
    assert.equal(allowed, refusal === undefined, what);
    assert.equal(warnings, undefined, what);
    if (refusal === undefined) continue;
    assert.match(status?.message ?? "", refusal);
    assert.equal(status?.code, 422);
  }
}

Deno.test("Servers have a port and a policy there is", () =>
  expectAll([
    [POLICY, "Server", { podSelector: {}, port: 80, accessPolicy: "audit" }, undefined],
    [POLICY, "Server", { podSelector: {}, port: "http-admin" }, undefined],
    [POLICY, "Server", { podSelector: {}, port: 0 }, /spec\.port/],
    [POLICY, "Server", { podSelector: {}, port: "80" }, /spec\.port/],
    [POLICY, "Server", { podSelector: {}, port: 80, accessPolicy: "all" }, /accessPolicy.*deny/],
  ]));

Deno.test("authorizations name clients that can be, and targets there are", () => {
  const client = (one: object): [string, string, object] => [
    POLICY,
    "ServerAuthorization",
    { server: { name: "web" }, client: one },
  ];
  const policy = (targetRef: object, ...requiredAuthenticationRefs: object[]): [string, string, object] => [
    POLICY,
    "AuthorizationPolicy",
    { targetRef, requiredAuthenticationRefs },
  ];
  const server = { group: POLICY, kind: "Server", name: "web" };
  const account = { kind: "ServiceAccount", name: "web" };
  const authentication = (kind: string) => ({ group: POLICY, kind, name: "one" });
  return expectAll([
    [
      ...client({ unauthenticated: true, networks: [{ cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] }] }),
      undefined,
    ],
    [...client({ unauthenticated: true, meshTLS: {} }), /no meshTLS/],
    [...client({ meshTLS: { unauthenticatedTLS: true, identities: ["*"] } }), /unauthenticatedTLS/],
    [...client({ networks: [{ cidr: "10.0.0.0/40" }] }), /not a network: "10\.0\.0\.0\/40"/],
    [...client({ networks: [{ cidr: "10.0.0.0/8", except: ["11.0.0.0/16"] }] }), /not inside/],
    [...client({ networks: [{ cidr: "10.0.0.0/8", except: ["0.0.0.0/0"] }] }), /not inside/],
    [...client({ networks: [{ cidr: "10.0.0.0/8", except: ["10.0.0.0/8"] }] }), /leaves nothing/],
    [...policy(server), undefined],
    [...policy({ group: GATEWAY, kind: "GRPCRoute", name: "r" }, account), undefined],
    [...policy({ kind: "Namespace", name: "shop" }, authentication("NetworkAuthentication")), undefined],
    [...policy({ kind: "Namespace", name: "other" }), /namespace other/],
    [...policy({ group: POLICY, kind: "GRPCRoute", name: "r" }), /no target/],
    [...policy({ kind: "Service", name: "web" }), /no target/],
    [...policy(server, account, account), /at most one ServiceAccount/],
    [...policy(server, account, authentication("MeshTLSAuthentication")), /exclude each other/],
    [
      ...policy(server, authentication("NetworkAuthentication"), authentication("NetworkAuthentication")),
      /at most/,
    ],
    [...policy(server, { kind: "User", name: "x" }), /no authentication/],
  ]);
});

Deno.test("authentications, rate limits and egress networks say something that can hold", () => {
  const limit = (one: object): [string, string, object] => [
    POLICY,
    "HTTPLocalRateLimitPolicy",
    { targetRef: { group: POLICY, kind: "Server", name: "web" }, ...one },
  ];
  const total = { requestsPerSecond: 10 };
  return expectAll([
    [POLICY, "MeshTLSAuthentication", { identities: ["*", "*.shop", "a.b", "spiffe://x/y"] }, undefined],
    [POLICY, "MeshTLSAuthentication", { identities: ["a.*"] }, /a\.\*/],
    [POLICY, "MeshTLSAuthentication", { identityRefs: [{ kind: "Pod", name: "x" }] }, /Pod/],
    [POLICY, "MeshTLSAuthentication", { identityRefs: [{ kind: "Namespace", namespace: "x" }] }, /Namespace/],
    [POLICY, "NetworkAuthentication", { networks: [] }, /at least one/],
    [POLICY, "NetworkAuthentication", { networks: [{ cidr: "::/0" }] }, undefined],
    [...limit({ total, identity: { requestsPerSecond: 10 } }), undefined],
    [...limit({ total: { requestsPerSecond: 0 } }), /total.*greater than 0/],
    [...limit({ total, identity: { requestsPerSecond: 11 } }), /identity.*not greater/],
    [
      ...limit({ total, overrides: [{ requestsPerSecond: 5, clientRefs: [{ kind: "Pod", name: "x" }] }] }),
      /Pod/,
    ],
    [
      POLICY,
      "HTTPLocalRateLimitPolicy",
      { targetRef: { kind: "Service", name: "web" } },
      /for a Server/,
    ],
    [POLICY, "EgressNetwork", { trafficPolicy: "Allow" }, undefined],
    [POLICY, "EgressNetwork", { trafficPolicy: "Allow", networks: [] }, /at least one/],
    [POLICY, "EgressNetwork", { trafficPolicy: "Allow", networks: [{ cidr: "x" }] }, /not a network/],
  ]);
});

Deno.test("routes of the mesh's parents can be followed, and those of others are theirs", () => {
  const service = { group: "core", kind: "Service", name: "web" };
  const server = { group: POLICY, kind: "Server", name: "web" };
  const gateway = { group: GATEWAY, kind: "Gateway", name: "public" };
  const route = (
    group: string,
    kind: string,
    parent: object,
    ...rules: object[]
  ): [string, string, object] => [
    group,
    kind,
    { parentRefs: [parent], rules },
  ];
  const redirect = { path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/b" } };
  const filters = [{ type: "RequestRedirect", requestRedirect: redirect }];
  const ok = { backendRefs: [{ name: "web", port: 80 }] };
  return expectAll([
    [...route(POLICY, "HTTPRoute", service, ok, { filters }), undefined],
    [...route(POLICY, "HTTPRoute", gateway, { backendRefs: [{ name: "web" }] }), undefined],
    [...route(POLICY, "HTTPRoute", service, { backendRefs: [{ name: "web" }] }), /needs a port/],
    [...route(POLICY, "HTTPRoute", service, { matches: [{ path: { value: "a" } }] }), /slash/],
    [
      ...route(POLICY, "HTTPRoute", service, {
        matches: [{ headers: [{ type: "RegularExpression", name: "a", value: "(?=b)" }] }],
      }),
      /RE2/,
    ],
    [
      ...route(POLICY, "HTTPRoute", service, {
        matches: [{ path: { type: "RegularExpression", value: "/(?i)[[:alpha:]]+" } }],
      }),
      undefined,
    ],
    [...route(POLICY, "HTTPRoute", service, { filters: [{ type: "RequestRedirect" }] }), /missing/],
    [
      ...route(POLICY, "HTTPRoute", service, {
        filters,
        matches: [{ path: { type: "Exact", value: "/a" } }],
      }),
      /PathPrefix/,
    ],
    [...route(POLICY, "HTTPRoute", server, {}), undefined],
    [...route(POLICY, "HTTPRoute", { ...server, port: 80 }, {}), /one port/],
    [...route(POLICY, "HTTPRoute", { ...server, namespace: "other" }, {}), /namespace/],
    [
      ...route(POLICY, "HTTPRoute", { group: POLICY, kind: "EgressNetwork", name: "e" }, {}),
      /port is required/,
    ],
    [...route(GATEWAY, "HTTPRoute", service, { filters: [{ type: "URLRewrite" }] }), undefined],
    [
      ...route(GATEWAY, "GRPCRoute", service, { matches: [{ method: { type: "RegularExpression" } }] }),
      /regular/,
    ],
    [...route(GATEWAY, "TCPRoute", service, {}, {}), /one rule/],
    [...route(GATEWAY, "TLSRoute", server, {}), /no parent/],
    [
      ...route(POLICY, "HTTPRoute", service, ok),
      /timeout\.linkerd\.io\/request/,
      { annotations: { "timeout.linkerd.io/request": "1.5s" } },
    ],
    [...route(POLICY, "HTTPRoute", service, ok), undefined, {
      annotations: { "retry.linkerd.io/http": "5xx" },
    }],
  ]);
});

Deno.test("ServiceProfiles have names of Services, and conditions that say something however deep", () => {
  const metadata = { name: "web.shop.svc.cluster.local" };
  const route = (one: object) => ({ routes: [{ name: "r", condition: { method: "GET" }, ...one }] });
  const profile = (spec: object): [string, string, object] => ["linkerd.io", "ServiceProfile", spec];
  const classes = (condition: object) => route({ responseClasses: [{ condition }] });
  return expectAll([
    [...profile(route({ timeout: "1m30s" })), undefined, metadata],
    [...profile({}), /fully qualified/, { name: "web" }],
    [...profile(route({ timeout: "soon" })), /timeout/, metadata],
    [...profile(route({ condition: { all: [{ not: {} }] } })), /condition\.all\.not.*at least one/, metadata],
    [...profile(route({ condition: { any: [{ path: "/" }] } })), /path is none of/, metadata],
    [...profile(route({ condition: { pathRegex: "(" } })), /regular expression/, metadata],
    [...profile(classes({ status: { min: 500 } })), undefined, metadata],
    [...profile(classes({ status: { min: 600 } })), /from 100 to 599/, metadata],
    [...profile(classes({ status: { min: 500, max: 400 } })), /greater than max/, metadata],
    [
      ...profile({ retryBudget: { retryRatio: -1, minRetriesPerSecond: 1, ttl: "10s" } }),
      /retryRatio/,
      metadata,
    ],
  ]);
});

Deno.test("a second Server on a port is admitted with a warning, unless no pod can be both's", async () => {
  const kube = new FakeKube();
  const server = (name: string, app: string, port: number) =>
    kube.put(SERVERS, {
      metadata: { name, namespace: "shop" },
      spec: { podSelector: { matchLabels: { app } }, port },
    });
  server("one", "web", 80);
  server("older", "web", 80);
  server("other-app", "api", 80);
  server("other-port", "web", 81);
  const spec = { podSelector: { matchLabels: { app: "web" } }, port: 80 };
  const { allowed, warnings } = await answerTo(POLICY, "Server", spec, {}, kube);
  assert.equal(allowed, true);
  assert.deepEqual(warnings, [
    "Server older is for port 80 too: on pods that both select the older of them counts",
  ]);
});

Deno.test("what is being deleted is not held up by what is wrong with it", async () => {
  const wrong = { podSelector: {}, port: 0 };
  assert.equal((await answerTo(POLICY, "Server", wrong)).allowed, false);
  const deletionTimestamp = "2026-01-01T00:00:00Z";
  assert.equal((await answerTo(POLICY, "Server", wrong, { deletionTimestamp })).allowed, true);
});

Deno.test("a kind that nobody checks, and a failure of the check itself, let the object through", async () => {
  assert.equal((await answerTo("example.com", "Thing", {})).allowed, true);
  const kube = new FakeKube();
  kube.list = () => Promise.reject(new Error("away"));
  const { allowed, warnings } = await answerTo(POLICY, "Server", { podSelector: {}, port: 80 }, {}, kube);
  assert.equal(allowed, true);
  assert.match(warnings?.[0] ?? "", /not checked: away/);
});
