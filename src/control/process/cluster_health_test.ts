import assert from "node:assert/strict";
import { type KubeClient, KubeError } from "../../kube/client.ts";
import { PODS, SERVICES } from "../../kube/kinds.ts";
import { FakeKube } from "../testing/fake_kube.ts";
import { ClusterHealth } from "./cluster_health.ts";

function broken(error: unknown): KubeClient {
  const client = new FakeKube();
  client.list = () => Promise.reject(error);
  // deno-lint-ignore require-yield -- it never comes so far
  client.watch = async function* () {
    await Promise.resolve();
    throw error;
  };
  return client;
}

async function drain(client: KubeClient): Promise<void> {
  for await (const _ of client.watch(PODS, { resourceVersion: "1" }));
}

Deno.test("a kind that cannot be watched is stale since the first failure, and current again after a list", async () => {
  const clock = { now: 1000 }, health = new ClusterHealth(() => clock.now);
  const away = health.observe(broken(new TypeError("connection refused")));
  await assert.rejects(drain(away), /refused/);
  clock.now += 20_000;
  await assert.rejects(away.list(PODS), /refused/);
  clock.now += 10_000;
  assert.deepEqual([...health.stale()], [["pods", 30_000]]);
  await health.observe(new FakeKube()).list(PODS);
  assert.deepEqual([...health.stale()], []);
});

Deno.test("kinds are told apart", async () => {
  const health = new ClusterHealth(() => 0);
  await assert.rejects(health.observe(broken(new KubeError(403, "Forbidden", "no"))).list(SERVICES));
  await health.observe(new FakeKube()).list(PODS);
  assert.deepEqual([...health.stale()], [["services", 0]]);
});

Deno.test("a watch that has not failed for half a minute stands, though nothing happens in it", async () => {
  const clock = { now: 0 }, health = new ClusterHealth(() => clock.now);
  await assert.rejects(drain(health.observe(broken(new TypeError("reset")))));
  clock.now = 30_001;
  assert.deepEqual([...health.stale()], []);
  await assert.rejects(drain(health.observe(broken(new TypeError("reset")))));
  assert.deepEqual([...health.stale()], [["pods", 0]]);
});

Deno.test("that a kind is not installed, or a watch too old, is no staleness", async () => {
  const health = new ClusterHealth(() => 0);
  for (const status of [404, 410]) {
    await assert.rejects(drain(health.observe(broken(new KubeError(status, "x", "x")))));
  }
  assert.deepEqual([...health.stale()], []);
});

Deno.test("what is no list or watch goes to the client as it is", async () => {
  const fake = new FakeKube(), client = new ClusterHealth().observe(fake);
  await client.create(PODS, { metadata: { name: "one", namespace: "a" } });
  assert.equal((await client.get(PODS, "one", "a")).metadata?.name, "one");
});
