import assert from "node:assert/strict";
import type { ContainerStatus, Pod } from "../../kube/kinds.ts";
import { hostnameOf, hostsFile, resolverFile } from "./pod_files.ts";
import { type ContainerView, phaseOf, podStatus, type PodView } from "./status.ts";

const NOW = "2026-01-02T03:04:05Z";
type State = NonNullable<ContainerStatus["state"]>;
const RUNNING: State = { running: { startedAt: NOW } };
const ended = (exitCode: number): State => ({ terminated: { exitCode } });
const view = (state: State, options: Partial<ContainerView> & { ready?: boolean } = {}): ContainerView => ({
  status: {
    name: "app",
    image: "",
    imageID: "",
    restartCount: 0,
    ready: options.ready ?? state.running !== undefined,
    state,
  },
  isFinished: state.terminated !== undefined,
  hasRun: state.waiting === undefined,
  isSidecar: false,
  ...options,
});
const pod = (containers: ContainerView[], options: Partial<PodView> = {}): PodView => ({
  pod: {},
  podAddress: "10.42.0.5",
  hostAddress: "10.42.0.1",
  startTime: NOW,
  initContainers: [],
  containers,
  isInitialized: true,
  ...options,
});
const waiting: State = { waiting: { reason: "PodInitializing" } };

for (
  const [what, expected, phase] of [
    ["that has just been made", pod([view(waiting)], { isInitialized: false }), "Pending"],
    ["with one of two containers up", pod([view(RUNNING), view(waiting)]), "Pending"],
    ["with all up", pod([view(RUNNING), view(RUNNING)]), "Running"],
    ["that waits to restart one", pod([view(waiting, { hasRun: true })]), "Running"],
    ["whose containers ended well", pod([view(ended(0)), view(ended(0))]), "Succeeded"],
    ["one of whose containers ended badly", pod([view(ended(0)), view(ended(3))]), "Failed"],
    ["of which one still runs", pod([view(RUNNING), view(ended(3))]), "Running"],
    [
      "whose init container failed for good",
      pod([view(waiting)], {
        isInitialized: false,
        initContainers: [view(ended(1))],
      }),
      "Failed",
    ],
    [
      "whose sidecar still runs",
      pod([view(ended(0))], { initContainers: [view(RUNNING, { isSidecar: true })] }),
      "Running",
    ],
    [
      "whose time is up",
      pod([view(ended(137))], { failure: { reason: "DeadlineExceeded", message: "" } }),
      "Failed",
    ],
  ] as const
) {
  Deno.test(`a pod ${what} is ${phase}`, () => assert.equal(phaseOf(expected), phase));
}

const ready = (status: ReturnType<typeof podStatus>, type = "Ready") =>
  status.conditions?.find((each) => each.type === type);

Deno.test("a pod is ready when its containers and sidecars are and its gates are open", () => {
  const sidecar = (isReady: boolean) => [view(RUNNING, { isSidecar: true, ready: isReady })];
  const of = (view: PodView, before = {}) => podStatus(view, before, NOW);
  assert.equal(ready(of(pod([view(RUNNING)], { initContainers: sidecar(true) })))?.status, "True");
  const waitingStatus = of(pod([view(RUNNING)], { initContainers: sidecar(false) }));
  assert.equal(ready(waitingStatus)?.status, "False");
  assert.equal(ready(waitingStatus)?.message, "containers with unready status: [app]");
  const gated: Pod = { spec: { containers: [], readinessGates: [{ conditionType: "example.com/gate" }] } };
  assert.equal(ready(of(pod([view(RUNNING)], { pod: gated })))?.reason, "ReadinessGatesNotReady");
  const open = { conditions: [{ type: "example.com/gate", status: "True" }] };
  const opened = of(pod([view(RUNNING)], { pod: gated }), open);
  assert.equal(ready(opened)?.status, "True");
  assert.ok(ready(opened, "example.com/gate"), "others' conditions are kept");
  assert.equal(ready(of(pod([view(ended(0))])))?.reason, "PodCompleted");
});

Deno.test("a condition keeps its time while it does not change", () => {
  const first = podStatus(pod([view(RUNNING)]), {}, NOW);
  const second = podStatus(pod([view(RUNNING)]), first, "2027-01-01T00:00:00Z");
  assert.equal(ready(second)?.lastTransitionTime, NOW);
  const third = podStatus(pod([view(RUNNING, { ready: false })]), second, "2027-01-01T00:00:00Z");
  assert.equal(ready(third)?.lastTransitionTime, "2027-01-01T00:00:00Z");
  assert.equal(ready(third, "PodScheduled")?.lastTransitionTime, NOW);
});

const DNS = { server: "10.43.0.10", domain: "cluster.local" };

Deno.test("names are looked up in the pod's namespace first, and as the pod's dnsConfig says", () => {
  const metadata = { name: "web-1", namespace: "shop" };
  assert.equal(
    resolverFile({ metadata }, DNS),
    "nameserver 10.43.0.10\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n",
  );
  const dnsConfig = {
    nameservers: ["1.2.3.4"],
    searches: ["corp"],
    options: [{ name: "ndots", value: "1" }, { name: "x" }],
  };
  assert.equal(
    resolverFile({ metadata, spec: { containers: [], dnsPolicy: "None", dnsConfig } }, DNS),
    "nameserver 1.2.3.4\nsearch corp\noptions ndots:1 x\n",
  );
  assert.match(
    resolverFile({ metadata, spec: { containers: [], dnsConfig } }, DNS)!,
    /search shop.* corp\noptions ndots:1/,
  );
  assert.equal(resolverFile({ metadata, spec: { containers: [], dnsPolicy: "Default" } }, DNS), undefined);
  assert.equal(resolverFile({ metadata, spec: { containers: [], hostNetwork: true } }, DNS), undefined);
});

Deno.test("a pod knows itself by name, and its subdomain by its full name", () => {
  const named: Pod = {
    metadata: { name: "web-1", namespace: "shop" },
    spec: {
      containers: [],
      hostname: "db-0",
      subdomain: "db",
      hostAliases: [{ ip: "10.0.0.9", hostnames: ["a", "b"] }],
    },
  };
  assert.equal(hostnameOf(named), "db-0");
  assert.equal(hostnameOf({ metadata: { name: `${"x".repeat(62)}-yy` } }), "x".repeat(62));
  const lines = hostsFile(named, "10.42.0.5", DNS).split("\n");
  assert.ok(lines.includes("10.42.0.5\tdb-0.db.shop.svc.cluster.local\tdb-0"));
  assert.ok(lines.includes("10.0.0.9\ta\tb"));
});
