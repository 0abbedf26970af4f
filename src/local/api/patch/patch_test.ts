import assert from "node:assert/strict";
import { builtinSchema } from "../schema/schema.ts";
import { applyJsonPatch, JsonPatchError, type PatchOperation } from "./json_patch.ts";
import { applyMergePatch } from "./merge_patch.ts";
import { applyStrategicMerge } from "./strategic_merge.ts";

/** From RFC 6902, appendix A. */
const JSON_PATCH_CASES: [string, unknown, PatchOperation[], unknown][] = [
  ["A.1 adds a member", { foo: "bar" }, [{ op: "add", path: "/baz", value: "qux" }], {
    baz: "qux",
    foo: "bar",
  }],
  ["A.2 adds a list item", { foo: ["bar", "baz"] }, [{ op: "add", path: "/foo/1", value: "qux" }], {
    foo: ["bar", "qux", "baz"],
  }],
  ["A.4 removes a list item", { foo: ["bar", "qux", "baz"] }, [{ op: "remove", path: "/foo/1" }], {
    foo: ["bar", "baz"],
  }],
  [
    "A.6 moves a value",
    { foo: { bar: "baz", waldo: "fred" }, qux: { corge: "grault" } },
    [{ op: "move", from: "/foo/waldo", path: "/qux/thud" }],
    { foo: { bar: "baz" }, qux: { corge: "grault", thud: "fred" } },
  ],
  ["A.14 unescapes ~01", { "/": 9, "~1": 10 }, [{ op: "test", path: "/~01", value: 10 }], {
    "/": 9,
    "~1": 10,
  }],
  ["A.16 adds a list to a list", { foo: ["bar"] }, [{ op: "add", path: "/foo/-", value: ["abc"] }], {
    foo: ["bar", ["abc"]],
  }],
];

for (const [name, document, patch, expected] of JSON_PATCH_CASES) {
  Deno.test(`JSON patch ${name}`, () => assert.deepEqual(applyJsonPatch(document, patch), expected));
}

Deno.test("a JSON patch whose test fails changes nothing", () => {
  const document = { a: 1 };
  assert.throws(
    () =>
      applyJsonPatch(document, [
        { op: "replace", path: "/a", value: 2 },
        { op: "test", path: "/a", value: 1 },
      ]),
    (error) => error instanceof JsonPatchError && error.index === 1,
  );
  assert.deepEqual(document, { a: 1 });
});

Deno.test("a JSON patch cannot reach an object's prototype", () => {
  assert.throws(() => applyJsonPatch({}, [{ op: "add", path: "/__proto__/polluted", value: 1 }]));
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
});

Deno.test("a merge patch sets, removes by null, and replaces lists", () => {
  assert.deepEqual(
    applyMergePatch({ a: { b: 1, c: 2 }, d: [1, 2] }, { a: { b: null, e: 3 }, d: [3] }),
    { a: { c: 2, e: 3 }, d: [3] },
  );
});

const pod = () => builtinSchema("", "v1", "Pod");
const twoContainers = { spec: { containers: [{ name: "a", image: "a:1" }, { name: "b", image: "b:1" }] } };

Deno.test("a strategic merge changes a container by its name and leaves the other", () => {
  const result = applyStrategicMerge(pod(), twoContainers, {
    spec: { containers: [{ name: "b", image: "b:2" }] },
  });
  assert.deepEqual(result, {
    spec: { containers: [{ name: "a", image: "a:1" }, { name: "b", image: "b:2" }] },
  });
});

Deno.test("a strategic merge deletes, adds and orders containers by directives", () => {
  const result = applyStrategicMerge(pod(), twoContainers, {
    spec: {
      "$setElementOrder/containers": [{ name: "c" }, { name: "b" }],
      containers: [{ name: "a", $patch: "delete" }, { name: "c", image: "c:1" }],
    },
  });
  assert.deepEqual(result, {
    spec: { containers: [{ name: "c", image: "c:1" }, { name: "b", image: "b:1" }] },
  });
});

Deno.test("a strategic merge keeps only the keys it retains, and drops finalizers from a set", () => {
  const result = applyStrategicMerge(builtinSchema("apps", "v1", "Deployment"), {
    metadata: { finalizers: ["a", "b"] },
    spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } },
  }, {
    metadata: { "$deleteFromPrimitiveList/finalizers": ["a"], finalizers: ["c"] },
    spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } },
  });
  assert.deepEqual(result, {
    metadata: { finalizers: ["b", "c"] },
    spec: { strategy: { type: "Recreate" } },
  });
});

Deno.test("a strategic merge replaces atomic lists", () => {
  const result = applyStrategicMerge(pod(), { spec: { containers: [{ name: "a", args: ["1", "2"] }] } }, {
    spec: { containers: [{ name: "a", args: ["3"] }] },
  });
  assert.deepEqual(result, { spec: { containers: [{ name: "a", args: ["3"] }] } });
});
