import assert from "node:assert/strict";
import { KubeError } from "../../../kube/client.ts";
import type { Fields, ManagedFieldsEntry, StoredObject } from "../object.ts";
import { builtinSchema } from "../schema/schema.ts";
import { pathsOf } from "./field_set.ts";
import { applyConfiguration, type Manager, ownersAfterUpdate } from "./managed_fields.ts";

const schema = builtinSchema("apps", "v1", "Deployment")!;

function manager(name: string, operation: "Apply" | "Update" = "Apply"): Manager {
  return { name, operation, apiVersion: "apps/v1", subresource: undefined, now: "2026-01-01T00:00:00Z" };
}

function configuration(spec: Fields, labels?: Fields): Fields {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "default", ...(labels === undefined ? {} : { labels }) },
    spec,
  };
}

function stored(object: Fields, owners: ManagedFieldsEntry[]): StoredObject {
  const metadata = { ...(object["metadata"] as Fields), managedFields: owners };
  return { ...object, metadata } as unknown as StoredObject;
}

function apply(live: StoredObject | undefined, name: string, object: Fields, force = false): StoredObject {
  const result = applyConfiguration(schema, live, object, manager(name), force);
  return stored(result.object, result.owners);
}

function owned(object: StoredObject, name: string): string[] {
  return object.metadata.managedFields!
    .filter((entry) => entry.manager === name)
    .flatMap((entry) => pathsOf(entry.fieldsV1))
    .sort();
}

const container = (name: string, image: string) => ({ name, image });
const template = (...containers: Fields[]) => ({ spec: { containers } });

Deno.test("an apply owns what it says, down to items of keyed lists", () => {
  const live = apply(
    undefined,
    "a",
    configuration({ replicas: 2, template: template(container("x", "x:1")) }),
  );
  assert.deepEqual(owned(live, "a"), [
    ".spec.replicas",
    '.spec.template.spec.containers[name="x"]',
    '.spec.template.spec.containers[name="x"].image',
    '.spec.template.spec.containers[name="x"].name',
  ]);
});

Deno.test("a field another manager owns with another value is a conflict, named with its owner", () => {
  const live = apply(undefined, "a", configuration({ replicas: 2 }));
  assert.throws(
    () => apply(live, "b", configuration({ replicas: 3 })),
    (error) =>
      error instanceof KubeError && error.status === 409 &&
      error.message === 'Apply failed with 1 conflict: conflict with "a" using apps/v1: .spec.replicas',
  );
});

Deno.test("force takes the field over", () => {
  const live = apply(undefined, "a", configuration({ replicas: 2, paused: true }));
  const after = apply(live, "b", configuration({ replicas: 3 }), true);
  assert.equal((after["spec"] as Fields)["replicas"], 3);
  assert.deepEqual(owned(after, "a"), [".spec.paused"]);
  assert.deepEqual(owned(after, "b"), [".spec.replicas"]);
});

Deno.test("the same value may be owned by two, and stays when one lets go", () => {
  let live = apply(undefined, "a", configuration({ replicas: 2, paused: true }));
  live = apply(live, "b", configuration({ replicas: 2 }));
  live = apply(live, "a", configuration({ paused: true }));
  assert.equal((live["spec"] as Fields)["replicas"], 2);
  live = apply(live, "b", configuration({}));
  assert.equal((live["spec"] as Fields)["replicas"], undefined);
});

Deno.test("a container and a label no longer applied are removed, another manager's container stays", () => {
  let live = apply(
    undefined,
    "a",
    configuration(
      { template: template(container("x", "x:1"), container("y", "y:1")) },
      { app: "web", extra: "1" },
    ),
  );
  live = apply(live, "b", configuration({ template: template(container("z", "z:1")) }));
  live = apply(live, "a", configuration({ template: template(container("x", "x:2")) }, { app: "web" }));
  assert.deepEqual(live["spec"], {
    template: { spec: { containers: [container("x", "x:2"), container("z", "z:1")] } },
  });
  assert.deepEqual(live.metadata.labels, { app: "web" });
  live = apply(live, "a", configuration({ template: template(container("x", "x:2")) }));
  assert.equal(live.metadata.labels, undefined);
});

Deno.test("an update owns what it changes and takes it from others", () => {
  const live = apply(undefined, "a", configuration({ replicas: 2, paused: true }));
  const changed = { ...live, spec: { replicas: 5, paused: true } };
  const owners = ownersAfterUpdate(schema, live, changed, manager("scaler", "Update"));
  const after = stored(changed, owners);
  assert.deepEqual(owned(after, "a"), [".spec.paused"]);
  assert.deepEqual(owned(after, "scaler"), [".spec.replicas"]);
  assert.throws(() => apply(after, "a", configuration({ replicas: 2 })), /conflict with "scaler"/);
});

Deno.test("an update that removes a field leaves nobody owning it", () => {
  const live = apply(undefined, "a", configuration({ replicas: 2, paused: true }));
  const changed = { ...live, spec: { paused: true } };
  const after = stored(changed, ownersAfterUpdate(schema, live, changed, manager("editor", "Update")));
  assert.deepEqual(owned(after, "a"), [".spec.paused"]);
  assert.deepEqual(owned(after, "editor"), []);
});

Deno.test("an atomic map is owned and replaced as a whole", () => {
  let live = apply(undefined, "a", configuration({ selector: { matchLabels: { app: "web", tier: "1" } } }));
  assert.deepEqual(owned(live, "a"), [".spec.selector"]);
  live = apply(live, "a", configuration({ selector: { matchLabels: { app: "web" } } }));
  assert.deepEqual((live["spec"] as Fields)["selector"], { matchLabels: { app: "web" } });
});
