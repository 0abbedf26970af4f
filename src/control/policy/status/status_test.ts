import assert from "node:assert/strict";
import {
  EGRESS_NETWORKS,
  GATEWAY_HTTP_ROUTES,
  GRPC_ROUTES,
  HTTP_LOCAL_RATE_LIMIT_POLICIES,
  HTTP_ROUTES,
  type HTTPRoute,
  LEASES,
  SERVERS,
  SERVICES,
  TCP_ROUTES,
} from "../../../kube/kinds.ts";
import { Flags } from "../../process/flags.ts";
import { ClusterState } from "../../state/cluster_state.ts";
import { FakeKube } from "../../testing/fake_kube.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { service } from "../../testing/objects.ts";
import { policyConfig } from "../role.ts";
import { keepStatuses } from "./role.ts";

const POLICY = "policy.linkerd.io";

class Cluster {
  readonly kube = new FakeKube();
  readonly clock = new ManualClock();
  /** Statuses written, as `plural name`. */
  readonly writes: string[] = [];
  readonly #stops: (() => Promise<void>)[] = [];

  constructor() {
    this.kube.beforePatch = ({ plural, name, options }) => {
      if (options?.subresource !== "status") return;
      assert.equal(options.fieldManager, "policy-controller");
      this.writes.push(`${plural} ${name}`);
    };
    this.kube.put(SERVICES, service({ name: "web", ip: "10.43.0.5" }));
    this.kube.put(SERVICES, service({ name: "pods", spec: { clusterIP: "None" } }));
    this.kube.put(SERVERS, {
      metadata: { name: "web-http", namespace: "shop" },
      spec: { podSelector: {}, port: 80 },
    });
  }

  async replica(holder: string) {
    const state = new ClusterState(this.kube, { retryMs: 3_600_000 });
    const role = keepStatuses(this.kube, state, policyConfig(new Flags([])), { holder, clock: this.clock });
    this.#stops.push(async () => {
      await role.stop();
      state.stop();
    });
    await this.clock.pass(0);
    return role;
  }

  /** `kind/name: Type=Status Reason (message), …` of each parent. */
  conditions(kind: typeof HTTP_ROUTES | typeof GRPC_ROUTES | typeof TCP_ROUTES, name: string): string[] {
    const route = this.kube.all(kind as typeof HTTP_ROUTES).find(({ metadata }) => metadata?.name === name);
    return (route?.status?.parents ?? []).map(({ parentRef, controllerName, conditions = [] }) => {
      assert.equal(controllerName, "linkerd.io/policy-controller");
      return `${parentRef.name}: ${
        conditions.map(({ type, status, reason, message }) =>
          `${type}=${status} ${reason}${message === "" ? "" : ` (${message})`}`
        ).join(", ")
      }`;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#stops) await stop();
  }
}

const toService = (name: string, more: object = {}) => ({ group: "core", kind: "Service", name, ...more });
const route = (name: string, spec: HTTPRoute["spec"], more: object = {}): HTTPRoute => ({
  metadata: { name, namespace: "shop", generation: 3, ...more },
  spec,
});

Deno.test("a route's status says of each parent whether it is accepted, and whether its backends exist", async () => {
  await using cluster = new Cluster();
  const { kube } = cluster;
  kube.put(
    HTTP_ROUTES,
    route("many", {
      parentRefs: [
        toService("web"),
        toService("web", { port: 81 }),
        toService("missing"),
        toService("pods"),
        { group: POLICY, kind: "Server", name: "web-http" },
        { group: POLICY, kind: "Server", name: "web-http", namespace: "elsewhere" },
        { group: "gateway.networking.k8s.io", kind: "Gateway", name: "public" },
      ],
      rules: [{ backendRefs: [{ name: "web", port: 80 }, { name: "v2", port: 80 }] }],
    }),
  );
  await cluster.replica("a");
  await cluster.clock.pass(0);
  const missing = "ResolvedRefs=False BackendNotFound (Service not found v2)";
  assert.deepEqual(cluster.conditions(HTTP_ROUTES, "many"), [
    `web: Accepted=True Accepted, ${missing}`,
    `web: Accepted=False NoMatchingParent (the Service has no port 81), ${missing}`,
    `missing: Accepted=False NoMatchingParent, ${missing}`,
    `pods: Accepted=False NoMatchingParent (parent service must have a ClusterIP), ${missing}`,
    "web-http: Accepted=True Accepted",
    "web-http: Accepted=False NoMatchingParent",
  ]);
  const [first] = kube.all(HTTP_ROUTES)[0]!.status!.parents;
  assert.deepEqual(first?.conditions?.[0], {
    type: "Accepted",
    status: "True",
    reason: "Accepted",
    message: "",
    lastTransitionTime: "2026-01-01T00:00:00Z",
    observedGeneration: 3,
  });
  assert.equal(cluster.writes.length, 1);

  await cluster.clock.pass(10_000);
  kube.put(SERVICES, service({ name: "v2" }));
  await cluster.clock.pass(0);
  assert.equal(
    cluster.conditions(HTTP_ROUTES, "many")[0],
    "web: Accepted=True Accepted, ResolvedRefs=True ResolvedRefs",
  );
  const [changed] = kube.all(HTTP_ROUTES)[0]!.status!.parents;
  assert.deepEqual(changed?.conditions?.map(({ lastTransitionTime }) => lastTransitionTime), [
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:10Z",
  ], "a condition keeps the time of its last change");
  await cluster.clock.pass(600_000);
  assert.equal(cluster.writes.length, 2, "what is as it should be is not written again");
});

Deno.test("what another controller wrote on a route stays, and routes that are not the mesh's are not touched", async () => {
  await using cluster = new Cluster();
  const gateway = { group: "gateway.networking.k8s.io", kind: "Gateway", name: "public" };
  const theirs = { parentRef: gateway, controllerName: "example.com/gateway", conditions: [] };
  cluster.kube.put(GATEWAY_HTTP_ROUTES, {
    ...route("both", { parentRefs: [gateway, { ...toService("web"), group: "" }] }),
    status: { parents: [theirs] },
  });
  cluster.kube.put(GATEWAY_HTTP_ROUTES, route("theirs", { parentRefs: [gateway] }));
  await cluster.replica("a");
  await cluster.clock.pass(0);
  const both = cluster.kube.all(GATEWAY_HTTP_ROUTES)[0]!;
  assert.deepEqual(both.status?.parents.map(({ controllerName }) => controllerName), [
    "example.com/gateway",
    "linkerd.io/policy-controller",
  ]);
  assert.deepEqual(both.status?.parents[0], theirs);
  assert.deepEqual(cluster.writes, ["httproutes both"]);
  cluster.kube.put(GATEWAY_HTTP_ROUTES, { ...both, spec: { parentRefs: [gateway] } });
  await cluster.clock.pass(0);
  assert.deepEqual(cluster.kube.all(GATEWAY_HTTP_ROUTES)[0]!.status?.parents, [theirs]);
});

Deno.test("a weaker kind of route on a port gives way, and says to whom; so does what the mesh cannot do", async () => {
  await using cluster = new Cluster();
  const { kube } = cluster;
  const parentRefs = [toService("web")];
  kube.put(HTTP_ROUTES, route("http", { parentRefs }));
  kube.put(HTTP_ROUTES, route("other-port", { parentRefs: [toService("web", { port: 80 })] }));
  kube.put(GRPC_ROUTES, {
    metadata: { name: "grpc", namespace: "shop" },
    spec: {
      parentRefs: [toService("web", { port: 80 })],
      rules: [{ backendRefs: [{ kind: "Bucket", name: "b" }] }],
    },
  });
  kube.put(TCP_ROUTES, {
    metadata: { name: "tcp", namespace: "shop" },
    spec: { parentRefs, rules: [{}, {}] },
  });
  kube.put(HTTP_ROUTES, route("mirror", { parentRefs, rules: [{ filters: [{ type: "RequestMirror" }] }] }));
  const matches = [{ path: { type: "RegularExpression" as const, value: "(" } }];
  kube.put(HTTP_ROUTES, route("regex", { parentRefs, rules: [{ matches }] }));
  await cluster.replica("a");
  await cluster.clock.pass(0);
  assert.match(cluster.conditions(HTTP_ROUTES, "regex")[0]!, /UnsupportedValue \(a match can match nothing/);
  const conflict =
    "Accepted=False RouteReasonConflicted (GRPCRoute shop/grpc is attached to the same parent)";
  assert.deepEqual(cluster.conditions(HTTP_ROUTES, "http"), [
    `web: ${conflict}, ResolvedRefs=True ResolvedRefs`,
  ]);
  assert.deepEqual(cluster.conditions(GRPC_ROUTES, "grpc"), [
    "web: Accepted=True Accepted, " +
    "ResolvedRefs=False InvalidKind (Bucket is not a backend the mesh can send to)",
  ]);
  assert.deepEqual(cluster.conditions(TCP_ROUTES, "tcp"), [
    "web: Accepted=False UnsupportedValue (a TCPRoute has one rule), ResolvedRefs=True ResolvedRefs",
  ]);
  assert.match(cluster.conditions(HTTP_ROUTES, "mirror")[0]!, /UnsupportedValue \(the filter RequestMirror/);
  kube.remove(GRPC_ROUTES, "grpc", "shop");
  await cluster.clock.pass(0);
  assert.match(cluster.conditions(HTTP_ROUTES, "http")[0]!, /^web: Accepted=True Accepted/);
});

Deno.test("of two rate limits for a Server the older is accepted; one without a Server and an overlapping network are not", async () => {
  await using cluster = new Cluster();
  const { kube } = cluster;
  const limit = (name: string, server: string, day: number) =>
    kube.put(HTTP_LOCAL_RATE_LIMIT_POLICIES, {
      metadata: { name, namespace: "shop", creationTimestamp: `2026-01-0${day}T00:00:00Z` as never },
      spec: { targetRef: { group: POLICY, kind: "Server", name: server } },
    });
  limit("younger", "web-http", 2);
  limit("older", "web-http", 1);
  limit("lost", "gone", 1);
  const network = (name: string, cidr?: string) =>
    kube.put(EGRESS_NETWORKS, {
      metadata: { name, namespace: "shop" },
      spec: { trafficPolicy: "Allow", ...(cidr === undefined ? {} : { networks: [{ cidr }] }) },
    });
  network("all");
  network("inside", "10.1.0.0/16");
  await cluster.replica("a");
  await cluster.clock.pass(0);
  const reasons = [...kube.all(HTTP_LOCAL_RATE_LIMIT_POLICIES), ...kube.all(EGRESS_NETWORKS)].map((
    { metadata, status },
  ) => [metadata?.name, status?.conditions?.[0]?.status, status?.conditions?.[0]?.reason]);
  assert.deepEqual(reasons, [
    ["younger", "False", "RateLimitReasonAlreadyExists"],
    ["older", "True", "Accepted"],
    ["lost", "False", "NoMatchingTarget"],
    ["all", "True", "Accepted"],
    ["inside", "False", "EgressReasonNetworkOverlap"],
  ]);
  assert.equal(kube.all(HTTP_LOCAL_RATE_LIMIT_POLICIES)[0]?.status?.targetRef?.name, "web-http");
});

Deno.test("only the holder of the lease writes; when it dies another replica goes on, from where it was", async () => {
  await using cluster = new Cluster();
  const { kube, clock } = cluster;
  const first = await cluster.replica("a");
  const second = await cluster.replica("b");
  await clock.pass(0);
  assert.deepEqual([first.isLeader, second.isLeader], [true, false]);
  kube.put(HTTP_ROUTES, route("one", { parentRefs: [toService("web")] }));
  await clock.pass(0);
  assert.deepEqual(cluster.writes, ["httproutes one"], "one of the two");

  const { beforePatch } = kube;
  kube.beforePatch = (patch) => {
    if (JSON.stringify(patch.body).includes('"holderIdentity":"a"')) throw new Error("the node is gone");
    beforePatch(patch);
  };
  await clock.pass(30_500);
  assert.deepEqual([first.isLeader, second.isLeader], [false, true]);
  kube.put(HTTP_ROUTES, route("two", { parentRefs: [toService("web")] }));
  await clock.pass(0);
  assert.deepEqual(cluster.writes, ["httproutes one", "httproutes two"]);
  assert.equal(kube.all(LEASES)[0]?.spec?.holderIdentity, "b");
  assert.equal(kube.all(LEASES)[0]?.metadata?.namespace, "linkerd");
});

Deno.test("what changed while nobody held the lease is written by the next holder", async () => {
  await using cluster = new Cluster();
  const { kube, clock } = cluster;
  const first = await cluster.replica("a");
  await clock.pass(0);
  await first.stop();
  kube.put(HTTP_ROUTES, route("meanwhile", { parentRefs: [toService("web")] }));
  await clock.pass(0);
  assert.deepEqual(cluster.writes, []);
  await cluster.replica("b");
  await clock.pass(0);
  assert.deepEqual(cluster.writes, ["httproutes meanwhile"]);
});

Deno.test("an object that no definition would have admitted keeps no other from its status", async () => {
  await using cluster = new Cluster();
  const strange = {
    parentRefs: [toService("web")],
    rules: [{ backendRefs: 7 }],
  } as unknown as HTTPRoute["spec"];
  cluster.kube.put(HTTP_ROUTES, route("a-strange", strange));
  cluster.kube.put(HTTP_ROUTES, route("b-plain", { parentRefs: [toService("web")] }));
  await cluster.replica("a");
  await cluster.clock.pass(0);
  assert.deepEqual(cluster.writes, ["httproutes b-plain"]);
});
