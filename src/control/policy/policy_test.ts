import assert from "node:assert/strict";
import type { HttpRoute, OpaqueRoute } from "../../../proto/gen/outbound.ts";
import {
  AUTHORIZATION_POLICIES,
  MESH_TLS_AUTHENTICATIONS,
  NETWORK_AUTHENTICATIONS,
  PODS,
  SERVER_AUTHORIZATIONS,
  SERVERS,
  SERVICES,
} from "../../kube/kinds.ts";
import { pod, service } from "../testing/objects.ts";
import { PolicyHarness, show } from "../testing/policy_harness.ts";
import { formatIp } from "../wire/address.ts";

const EVERYWHERE = "0.0.0.0/0 ::/0";
const CLUSTER = "10.0.0.0/8 100.64.0.0/10 172.16.0.0/12 192.168.0.0/16 fd00::/8";

Deno.test("the six default policies, by cluster and by pod, admit whom their names say", async () => {
  const table: [string, string[]][] = [
    ["all-unauthenticated", [`default all-unauthenticated: anyone from ${EVERYWHERE}`]],
    ["all-authenticated", [`default all-authenticated: * from ${EVERYWHERE}`]],
    ["cluster-unauthenticated", [`default cluster-unauthenticated: anyone from ${CLUSTER}`]],
    ["cluster-authenticated", [`default cluster-authenticated: * from ${CLUSTER}`]],
    ["deny", []],
    ["audit", [`default audit: anyone from ${EVERYWHERE}`]],
  ];
  for (const [policy, expected] of table) {
    await using mesh = new PolicyHarness();
    mesh.kube.put(PODS, pod({ name: "plain" }));
    const annotations = { "config.linkerd.io/default-inbound-policy": policy };
    mesh.kube.put(PODS, pod({ name: "annotated", annotations }));
    await mesh.start(["--default-policy", policy]);
    for (const name of ["plain", "annotated"]) {
      const server = await mesh.port(name, 8080);
      assert.deepEqual(server.authorizations.map(show), expected, `${policy} ${name}`);
      assert.deepEqual(server.labels, { group: "", kind: "default", name: policy });
      assert.deepEqual(server.protocol?.kind?.$case === "detect" && server.protocol.kind.value.timeout, {
        seconds: 10n,
        nanos: 0,
      });
    }
  }
});

Deno.test("a port that must have an identity and a port that is opaque depart from the default", async () => {
  await using mesh = new PolicyHarness();
  mesh.kube.put(
    PODS,
    pod({
      name: "web",
      ports: [{ name: "secure", containerPort: 9443 }],
      annotations: {
        "config.linkerd.io/proxy-require-identity-inbound-ports": "secure",
        "config.linkerd.io/opaque-ports": "7000-7001",
      },
    }),
  );
  await mesh.start();
  assert.equal((await mesh.port("web", 9443)).labels.name, "all-authenticated");
  assert.equal((await mesh.port("web", 7001)).protocol?.kind?.$case, "opaque");
  assert.equal(
    (await mesh.port("web", 3306)).protocol?.kind?.$case,
    "detect",
    "the annotation replaces the list",
  );
});

Deno.test("the kubelet's probes are let in whatever the policy, and nothing else is", async () => {
  await using mesh = new PolicyHarness();
  mesh.kube.put(
    PODS,
    pod({
      name: "web",
      ports: [{ name: "http", containerPort: 8080 }],
      probe: { path: "/healthz?full=1", port: "http" },
    }),
  );
  await mesh.start(["--default-policy=deny", "--probe-networks=10.0.0.1/32"]);
  const kind = (await mesh.port("web", 8080)).protocol?.kind;
  assert.ok(kind?.$case === "detect");
  const [everything, probe, ...rest] = kind.value.httpRoutes;
  assert.equal(rest.length, 0);
  assert.deepEqual(everything?.metadata?.kind, { $case: "default", value: "default" });
  assert.deepEqual(probe?.metadata?.kind, { $case: "default", value: "probe" });
  assert.deepEqual(probe?.rules[0]?.matches.map((match) => [match.path?.kind, match.method?.type]), [
    [{ $case: "exact", value: "/healthz" }, { $case: "registered", value: 0 }],
  ]);
  assert.deepEqual(probe?.authorizations.map(show), ["default probe: anyone from 10.0.0.1/32"]);
  const other = (await mesh.port("web", 8081)).protocol?.kind;
  assert.equal(other?.$case === "detect" && other.value.httpRoutes.length, 1);
});

Deno.test("a Server takes its port from the default: only what is granted there gets in", async () => {
  await using mesh = new PolicyHarness();
  const { kube } = mesh;
  kube.put(
    PODS,
    pod({ name: "web", labels: { app: "web" }, ports: [{ name: "http", containerPort: 8080 }] }),
  );
  await mesh.start();
  const stream = mesh.watchPort("web", 8080);
  assert.equal((await stream.next()).labels.name, "all-unauthenticated");
  const server = (spec: Record<string, unknown> = {}) => ({
    metadata: { name: "web-http", namespace: "shop", labels: { tier: "front" } },
    spec: {
      podSelector: { matchLabels: { app: "web" } },
      port: "http",
      proxyProtocol: "HTTP/1" as const,
      ...spec,
    },
  });
  kube.put(SERVERS, server());
  let policy = await stream.next();
  assert.deepEqual(policy.labels, { group: "policy.linkerd.io", kind: "server", name: "web-http" });
  assert.equal(policy.protocol?.kind?.$case, "http1");
  assert.deepEqual(policy.authorizations, []);

  kube.put(SERVERS, server({ accessPolicy: "all-authenticated" }));
  policy = await stream.next();
  assert.deepEqual(policy.authorizations.map(show), [`default all-authenticated: * from ${EVERYWHERE}`]);
  kube.put(SERVERS, server());
  await stream.next();

  kube.put(SERVER_AUTHORIZATIONS, {
    metadata: { name: "front", namespace: "shop" },
    spec: {
      server: { selector: { matchLabels: { tier: "front" } } },
      client: { meshTLS: { identities: ["*.gateway.example"], serviceAccounts: [{ name: "api" }] } },
    },
  });
  assert.deepEqual((await stream.next()).authorizations.map(show), [
    "serverauthorization front: api.shop.serviceaccount.identity.linkerd.cluster.local *.gateway.example" +
    ` from ${CLUSTER}`,
  ]);

  kube.put(AUTHORIZATION_POLICIES, {
    metadata: { name: "clients", namespace: "shop" },
    spec: {
      targetRef: { group: "policy.linkerd.io", kind: "Server", name: "web-http" },
      requiredAuthenticationRefs: [
        { group: "policy.linkerd.io", kind: "MeshTLSAuthentication", name: "known" },
        { group: "policy.linkerd.io", kind: "NetworkAuthentication", name: "office" },
      ],
    },
  });
  kube.put(MESH_TLS_AUTHENTICATIONS, {
    metadata: { name: "known", namespace: "shop" },
    spec: { identityRefs: [{ kind: "Namespace", name: "trusted" }, { kind: "ServiceAccount", name: "web" }] },
  });
  kube.put(NETWORK_AUTHENTICATIONS, {
    metadata: { name: "office", namespace: "shop" },
    spec: { networks: [{ cidr: "192.168.1.0/24", except: ["192.168.1.9"] }] },
  });
  let lines: string[] = [];
  while (!lines.some((line) => line.startsWith("authorizationpolicy"))) {
    lines = (await stream.next()).authorizations.map(show);
  }
  assert.equal(
    lines[1],
    "authorizationpolicy clients: web.shop.serviceaccount.identity.linkerd.cluster.local " +
      "*.trusted.serviceaccount.identity.linkerd.cluster.local from 192.168.1.0/24 but 192.168.1.9/32",
  );
  kube.remove(NETWORK_AUTHENTICATIONS, "office", "shop");
  assert.equal((await stream.next()).authorizations.length, 1, "a missing reference grants nothing");
  kube.remove(SERVERS, "web-http", "shop");
  assert.equal((await stream.next()).labels.name, "all-unauthenticated");
});

Deno.test("a policy for a namespace counts for its Servers, and the older of two Servers wins", async () => {
  await using mesh = new PolicyHarness();
  const { kube } = mesh;
  kube.put(PODS, pod({ name: "web", labels: { app: "web" } }));
  const spec = { podSelector: { matchLabels: { app: "web" } }, port: 8080 };
  kube.put(SERVERS, {
    metadata: { name: "a-younger", namespace: "shop", creationTimestamp: "2026-02-02T00:00:00Z" as never },
    spec,
  });
  kube.put(SERVERS, {
    metadata: { name: "b-older", namespace: "shop", creationTimestamp: "2026-02-01T00:00:00Z" as never },
    spec,
  });
  kube.put(AUTHORIZATION_POLICIES, {
    metadata: { name: "all-in-shop", namespace: "shop" },
    spec: { targetRef: { kind: "Namespace", name: "shop" }, requiredAuthenticationRefs: [] },
  });
  await mesh.start();
  const policy = await mesh.port("web", 8080);
  assert.equal(policy.labels.name, "b-older");
  assert.deepEqual(policy.authorizations.map(show), [
    `authorizationpolicy all-in-shop: anyone from ${EVERYWHERE}`,
  ]);
});

Deno.test("a pod that is not known is waited for, and a workload that says nothing is refused", async () => {
  await using mesh = await new PolicyHarness().start();
  const answer = mesh.port("late", 8080);
  mesh.kube.put(PODS, pod({ name: "late" }));
  assert.equal((await answer).labels.kind, "default");
  await assert.rejects(mesh.port("", 8080), { code: 3 });
  await assert.rejects(mesh.port("late", 0), { code: 3 });
});

Deno.test("what is sent for a Service's port follows its appProtocol and its opaque ports", async () => {
  await using mesh = new PolicyHarness();
  const table: [number, string | undefined, string][] = [
    [80, undefined, "detect"],
    [81, "http", "http1"],
    [82, "kubernetes.io/h2c", "http2"],
    [83, "linkerd.io/opaque", "opaque"],
    [84, "linkerd.io/tcp", "opaque"],
    [85, "redis", "opaque"],
    [3306, undefined, "opaque"],
    [25, "http", "http1"],
  ];
  mesh.kube.put(
    SERVICES,
    service({
      name: "web",
      ip: "10.43.0.5",
      ports: table.map(([port, appProtocol]) => ({
        port,
        ...(appProtocol === undefined ? {} : { appProtocol }),
      })),
    }),
  );
  await mesh.start();
  for (const [port, appProtocol, kind] of table) {
    const policy = await mesh.towards("10.43.0.5", port);
    assert.equal(policy.protocol?.kind?.$case, kind, `${port} ${appProtocol}`);
    assert.deepEqual(policy.metadata?.kind, {
      $case: "resource",
      value: { group: "core", kind: "Service", name: "web", namespace: "shop", section: "", port },
    });
  }
  const detect = (await mesh.towardsName("web.shop.svc.cluster.local")).protocol?.kind;
  assert.ok(detect?.$case === "detect");
  for (const part of ["http1", "http2", "opaque"] as const) {
    const routes: readonly {
      rules: readonly {
        backends: HttpRoute["rules"][number]["backends"] | OpaqueRoute["rules"][number]["backends"];
      }[];
    }[] = detect.value[part]!.routes;
    const distribution = routes[0]?.rules[0]?.backends?.kind;
    assert.ok(distribution?.$case === "firstAvailable");
    const { backend } = distribution.value.backends[0]!;
    assert.ok(backend?.kind?.$case === "balancer");
    assert.deepEqual(backend.kind.value.discovery?.kind?.value.path, "web.shop.svc.cluster.local:80");
    assert.equal(backend.kind.value.load?.$case, "peakEwma");
    assert.deepEqual(backend.queue, { capacity: 100, failfastTimeout: { seconds: 3n, nanos: 0 } });
  }
});

Deno.test("a port a Service lacks is forbidden until it is added", async () => {
  await using mesh = new PolicyHarness();
  mesh.kube.put(SERVICES, service({ name: "web", ip: "10.43.0.5" }));
  await mesh.start();
  const stream = mesh.watchAddress("10.43.0.5", 9999);
  const first = (await stream.next()).protocol?.kind;
  assert.ok(first?.$case === "opaque");
  assert.equal(first.value.routes[0]?.rules[0]?.filters[0]?.kind?.$case, "forbidden");
  assert.equal(first.value.routes[0]?.rules[0]?.backends?.kind?.$case, "empty");
  mesh.kube.put(SERVICES, service({ name: "web", ip: "10.43.0.5", ports: [{ port: 9999 }] }));
  assert.equal((await stream.next()).protocol?.kind?.$case, "detect");
});

Deno.test("an address of the cluster that is no Service's is NotFound, one outside is passed on", async () => {
  await using mesh = await new PolicyHarness().start();
  await assert.rejects(mesh.towards("10.42.0.7", 80), { code: 5 });
  await assert.rejects(mesh.towardsName("missing.shop.svc.cluster.local:80"), { code: 5 });
  await assert.rejects(mesh.towardsName("example.com:80"), { code: 5 });
  const egress = await mesh.towards("93.184.216.34", 443);
  assert.deepEqual(egress.metadata?.kind, { $case: "default", value: "egress-fallback" });
  const kind = egress.protocol?.kind;
  assert.ok(kind?.$case === "detect");
  const distribution = kind.value.http1?.routes[0]?.rules[0]?.backends?.kind;
  assert.ok(distribution?.$case === "firstAvailable");
  const backend = distribution.value.backends[0]?.backend?.kind;
  assert.ok(backend?.$case === "forward");
  assert.equal(formatIp(backend.value.addr?.ip), "93.184.216.34");
});

Deno.test("annotations of a Service set its timeouts, retries and breaker; what cannot be read counts for nothing", async () => {
  await using mesh = new PolicyHarness();
  mesh.kube.put(
    SERVICES,
    service({
      name: "web",
      ip: "10.43.0.5",
      annotations: {
        "timeout.linkerd.io/request": "2s",
        "timeout.linkerd.io/idle": "soon",
        "retry.linkerd.io/http": "gateway-error, 429,500-501",
        "retry.linkerd.io/limit": "3",
        "balancer.linkerd.io/failure-accrual": "consecutive",
        "balancer.linkerd.io/failure-accrual-consecutive-max-failures": "5",
      },
    }),
  );
  await mesh.start();
  const kind = (await mesh.towards("10.43.0.5", 80)).protocol?.kind;
  assert.ok(kind?.$case === "detect");
  const rule = kind.value.http1?.routes[0]?.rules[0];
  assert.deepEqual(rule?.timeouts, {
    request: { seconds: 2n, nanos: 0 },
    response: undefined,
    idle: undefined,
  });
  assert.equal(rule?.retry?.maxRetries, 3);
  assert.deepEqual(rule?.retry?.conditions?.statusRanges, [
    { start: 502, end: 504 },
    { start: 429, end: 429 },
    { start: 500, end: 501 },
  ]);
  const accrual = kind.value.http1?.failureAccrual?.kind;
  assert.ok(accrual?.$case === "consecutiveFailures");
  assert.equal(accrual.value.maxFailures, 5);
  assert.deepEqual(accrual.value.backoff, {
    minBackoff: { seconds: 1n, nanos: 0 },
    maxBackoff: { seconds: 60n, nanos: 0 },
    jitterRatio: 0.5,
    respectRetryAfterHint: false,
  });
});
