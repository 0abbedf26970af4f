import assert from "node:assert/strict";
import { parseResourcePath } from "../http/request_info.ts";
import { compareVersions, Registry } from "./registry.ts";

Deno.test("versions are in Kubernetes' order of preference", () => {
  const versions = ["v1alpha1", "v1", "foo", "v2beta1", "v10", "v1beta2", "v2", "v1beta10"];
  assert.deepEqual(versions.sort(compareVersions), [
    "v10",
    "v2",
    "v1",
    "v2beta1",
    "v1beta10",
    "v1beta2",
    "v1alpha1",
    "foo",
  ]);
});

Deno.test("kinds are found as objects and paths name them", () => {
  const registry = new Registry();
  assert.equal(registry.findKind("v1", "Pod")?.plural, "pods");
  assert.equal(registry.findKind("apps/v1", "Deployment")?.plural, "deployments");
  assert.equal(registry.find("", "v1", "pods")?.kind, "Pod");
  assert.equal(registry.find("apps", "v1", "pods"), undefined);
});

Deno.test("every built-in kind has a schema", () => {
  for (const { group, kind, schema } of new Registry().all()) assert.ok(schema, `${group} ${kind}`);
});

for (
  const [path, expected] of [
    ["/api/v1/pods", ["", "v1", "pods", undefined, undefined, undefined]],
    ["/api/v1/namespaces/a/pods/b/log", ["", "v1", "pods", "a", "b", "log"]],
    ["/api/v1/namespaces/a", ["", "v1", "namespaces", undefined, "a", undefined]],
    ["/api/v1/namespaces/a/finalize", ["", "v1", "namespaces", undefined, "a", "finalize"]],
    ["/api/v1/namespaces/a/status", ["", "v1", "namespaces", undefined, "a", "status"]],
    ["/apis/apps/v1/namespaces/a/deployments", ["apps", "v1", "deployments", "a", undefined, undefined]],
    ["/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode", [
      "rbac.authorization.k8s.io",
      "v1",
      "clusterroles",
      undefined,
      "system:node",
      undefined,
    ]],
  ] as const
) {
  Deno.test(`${path} names its resource`, () => {
    const info = parseResourcePath(path)!;
    const { group, version, plural, namespace, name, subresource } = info;
    assert.deepEqual([group, version, plural, namespace, name, subresource], expected);
  });
}

Deno.test("what follows a proxy stays as it was sent", () => {
  assert.equal(parseResourcePath("/api/v1/namespaces/a/services/b:80/proxy/x%20y/z")!.rest, "x%20y/z");
  assert.equal(parseResourcePath("/api"), undefined);
  assert.equal(parseResourcePath("/apis/apps/v1"), undefined);
});
