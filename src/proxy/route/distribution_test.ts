import { equal, ok } from "node:assert/strict";
import { seededRandom } from "../balance/cases.ts";
import { chooseBackend } from "./distribution.ts";

const SPLIT = [{ backend: "v1", weight: 90 }, { backend: "v2", weight: 10 }, { backend: "v3", weight: 0 }];

Deno.test("weights are shares of the requests, and a weight of 0 gets none", () => {
  const random = seededRandom(), seen = new Map<string, number>();
  for (let i = 0; i < 10_000; i++) {
    const backend = chooseBackend("random", SPLIT, () => true, random, 0)!;
    seen.set(backend, (seen.get(backend) ?? 0) + 1);
  }
  ok(Math.abs(seen.get("v1")! / 10_000 - 0.9) < 0.02, `${seen.get("v1")}`);
  equal(seen.has("v3"), false);
});

Deno.test("a backend that is not available gives its share to the others", () => {
  const random = seededRandom();
  for (let i = 0; i < 200; i++) equal(chooseBackend("random", SPLIT, (b) => b === "v2", random, 0), "v2");
});

Deno.test("first-available takes the first that is, and the first of all when none is", () => {
  equal(chooseBackend("first-available", SPLIT, (b) => b !== "v1", Math.random, 0), "v2");
  equal(chooseBackend("first-available", SPLIT, () => false, Math.random, 0), "v1");
});

Deno.test("no backend, or none with a weight, is no choice", () => {
  equal(chooseBackend("random", [], () => true, Math.random, 0), undefined);
  const zero = [{ backend: "a", weight: 0 }, { backend: "b", weight: 0 }];
  equal(chooseBackend("random", zero, () => true, Math.random, 0), undefined);
});

Deno.test("a backend with a weight of 0 gets none though it alone is available", () => {
  const random = seededRandom();
  for (let i = 0; i < 200; i++) {
    const backend = chooseBackend("random", SPLIT, (b) => b === "v3", random, 0);
    ok(backend === "v1" || backend === "v2", String(backend));
  }
});
