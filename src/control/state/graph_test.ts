import assert from "node:assert/strict";
import { DerivedMap, Graph } from "./graph.ts";

/** A store of numbers that notes reads, as a collection does. */
class Numbers {
  readonly #values = new Map<string, number>();
  constructor(readonly graph: Graph) {}
  get(key: string): number {
    this.graph.read(key);
    return this.#values.get(key) ?? 0;
  }
  set(key: string, value: number): void {
    this.#values.set(key, value);
    this.graph.touch(key);
  }
}

function setUp() {
  const graph = new Graph();
  return { graph, numbers: new Numbers(graph) };
}

Deno.test("a value is recomputed when what it read has changed, once for many changes, and not otherwise", () => {
  const { graph, numbers } = setUp();
  let computed = 0;
  const told: number[] = [];
  const sum = graph.derive(() => {
    computed++;
    return numbers.get("a") + numbers.get("b");
  });
  const unsubscribe = sum.subscribe(() => told.push(sum.value));
  numbers.set("a", 1);
  numbers.set("b", 2);
  numbers.set("c", 99);
  graph.flush();
  assert.deepEqual([computed, told], [2, [3]]);
  numbers.set("a", 2);
  numbers.set("b", 1);
  graph.flush();
  assert.deepEqual([computed, told], [3, [3]], "the same result is not told");
  unsubscribe();
  numbers.set("a", 5);
  graph.flush();
  assert.equal(computed, 3, "asleep without listeners");
});

Deno.test("what a value no longer reads no longer wakes it", () => {
  const { graph, numbers } = setUp();
  let computed = 0;
  const value = graph.derive(() => {
    computed++;
    return numbers.get("which") === 0 ? numbers.get("a") : numbers.get("b");
  });
  value.subscribe(() => {});
  numbers.set("which", 1);
  graph.flush();
  numbers.set("a", 7);
  graph.flush();
  assert.equal(computed, 2);
  numbers.set("b", 8);
  graph.flush();
  assert.equal(value.value, 8);
});

Deno.test("values derived from values follow, and sleep when their last reader does", () => {
  const { graph, numbers } = setUp();
  const idle: string[] = [];
  const double = graph.derive(() => numbers.get("a") * 2, { onIdle: () => idle.push("double") });
  const plusOne = graph.derive(() => double.value + 1, { onIdle: () => idle.push("plusOne") });
  const told: number[] = [];
  const unsubscribe = plusOne.subscribe(() => told.push(plusOne.value));
  numbers.set("a", 10);
  graph.flush();
  assert.deepEqual(told, [21]);
  unsubscribe();
  assert.deepEqual(idle.sort(), ["double", "plusOne"]);
});

Deno.test("a computation that fails at first leaves nothing behind, and later leaves the value there was", () => {
  const { graph, numbers } = setUp();
  const map = new DerivedMap<number>();
  const watch = () =>
    map.get("key", (onIdle) =>
      graph.derive(() => {
        if (numbers.get("a") < 0) throw new Error("negative");
        return numbers.get("a");
      }, { onIdle }));
  numbers.set("a", -1);
  assert.throws(() => watch().subscribe(() => {}), /negative/);
  assert.equal(map.size, 0);
  numbers.set("a", 4);
  const value = watch();
  const unsubscribe = value.subscribe(() => {});
  numbers.set("a", -1);
  graph.flush();
  assert.equal(value.value, 4);
  numbers.set("a", 5);
  graph.flush();
  assert.equal(value.value, 5);
  unsubscribe();
  assert.equal(map.size, 0);
});

Deno.test("changes made while nobody flushes are taken up by themselves in the next turn", async () => {
  const { graph, numbers } = setUp();
  const value = graph.derive(() => numbers.get("a"));
  const change = new Promise<void>((resolve) => value.subscribe(resolve));
  numbers.set("a", 3);
  await change;
  assert.equal(value.value, 3);
});
