import assert from "node:assert/strict";
import { MeshFailure } from "../../mesh/error.ts";
import { Feeds } from "./feeds.ts";

/** Reads events one by one: `retry` lines are left out. */
function eventsOf(answer: Response): { next(): Promise<string | undefined>; cancel(): Promise<void> } {
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  return {
    async next() {
      for (;;) {
        const end = buffer.indexOf("\n\n");
        if (end >= 0) {
          const event = buffer.slice(0, end);
          buffer = buffer.slice(end + 2);
          if (event.startsWith("retry:")) continue;
          return event;
        }
        const { value, done } = await reader.read();
        if (done) return undefined;
        buffer += value;
      }
    },
    cancel: () => reader.cancel(),
  };
}

Deno.test("readers of one view share its loader, and who comes later starts with what is known", async () => {
  const feeds = new Feeds({ intervalMs: () => 1 });
  let loads = 0;
  const gate = Promise.withResolvers<void>();
  const load = async () => {
    if (loads === 2) await gate.promise;
    return { number: ++loads };
  };
  const first = eventsOf(feeds.open("a", load));
  assert.equal(await first.next(), 'event: view\ndata: {"number":1}');
  assert.equal(await first.next(), 'event: view\ndata: {"number":2}');
  const second = eventsOf(feeds.open("a", () => Promise.reject(new Error("never called"))));
  assert.equal(await second.next(), 'event: view\ndata: {"number":2}');
  gate.resolve();
  const next = 'event: view\ndata: {"number":3}';
  assert.deepEqual([await first.next(), await second.next()], [next, next]);
  feeds.stop();
});

Deno.test("a view that cannot be loaded is a fault with its remedy, and the next one follows", async () => {
  const feeds = new Feeds({ intervalMs: () => 1 });
  const error = { code: "gone", source: "mesh" as const, detail: "it is gone", remedy: "wait" };
  let loads = 0;
  const reader = eventsOf(feeds.open("a", () => {
    if (++loads === 1) return Promise.reject(new MeshFailure(error));
    return Promise.resolve({ loads });
  }));
  assert.equal(await reader.next(), `event: fault\ndata: ${JSON.stringify(error)}`);
  assert.equal(await reader.next(), 'event: view\ndata: {"loads":2}');
  feeds.stop();
});

Deno.test("nothing is loaded once the last reader has left", async () => {
  const feeds = new Feeds({ intervalMs: () => 1 });
  let loads = 0;
  const load = () => Promise.resolve({ number: ++loads });
  const reader = eventsOf(feeds.open("a", load));
  await reader.next();
  assert.equal(feeds.readers, 1);
  await reader.cancel();
  assert.equal(feeds.readers, 0);
  const other = eventsOf(feeds.open("b", () => Promise.resolve({})));
  const before = loads;
  for (let turn = 0; turn < 5; turn++) await other.next();
  assert.equal(loads, before);
  feeds.stop();
});

Deno.test("a reader that does not read misses views and holds no more than a few of them", async () => {
  const feeds = new Feeds({ intervalMs: () => 0 });
  let loads = 0;
  const slow = feeds.open("a", () => Promise.resolve({ number: ++loads }));
  const fast = eventsOf(feeds.open("a", () => Promise.resolve({})));
  for (let turn = 0; turn < 40; turn++) await fast.next();
  feeds.stop();
  const held = (await slow.text()).match(/event: view/g)?.length ?? 0;
  assert.ok(held <= 6, `${held} events were held`);
});

Deno.test("beyond its limit, and after it was stopped, a reader is refused with 503", async () => {
  const feeds = new Feeds({ intervalMs: () => 1_000, maxReaders: 1 });
  const first = feeds.open("a", () => Promise.resolve({}));
  const second = feeds.open("a", () => Promise.resolve({}));
  assert.equal(second.status, 503);
  feeds.stop();
  assert.match(await first.text(), /^retry: 2000/);
  assert.equal(feeds.open("a", () => Promise.resolve({})).status, 503);
});
