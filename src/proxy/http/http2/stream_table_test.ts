import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { StreamTable } from "./stream_table.ts";

Deno.test("streams are found by their numbers, until they are taken out", () => {
  const table = new StreamTable<string>();
  table.set(1, "one");
  table.set(3, "three");
  equal(table.get(1), "one");
  equal(table.get(3), "three");
  equal(table.get(5), undefined);
  equal(table.delete(1), true);
  equal(table.delete(1), false);
  equal(table.get(1), undefined);
  equal(table.size, 1);
});

Deno.test("the connection itself, number 0, is no stream", () => {
  const table = new StreamTable<string>();
  table.set(1, "one");
  equal(table.get(0), undefined);
  equal(table.delete(0), false);
  equal(table.size, 1);
});

Deno.test("a thousand open streams are told, and gone when all are cleared", () => {
  const table = new StreamTable<number>();
  for (let id = 1; id < 2000; id += 2) table.set(id, id);
  equal(table.values().length, 1000);
  deepEqual(new Set(table.values()).size, 1000);
  table.clear();
  equal(table.size, 0);
  deepEqual(table.values(), []);
  equal(table.get(1), undefined);
});

Deno.test("a stream that stays while a hundred thousand come and go is always found", () => {
  const table = new StreamTable<number>();
  table.set(2, 2);
  for (let id = 4; id < 200_000; id += 2) {
    table.set(id, id);
    equal(table.get(2), 2);
    equal(table.get(id), id);
    equal(table.delete(id), true);
  }
  equal(table.size, 1);
});

Deno.test("it holds what a Map would, whatever is put in and taken out", () => {
  // Numbers far apart share places in a small table: that is where they are pushed aside.
  const id = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 0x7fffffff }));
  const step = fc.record({ id, isDelete: fc.boolean() });
  fc.assert(fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
    const table = new StreamTable<number>(), model = new Map<number, number>();
    for (const [index, { id, isDelete }] of steps.entries()) {
      if (isDelete) equal(table.delete(id), model.delete(id));
      else {
        table.set(id, index);
        model.set(id, index);
      }
      equal(table.size, model.size);
      for (const [known, value] of model) equal(table.get(known), value);
    }
    deepEqual(table.values().toSorted((a, b) => a - b), [...model.values()].toSorted((a, b) => a - b));
  }));
});
