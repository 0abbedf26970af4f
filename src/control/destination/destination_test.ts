import assert from "node:assert/strict";
import { DestinationDefinition, type Update, type WeightedAddr } from "../../../proto/gen/destination.ts";
import { ENDPOINT_SLICES, NODES, PODS, SERVERS, SERVICE_PROFILES, SERVICES } from "../../kube/kinds.ts";
import { parsePortSet } from "../../mesh/ports.ts";
import { GrpcClient } from "../grpc/client.ts";
import { GrpcServer } from "../grpc/server.ts";
import { ClusterState } from "../state/cluster_state.ts";
import { FakeKube } from "../testing/fake_kube.ts";
import { pod, service, slice } from "../testing/objects.ts";
import { StreamReader } from "../testing/stream_reader.ts";
import { formatIp } from "../wire/address.ts";
import { destinationHandlers } from "./service.ts";

class Harness {
  readonly kube = new FakeKube();
  readonly #readers: { cancel(): void }[] = [];
  #state!: ClusterState;
  #server!: GrpcServer;
  #client!: GrpcClient<typeof DestinationDefinition>;

  async start(options: { isTransportHeaderForced?: boolean } = {}): Promise<this> {
    this.#state = new ClusterState(this.kube);
    this.#server = new GrpcServer();
    this.#server.add(
      DestinationDefinition,
      destinationHandlers(this.#state, {
        domain: { controlPlaneNamespace: "linkerd", trustDomain: "cluster.local" },
        clusterDomain: "cluster.local",
        defaultOpaquePorts: parsePortSet("25,3306"),
        isH2UpgradeEnabled: true,
        isTransportHeaderForced: options.isTransportHeaderForced ?? false,
      }),
    );
    const port = await this.#server.listen(0, "127.0.0.1");
    this.#client = new GrpcClient(DestinationDefinition, `127.0.0.1:${port}`);
    return this;
  }

  get(path: string, contextToken = ""): StreamReader<Update> {
    return this.#keep(
      new StreamReader(this.#client.stream("get", { scheme: "", path, contextToken })),
    );
  }

  profile(path: string, contextToken = "") {
    return this.#keep(
      new StreamReader(this.#client.stream("getProfile", { scheme: "", path, contextToken })),
    );
  }

  #keep<T extends { cancel(): void }>(reader: T): T {
    this.#readers.push(reader);
    return reader;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const reader of this.#readers) reader.cancel();
    this.#client.close();
    await this.#server.stop(100);
    this.#state.stop();
  }
}

function added(update: Update): WeightedAddr[] {
  assert.equal(update.update?.$case, "add");
  return update.update.$case === "add" ? update.update.value.addrs : [];
}

const addressOf = (one: { addr?: WeightedAddr["addr"] }) => `${formatIp(one.addr?.ip)}:${one.addr?.port}`;

Deno.test("a Service's ready pods are sent with identity, hint and labels, and every change after them", async () => {
  await using mesh = new Harness();
  const { kube } = mesh;
  kube.put(SERVICES, service({ name: "web", ip: "10.43.0.5" }));
  kube.put(
    PODS,
    pod({
      name: "web-1",
      ip: "10.42.0.5",
      isMeshed: true,
      serviceAccount: "web",
      labels: { "linkerd.io/proxy-deployment": "web", "pod-template-hash": "abc" },
    }),
  );
  kube.put(PODS, pod({ name: "web-2", ip: "10.42.0.6" }));
  kube.put(
    ENDPOINT_SLICES,
    slice("web", [
      { pod: "web-1", ip: "10.42.0.5" },
      { pod: "web-2", ip: "10.42.0.6", isReady: false },
    ]),
  );
  await mesh.start();
  const stream = mesh.get("web.shop.svc.cluster.local:80", '{"ns":"shop","nodeName":"node-1"}');
  const first = await stream.next();
  assert.deepEqual(first.update?.$case === "add" && first.update.value.metricLabels, {
    namespace: "shop",
    service: "web",
  });
  const [address, ...others] = added(first);
  assert.equal(others.length, 0);
  assert.equal(addressOf(address!), "10.42.0.5:8080");
  assert.equal(address!.weight, 10_000);
  const name = "web.shop.serviceaccount.identity.linkerd.cluster.local";
  assert.deepEqual(address!.tlsIdentity, {
    strategy: { $case: "dnsLikeIdentity", value: { name } },
    serverName: { name },
  });
  assert.deepEqual(address!.protocolHint, {
    protocol: { $case: "h2", value: {} },
    opaqueTransport: undefined,
  });
  assert.deepEqual(address!.metricLabels, {
    pod: "web-1",
    namespace: "shop",
    serviceaccount: "web",
    control_plane_ns: "linkerd",
    deployment: "web",
    pod_template_hash: "abc",
    zone_locality: "unknown",
  });

  kube.put(
    ENDPOINT_SLICES,
    slice("web", [{ pod: "web-1", ip: "10.42.0.5" }, { pod: "web-2", ip: "10.42.0.6" }]),
  );
  const [second, ...rest] = added(await stream.next());
  assert.equal(rest.length, 0, "only what changed is sent");
  assert.equal(addressOf(second!), "10.42.0.6:8080");
  assert.equal(second!.tlsIdentity, undefined, "a pod without the mesh has no identity");
  assert.equal(second!.protocolHint, undefined);

  kube.put(ENDPOINT_SLICES, slice("web", [{ pod: "web-2", ip: "10.42.0.6" }]));
  const third = await stream.next();
  assert.deepEqual(
    third.update?.$case === "remove" && third.update.value.addrs.map((addr) => addressOf({ addr })),
    [
      "10.42.0.5:8080",
    ],
  );
  kube.put(ENDPOINT_SLICES, slice("web", []));
  assert.deepEqual((await stream.next()).update, { $case: "noEndpoints", value: { exists: true } });
  kube.remove(SERVICES, "web", "shop");
  assert.deepEqual((await stream.next()).update, { $case: "noEndpoints", value: { exists: false } });
});

Deno.test("Get refuses what is no Service with the code a proxy acts upon", async () => {
  await using mesh = await new Harness().start();
  mesh.kube.put(
    SERVICES,
    service({ name: "ext", spec: { type: "ExternalName", externalName: "example.com" } }),
  );
  const cases: [string, number][] = [
    ["10.1.2.3:80", 3],
    ["example.com:80", 3],
    ["ext.shop.svc.cluster.local:80", 3],
    ["web.shop.svc.other.domain:80", 3],
    ["not a name", 3],
    ["missing.shop.svc.cluster.local:80", 5],
  ];
  for (const [path, code] of cases) assert.equal((await mesh.get(path).end()).code, code, path);
});

Deno.test("an opaque port is hinted as such, by annotation, by default list and by Server", async () => {
  await using mesh = new Harness();
  const { kube } = mesh;
  const ports = [{ name: "db", containerPort: 5000 }, { containerPort: 3306 }, { containerPort: 8080 }];
  const labels = { app: "db" };
  kube.put(PODS, pod({ name: "listed", ip: "10.42.0.1", isMeshed: true, ports, labels }));
  kube.put(
    PODS,
    pod({
      name: "annotated",
      ip: "10.42.0.2",
      isMeshed: true,
      ports,
      annotations: { "config.linkerd.io/opaque-ports": "db" },
    }),
  );
  await mesh.start();
  const hint = { protocol: { $case: "opaque", value: {} }, opaqueTransport: { inboundPort: 4143 } };
  const isOpaque = async (path: string) => {
    const profile = await mesh.profile(path).next();
    if (profile.opaqueProtocol) assert.deepEqual(profile.endpoint?.protocolHint, hint);
    return profile.opaqueProtocol;
  };
  assert.equal(await isOpaque("10.42.0.1:3306"), true);
  assert.equal(await isOpaque("10.42.0.1:5000"), false);
  assert.equal(await isOpaque("10.42.0.2:5000"), true, "the annotation names a port");
  assert.equal(await isOpaque("10.42.0.2:3306"), false, "the annotation replaces the list");

  const stream = mesh.profile("10.42.0.1:8080");
  assert.equal((await stream.next()).opaqueProtocol, false);
  const server = (proxyProtocol: "opaque" | "HTTP/1") => ({
    metadata: { name: "db", namespace: "shop" },
    spec: { podSelector: { matchLabels: labels }, port: 8080, proxyProtocol },
  });
  kube.put(SERVERS, server("opaque"));
  assert.equal((await stream.next()).opaqueProtocol, true);
  kube.put(SERVERS, server("HTTP/1"));
  assert.equal((await stream.next()).opaqueProtocol, false);
});

Deno.test("a transport header is asked for on every meshed port but the proxy's own where it is forced", async () => {
  await using mesh = new Harness();
  mesh.kube.put(PODS, pod({ name: "web", ip: "10.42.0.1", isMeshed: true }));
  await mesh.start({ isTransportHeaderForced: true });
  const hint = async (port: number) =>
    (await mesh.profile(`10.42.0.1:${port}`).next()).endpoint?.protocolHint;
  assert.deepEqual(await hint(8080), {
    protocol: { $case: "h2", value: {} },
    opaqueTransport: { inboundPort: 4143 },
  });
  assert.deepEqual(await hint(4191), { protocol: { $case: "h2", value: {} }, opaqueTransport: undefined });
});

Deno.test("a port its proxy skips has neither identity nor hint", async () => {
  await using mesh = new Harness();
  const annotations = { "config.linkerd.io/skip-inbound-ports": "9000-9001" };
  mesh.kube.put(PODS, pod({ name: "web", ip: "10.42.0.1", isMeshed: true, annotations }));
  await mesh.start();
  const endpoint = (await mesh.profile("10.42.0.1:9001").next()).endpoint;
  assert.equal(endpoint?.tlsIdentity, undefined);
  assert.equal(endpoint?.protocolHint, undefined);
  assert.ok((await mesh.profile("10.42.0.1:8000").next()).endpoint?.tlsIdentity);
});

Deno.test("clients are kept on their node or in their zone where the Service says so", async () => {
  await using mesh = new Harness();
  const { kube } = mesh;
  for (const [node, zone] of [["node-1", "east"], ["node-2", "west"]] as const) {
    kube.put(NODES, { metadata: { name: node, labels: { "topology.kubernetes.io/zone": zone } } });
  }
  const endpoints = [
    { ip: "10.42.0.1", node: "node-1", zone: "east", zones: ["east"] },
    { ip: "10.42.0.2", node: "node-2", zone: "west", zones: ["west"] },
  ];
  kube.put(SERVICES, service({ name: "hinted" }));
  kube.put(ENDPOINT_SLICES, slice("hinted", endpoints));
  kube.put(SERVICES, service({ name: "half" }));
  kube.put(
    ENDPOINT_SLICES,
    slice("half", [endpoints[0]!, { ip: "10.42.0.2", node: "node-2", zone: "west" }]),
  );
  kube.put(SERVICES, service({ name: "local", spec: { internalTrafficPolicy: "Local" } }));
  kube.put(ENDPOINT_SLICES, slice("local", endpoints.map(({ zones: _, ...rest }) => rest)));
  await mesh.start();
  const ask = async (name: string, nodeName: string) => {
    const stream = mesh.get(`${name}.shop.svc.cluster.local:80`, JSON.stringify({ nodeName }));
    return added(await stream.next()).map((one) =>
      `${formatIp(one.addr?.ip)} ${one.metricLabels.zone_locality}`
    );
  };
  assert.deepEqual(await ask("hinted", "node-1"), ["10.42.0.1 local"]);
  assert.deepEqual(await ask("hinted", "node-2"), ["10.42.0.2 local"]);
  assert.deepEqual(await ask("hinted", ""), ["10.42.0.1 unknown", "10.42.0.2 unknown"]);
  assert.deepEqual(await ask("half", "node-1"), ["10.42.0.1 local", "10.42.0.2 remote"]);
  assert.deepEqual(await ask("local", "node-2"), ["10.42.0.2 local"]);
});

Deno.test("a Service's profile has its name, its budget, and the routes of the client's ServiceProfile first", async () => {
  await using mesh = new Harness();
  const { kube } = mesh;
  kube.put(SERVICES, service({ name: "web", ip: "10.43.0.5", ports: [{ port: 80 }, { port: 3306 }] }));
  await mesh.start();
  const plain = await mesh.profile("10.43.0.5:80").next();
  assert.equal(plain.fullyQualifiedName, "web.shop.svc.cluster.local");
  assert.deepEqual(plain.retryBudget?.minRetriesPerSecond, 10);
  assert.equal(plain.opaqueProtocol, false);
  assert.equal((await mesh.profile("web.shop.svc.cluster.local:3306").next()).opaqueProtocol, true);
  const undefinedPort = await mesh.profile("10.43.0.5:81").next();
  assert.equal(undefinedPort.fullyQualifiedName, "");
  assert.equal(undefinedPort.endpoint, undefined);

  const stream = mesh.profile("10.43.0.5:80", '{"ns":"client"}');
  assert.equal((await stream.next()).routes.length, 0);
  const profile = (namespace: string, route: string) => ({
    metadata: { name: "web.shop.svc.cluster.local", namespace },
    spec: {
      routes: [{
        name: route,
        condition: { pathRegex: "/x", method: "GET" },
        timeout: "1.5s",
        isRetryable: true,
        responseClasses: [{ condition: { status: { min: 500 } }, isFailure: true }],
      }],
      dstOverrides: [{ authority: "web-v2.shop.svc.cluster.local", weight: "500m" }],
      retryBudget: { retryRatio: 0.5, minRetriesPerSecond: 3, ttl: "15s" },
    },
  });
  kube.put(SERVICE_PROFILES, profile("shop", "producer"));
  const producer = await stream.next();
  assert.deepEqual(producer.routes[0]?.metricsLabels, { route: "producer" });
  assert.deepEqual(producer.routes[0]?.timeout, { seconds: 1n, nanos: 500_000_000 });
  assert.deepEqual(producer.routes[0]?.condition?.match?.$case, "all");
  assert.deepEqual(producer.routes[0]?.responseClasses[0]?.condition?.match, {
    $case: "status",
    value: { min: 500, max: 500 },
  });
  assert.deepEqual(producer.dstOverrides[0], {
    authority: "web-v2.shop.svc.cluster.local:80",
    weight: 5000,
    backendRef: {
      kind: {
        $case: "resource",
        value: { group: "core", kind: "Service", name: "web-v2", namespace: "shop", section: "", port: 80 },
      },
    },
  });
  assert.deepEqual(producer.retryBudget, {
    retryRatio: 0.5,
    minRetriesPerSecond: 3,
    ttl: { seconds: 15n, nanos: 0 },
  });
  kube.put(SERVICE_PROFILES, profile("client", "consumer"));
  assert.deepEqual((await stream.next()).routes[0]?.metricsLabels, { route: "consumer" });
});

Deno.test("an address nobody is known by has a bare endpoint, until a pod appears there", async () => {
  await using mesh = await new Harness().start();
  const stream = mesh.profile("10.42.0.9:8080");
  const bare = await stream.next();
  assert.equal(addressOf(bare.endpoint!), "10.42.0.9:8080");
  assert.equal(bare.endpoint?.tlsIdentity, undefined);
  mesh.kube.put(PODS, pod({ name: "late", ip: "10.42.0.9", isMeshed: true }));
  assert.ok((await stream.next()).endpoint?.tlsIdentity);
});

Deno.test("a change that alters nothing a proxy can see sends nothing", async () => {
  await using mesh = new Harness();
  const { kube } = mesh;
  kube.put(SERVICES, service({ name: "web" }));
  kube.put(PODS, pod({ name: "web-1", ip: "10.42.0.5", isMeshed: true }));
  kube.put(ENDPOINT_SLICES, slice("web", [{ pod: "web-1", ip: "10.42.0.5" }]));
  await mesh.start();
  const endpoints = mesh.get("web.shop.svc.cluster.local:80");
  const profile = mesh.profile("web.shop.svc.cluster.local:80");
  await endpoints.next();
  await profile.next();
  kube.put(PODS, {
    ...pod({ name: "web-1", ip: "10.42.0.5", isMeshed: true }),
    status: { phase: "Running", podIP: "10.42.0.5", podIPs: [{ ip: "10.42.0.5" }], conditions: [] },
  });
  kube.put(SERVICES, service({ name: "web", annotations: { unrelated: "yes" } }));
  kube.put(ENDPOINT_SLICES, slice("web", [{ pod: "web-1", ip: "10.42.0.5" }, { ip: "10.42.0.7" }]));
  assert.equal(added(await endpoints.next()).length, 1, "the first message after is the first real change");
  assert.equal(profile.pending, 0);
});
