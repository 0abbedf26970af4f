import assert from "node:assert/strict";
import { getPath, parseJsonPath, queryPath, setPath } from "./json_path.ts";

const object = {
  metadata: { labels: { "app.kubernetes.io/name": "web" } },
  spec: { list: [{ name: "a", port: 1 }, { name: "b", port: 2 }] },
  status: { conditions: [{ type: "Ready", status: "True" }, { type: "Other", status: "False" }] },
};

for (
  const [path, expected] of [
    [".spec.list[0].name", ["a"]],
    ["{.spec.list[*].name}", ["a", "b"]],
    ["spec.list[1].port", [2]],
    [".metadata.labels['app\\.kubernetes\\.io/name']", ["web"]],
    [".metadata.labels.app\\.kubernetes\\.io/name", ["web"]],
    ['.status.conditions[?(@.type=="Ready")].status', ["True"]],
    [".status.conditions[?(@.type!='Ready')].status", ["False"]],
    [".spec.nothing.below", []],
    [".spec.list[9]", []],
    [".constructor", []],
  ] as [string, unknown[]][]
) {
  Deno.test(`the path ${path} leads to ${JSON.stringify(expected)}`, () =>
    assert.deepEqual(queryPath(object, path), expected));
}

Deno.test("a path that does not parse leads nowhere", () => {
  assert.equal(parseJsonPath(".spec[?(broken"), undefined);
  assert.equal(getPath(object, ".spec[?(broken"), undefined);
});

Deno.test("setting a path makes what is missing on the way", () => {
  const target = {};
  setPath(target, ".spec.replicas", 3);
  assert.deepEqual(target, { spec: { replicas: 3 } });
});
