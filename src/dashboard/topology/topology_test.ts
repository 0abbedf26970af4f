import assert from "node:assert/strict";
import type { ResourceName } from "../../mesh/api.ts";
import type { MergedEdge } from "../model/edges.ts";
import { flow, placeLabel, touches } from "./curve.ts";
import { MAX_NODES, topologyOf } from "./topology.ts";

const resource = (name: string, namespace = "shop"): ResourceName => ({
  kind: "deployment",
  namespace,
  name,
});

function edge(
  from: ResourceName,
  to: ResourceName,
  rps = 1,
  security: MergedEdge["security"] = "mtls",
): MergedEdge {
  return {
    key: `${from.namespace}/${from.name} ${to.namespace}/${to.name}`,
    source: from,
    destination: to,
    security,
    requests: { success: rps * 60, failure: 0, rps, successRate: 1 },
    tcp: { openConnections: 1, readBytesPerSecond: 0, writeBytesPerSecond: 0 },
  };
}

Deno.test("callers stand left of whom they call, inside of the picture, and no two boxes overlap", async () => {
  const [web, cart, store] = [resource("web"), resource("cart"), resource("store")];
  const topology = await topologyOf([edge(web, cart), edge(cart, store), edge(web, store)], [], "shop");
  const at = (name: string) => topology.nodes.find((node) => node.label === name)!;
  assert.ok(at("web").x < at("cart").x && at("cart").x < at("store").x);
  for (const node of topology.nodes) {
    assert.ok(node.x >= 0 && node.x + node.width <= topology.width);
    assert.ok(node.y >= 0 && node.y + node.height <= topology.height);
    for (const other of topology.nodes) {
      const apart = node === other || node.x + node.width <= other.x || other.x + other.width <= node.x ||
        node.y + node.height <= other.y || other.y + other.height <= node.y;
      assert.ok(apart, `${node.label} overlaps ${other.label}`);
    }
  }
});

Deno.test("the same structure has the same places, whatever its figures", async () => {
  const [web, cart] = [resource("web"), resource("cart")];
  const first = await topologyOf([edge(web, cart, 1)], [], "shop");
  const second = await topologyOf([edge(web, cart, 99)], [], "shop");
  assert.deepEqual(second.nodes.map(({ x, y }) => [x, y]), first.nodes.map(({ x, y }) => [x, y]));
  assert.equal(second.edges[0]!.path, first.edges[0]!.path);
  assert.equal(second.edges[0]!.requests.rps, 99);
});

Deno.test("calls in a circle and calls to oneself are no trouble", async () => {
  const [web, cart] = [resource("web"), resource("cart")];
  const topology = await topologyOf([edge(web, cart), edge(cart, web), edge(web, web)], [], "shop");
  assert.equal(topology.edges.length, 2);
  for (const { path } of topology.edges) assert.match(path, /^M[\d.,]+C[-\d., ]+$/);
});

Deno.test("namespaces are drawn as groups where there are several, and not around the one that is looked at", async () => {
  const edges = [edge(resource("web"), resource("orders", "logistics"))];
  assert.deepEqual((await topologyOf(edges, [], undefined)).groups.map((group) => group.name).sort(), [
    "logistics",
    "shop",
  ]);
  assert.deepEqual((await topologyOf(edges, [], "shop")).groups.map((group) => group.name), ["logistics"]);
});

Deno.test("what lies outside of the filter has the figures its clients saw", async () => {
  const topology = await topologyOf([edge(resource("web"), resource("orders", "logistics"), 12)], [], "shop");
  const orders = topology.nodes.find((node) => node.label === "orders")!;
  assert.deepEqual([orders.rps, orders.health, orders.isMeshed], [12, "good", true]);
});

Deno.test("a graph too large to be read is drawn by namespaces, with sums on its edges", async () => {
  const edges = Array.from(
    { length: MAX_NODES },
    (_, at) => edge(resource(`client-${at}`, "one"), resource(`server-${at}`, "two"), 2),
  );
  const topology = await topologyOf(edges, [], undefined);
  assert.deepEqual(topology.nodes.map((node) => node.resource.kind), ["namespace", "namespace"]);
  assert.equal(topology.edges.length, 1);
  assert.equal(topology.edges[0]!.requests.rps, 2 * MAX_NODES);
  assert.match(topology.reduction!, /120 workloads, drawn by namespace/);
});

Deno.test("within a namespace too large to be read, the busiest are drawn", async () => {
  const hub = resource("hub");
  const edges = Array.from({ length: 200 }, (_, at) => edge(hub, resource(`server-${at}`), at));
  const topology = await topologyOf(edges, [], "shop");
  assert.ok(topology.nodes.length <= MAX_NODES && topology.nodes.length > MAX_NODES / 2);
  assert.ok(topology.nodes.some((node) => node.label === "server-199"));
  assert.ok(!topology.nodes.some((node) => node.label === "server-0"));
  assert.match(topology.reduction!, /of 200 edges/);
});

Deno.test("nothing to draw is an empty picture", async () => {
  const { width, height, nodes, edges } = await topologyOf([], [], undefined);
  assert.deepEqual({ width, height, nodes, edges }, { width: 0, height: 0, nodes: [], edges: [] });
});

Deno.test("a curve begins and ends at its points, is level there, and never swings past one", () => {
  const { path, samples } = flow([{ x: 0, y: 0 }, { x: 50, y: 40 }, { x: 100, y: 40 }]);
  assert.match(path, /^M0,0C/);
  assert.deepEqual(samples.at(-1), { x: 100, y: 40 });
  assert.ok(samples.every(({ y }) => y >= -1e-9 && y <= 40 + 1e-9));
  assert.ok(samples[1]!.y < 2, "level at its start");
});

Deno.test("a curve through a box is seen, and a label keeps clear of others", () => {
  const { samples } = flow([{ x: 0, y: 0 }, { x: 300, y: 0 }]);
  assert.equal(touches(samples, [{ x: 140, y: -5, width: 20, height: 10 }]), true);
  assert.equal(touches(samples, [{ x: 140, y: 20, width: 20, height: 10 }]), false);
  const first = placeLabel(samples, []);
  assert.equal(first.x + first.width / 2, 150);
  const second = placeLabel(samples, [first]);
  assert.ok(second.x >= first.x + first.width || second.x + second.width <= first.x);
});
