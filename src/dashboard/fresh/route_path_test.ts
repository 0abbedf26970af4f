import assert from "node:assert/strict";
import { comparePatterns, foldersOf, matchPattern, routePattern } from "./route_path.ts";

Deno.test("a file's name is its path: index is the folder, brackets are values, parentheses are left out", () => {
  const paths = {
    "index.tsx": "/",
    "about.ts": "/about",
    "namespaces/index.tsx": "/namespaces",
    "namespaces/[namespace]/index.tsx": "/namespaces/:namespace",
    "(shop)/[namespace]/[...rest].ts": "/:namespace/:rest*",
  };
  for (const [file, path] of Object.entries(paths)) assert.equal(routePattern(file).text, path);
});

Deno.test("values are decoded, and a path that is badly encoded names nothing", () => {
  const pattern = routePattern("namespaces/[namespace]/[kind]/[name].tsx");
  assert.deepEqual(matchPattern(pattern, "/namespaces/a%20b/deployments/w%2Fb"), {
    namespace: "a b",
    kind: "deployments",
    name: "w/b",
  });
  assert.equal(matchPattern(pattern, "/namespaces/a/deployments/%E0%A4%A"), undefined);
});

Deno.test("a path matches whole, with or without a slash at its end, and never with an empty value", () => {
  const one = routePattern("namespaces/[namespace]/index.tsx");
  assert.deepEqual(matchPattern(one, "/namespaces/shop/"), { namespace: "shop" });
  assert.equal(matchPattern(one, "/namespaces"), undefined);
  assert.equal(matchPattern(one, "/namespaces/"), undefined);
  assert.equal(matchPattern(one, "/namespaces/shop/deployments"), undefined);
  assert.equal(matchPattern(one, "/namespaces//shop"), undefined);
  assert.deepEqual(matchPattern(routePattern("index.tsx"), "/"), {});
  assert.deepEqual(matchPattern(routePattern("files/[...path].ts"), "/files/a/b"), { path: "a/b" });
});

Deno.test("the most exact pattern comes first", () => {
  const files = ["[...rest].ts", "[name].ts", "live.ts", "index.ts", "live/[name].ts"];
  const sorted = files.map(routePattern).sort(comparePatterns).map((one) => one.text);
  assert.deepEqual(sorted, ["/", "/live", "/live/:name", "/:name", "/:rest*"]);
});

Deno.test("a file lies in all folders from routes/ down", () => {
  assert.deepEqual(foldersOf("a/b/c.tsx"), ["", "a", "a/b"]);
  assert.deepEqual(foldersOf("c.tsx"), [""]);
});
