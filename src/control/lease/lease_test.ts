import assert from "node:assert/strict";
import { KubeError } from "../../kube/client.ts";
import { LEASES } from "../../kube/kinds.ts";
import { FakeKube } from "../testing/fake_kube.ts";
import { ManualClock, settled } from "../testing/manual_clock.ts";
import { Lease } from "./lease.ts";

class Replicas {
  readonly kube = new FakeKube();
  readonly clock = new ManualClock();
  /** Who became the holder, in order. */
  readonly held: string[] = [];

  start(holder: string): Lease {
    return new Lease({
      client: this.kube,
      namespace: "linkerd",
      name: "policy-controller-write",
      holder,
      fieldManager: "policy-controller",
      owner: () => Promise.resolve({ apiVersion: "apps/v1", kind: "Deployment", name: "d", uid: "1" }),
      onHeld: () => this.held.push(holder),
      clock: this.clock,
    });
  }

  get lease() {
    return this.kube.all(LEASES)[0];
  }

  /** A replica's requests fail from now on, as if its node were cut off. */
  cutOff(): void {
    this.kube.beforePatch = ({ body }) => {
      if (JSON.stringify(body).includes('"a"')) throw new Error("cut off");
    };
  }
}

Deno.test("of two replicas one holds the lease, renews it a second before its end, and stays the holder", async () => {
  const replicas = new Replicas();
  const a = replicas.start("a");
  await settled();
  const b = replicas.start("b");
  await settled();
  assert.deepEqual([a.isHeld, b.isHeld], [true, false]);
  assert.deepEqual(replicas.lease?.spec, {
    holderIdentity: "a",
    leaseDurationSeconds: 30,
    acquireTime: "2026-01-01T00:00:00.000000Z",
    renewTime: "2026-01-01T00:00:00.000000Z",
    leaseTransitions: 1,
  });
  assert.deepEqual(replicas.lease?.metadata?.ownerReferences?.map(({ kind }) => kind), ["Deployment"]);
  await replicas.clock.pass(29_500);
  assert.equal(replicas.lease?.spec?.renewTime, "2026-01-01T00:00:29.000000Z");
  await replicas.clock.pass(300_000);
  assert.deepEqual([a.isHeld, b.isHeld], [true, false]);
  assert.deepEqual(replicas.held, ["a"]);
  assert.equal(replicas.lease?.spec?.leaseTransitions, 1);
  await Promise.all([a.stop(), b.stop()]);
});

Deno.test("a lease costs each replica about one request in half a minute", async () => {
  const replicas = new Replicas();
  const { kube } = replicas;
  let requests = 0;
  const get = kube.get.bind(kube);
  kube.get = (...call) => (requests++, get(...call));
  kube.beforePatch = () => requests++;
  const both = [replicas.start("a"), replicas.start("b")];
  await settled();
  requests = 0;
  await replicas.clock.pass(600_000);
  assert.ok(requests > 30 && requests < 70, `${requests} requests of two replicas in ten minutes`);
  await Promise.all(both.map((one) => one.stop()));
});

Deno.test("a holder that is cut off holds the lease no more when its time is up, and another takes it", async () => {
  const replicas = new Replicas();
  const a = replicas.start("a");
  await settled();
  const b = replicas.start("b");
  await replicas.clock.pass(10_000);
  replicas.cutOff();
  await replicas.clock.pass(19_900);
  assert.deepEqual([a.isHeld, b.isHeld], [true, false]);
  await replicas.clock.pass(200);
  assert.deepEqual([a.isHeld, b.isHeld], [false, true]);
  assert.deepEqual(replicas.held, ["a", "b"]);
  assert.equal(replicas.lease?.spec?.leaseTransitions, 2);
  await Promise.all([a.stop(), b.stop()]);
});

Deno.test("of several that find a lease ended the one whose write comes first has it", async () => {
  const replicas = new Replicas();
  const a = replicas.start("a");
  await settled();
  replicas.cutOff();
  await replicas.clock.pass(30_000);
  const others = ["b", "c", "d"].map((holder) => replicas.start(holder));
  await settled();
  await replicas.clock.pass(0);
  assert.equal(others.filter((one) => one.isHeld).length, 1);
  assert.equal(replicas.held.length, 2);
  await Promise.all([a, ...others].map((one) => one.stop()));
});

Deno.test("a holder that stops gives the lease up, and the next to look has it at once", async () => {
  const replicas = new Replicas();
  const a = replicas.start("a");
  await settled();
  await a.stop();
  assert.equal(a.isHeld, false);
  assert.equal(replicas.lease?.spec?.holderIdentity, undefined);
  const b = replicas.start("b");
  await settled();
  assert.equal(b.isHeld, true);
  await b.stop();
});

Deno.test("an API that does not answer is asked again, and the lease taken when it does", async () => {
  const replicas = new Replicas();
  const get = replicas.kube.get.bind(replicas.kube);
  replicas.kube.get = () => Promise.reject(new KubeError(503, "ServiceUnavailable", "away"));
  const a = replicas.start("a");
  await replicas.clock.pass(5_000);
  assert.equal(a.isHeld, false);
  replicas.kube.get = get;
  await replicas.clock.pass(2_000);
  assert.equal(a.isHeld, true);
  await a.stop();
});
