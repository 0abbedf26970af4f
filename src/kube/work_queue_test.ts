import assert from "node:assert/strict";
import { WorkQueue } from "./work_queue.ts";

Deno.test("a key waits once, however often it is added", async () => {
  const seen: string[] = [];
  const queue = new WorkQueue(async (key) => {
    await Promise.resolve();
    seen.push(key);
  }, { concurrency: 1 });
  for (const key of ["a", "b", "b", "b"]) queue.add(key);
  await queue.idle();
  assert.deepEqual(seen, ["a", "b"]);
});

Deno.test("a key added while it is worked on is worked on once more, never twice at a time", async () => {
  let running = 0;
  let most = 0;
  let runs = 0;
  const gate = Promise.withResolvers<void>();
  const queue = new WorkQueue(async () => {
    most = Math.max(most, ++running);
    if (++runs === 1) await gate.promise;
    running--;
  });
  queue.add("a");
  queue.add("a");
  queue.add("a");
  gate.resolve();
  await queue.idle();
  assert.equal(runs, 2);
  assert.equal(most, 1);
});

Deno.test("no more keys at a time than allowed", async () => {
  let running = 0;
  let most = 0;
  const queue = new WorkQueue(async () => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
  }, { concurrency: 2 });
  for (const key of "abcdefgh") queue.add(key);
  await queue.idle();
  assert.equal(most, 2);
});

Deno.test("a failed key comes back, its failures counted until it succeeds", async () => {
  const failures: number[] = [];
  let left = 3;
  const done = Promise.withResolvers<void>();
  const queue = new WorkQueue(() => {
    if (left-- > 0) return Promise.reject(new Error("not yet"));
    done.resolve();
    return Promise.resolve();
  }, { backoff: () => 0, onError: (_error, _key, count) => failures.push(count) });
  queue.add("a");
  await done.promise;
  queue.stop();
  assert.deepEqual(failures, [1, 2, 3]);
});

Deno.test("of several times the earliest counts, and a stopped queue wakes nobody", async () => {
  const seen: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const queue = new WorkQueue((key) => {
    seen.push(key);
    resolve();
    return Promise.resolve();
  });
  queue.addAfter("a", 60_000);
  queue.addAfter("a", 1);
  queue.addAfter("a", 30_000);
  await promise;
  queue.addAfter("b", 1);
  queue.stop();
  queue.add("c");
  await queue.idle();
  assert.deepEqual(seen, ["a"]);
});
