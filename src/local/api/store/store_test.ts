import assert from "node:assert/strict";
import { KubeError } from "../../../kube/client.ts";
import type { StoredObject } from "../object.ts";
import { Store, type StoreEvent } from "./store.ts";

function object(name: string, namespace = "default"): StoredObject {
  return { apiVersion: "v1", kind: "Thing", metadata: { name, namespace, uid: name, resourceVersion: "" } };
}

Deno.test("versions only rise, over all resources", () => {
  const store = new Store();
  const a = store.put("/a", "default/x", object("x"), undefined)!;
  const b = store.put("/b", "default/x", object("x"), undefined)!;
  assert.ok(Number(b.metadata.resourceVersion) > Number(a.metadata.resourceVersion));
  assert.equal(String(store.version), b.metadata.resourceVersion);
});

Deno.test("a write that expects another state than the current is refused", () => {
  const store = new Store();
  const first = store.put("/a", "default/x", object("x"), undefined)!;
  assert.equal(store.put("/a", "default/x", object("x"), undefined), undefined);
  assert.ok(store.put("/a", "default/x", object("x"), first));
  assert.equal(store.remove("/a", "default/x", first), false);
});

Deno.test("changes after a version are replayed until they are forgotten, then the version is expired", () => {
  const store = new Store(4);
  let last = store.put("/a", "default/x", object("x"), undefined)!;
  const start = store.version;
  for (let index = 0; index < 3; index++) last = store.put("/a", "default/x", last, last)!;
  assert.deepEqual(store.since("/a", start).map(({ type }) => type), ["MODIFIED", "MODIFIED", "MODIFIED"]);
  for (let index = 0; index < 20; index++) last = store.put("/a", "default/x", last, last)!;
  assert.throws(
    () => store.since("/a", start),
    (error) => error instanceof KubeError && error.status === 410,
  );
  assert.throws(
    () => store.since("/a", store.version + 1),
    (error) => error instanceof KubeError && error.status === 504,
  );
});

Deno.test("a deletion carries a version of its own and the last state", () => {
  const store = new Store();
  const events: StoreEvent[] = [];
  const stored = store.put("/a", "default/x", object("x"), undefined)!;
  store.listenTo("/a", (event) => events.push(event));
  assert.equal(store.remove("/a", "default/x", stored), true);
  assert.equal(events[0]!.type, "DELETED");
  assert.ok(Number(events[0]!.object.metadata.resourceVersion) > Number(stored.metadata.resourceVersion));
  assert.equal(store.get("/a", "default/x"), undefined);
});

Deno.test("a list is in the order of the keys, of one namespace or of all", () => {
  const store = new Store();
  for (const [namespace, name] of [["b", "1"], ["a", "2"], ["a", "1"]] as const) {
    store.put("/a", `${namespace}/${name}`, object(name, namespace), undefined);
  }
  assert.deepEqual(store.list("/a").map(({ metadata }) => `${metadata.namespace}/${metadata.name}`), [
    "a/1",
    "a/2",
    "b/1",
  ]);
  assert.equal(store.list("/a", "b").length, 1);
});
