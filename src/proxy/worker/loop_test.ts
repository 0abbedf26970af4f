import { deepEqual, equal, ok } from "node:assert/strict";
import { EPOLLIN } from "../../linux/epoll.ts";
import { createEventfd, drain, notify } from "../../linux/eventfd.ts";
import { close } from "../../linux/socket.ts";
import { Loop } from "./loop.ts";

Deno.test("async code that waits for the loop's events goes on between turns", async () => {
  const loop = new Loop((error) => {
    throw error;
  });
  const fd = createEventfd(), seen: number[] = [];
  let wake = () => {};
  loop.add(fd, EPOLLIN, {
    onEvents: () => {
      drain(fd);
      wake();
    },
    onFault: () => {},
  });
  const task = (async () => {
    for (let i = 0; i < 3; i++) {
      notify(fd);
      await new Promise<void>((done) => wake = done);
      seen.push(i);
    }
    await loop.sleep(1);
    loop.stop();
  })();
  await loop.run();
  await task;
  deepEqual(seen, [0, 1, 2]);
  close(fd);
});

Deno.test("a long chain of async calls goes on to its end before the loop blocks again", async () => {
  const loop = new Loop((error) => {
    throw error;
  });
  const nested = async (depth: number): Promise<number> => depth === 0 ? 0 : 1 + await nested(depth - 1);
  let depth = 0;
  loop.after(1, async () => {
    depth = await nested(15);
    loop.stop();
  });
  loop.after(5000, () => loop.stop());
  await loop.run();
  equal(depth, 15);
  ok(loop.turns <= 3, `${loop.turns} turns`);
});

Deno.test("what was begun before the first turn goes on before the loop blocks", async () => {
  const loop = new Loop((error) => {
    throw error;
  });
  const nested = async (depth: number): Promise<number> => depth === 0 ? 0 : 1 + await nested(depth - 1);
  nested(15).then(() => loop.stop());
  loop.after(5000, () => {});
  await loop.run();
  equal(loop.turns, 0);
});

Deno.test("a handler that throws is told, counted and reported, and the others go on", async () => {
  const reports: unknown[] = [];
  const loop = new Loop((error) => reports.push(error));
  const bad = createEventfd(), good = createEventfd();
  let told = 0, served = 0;
  loop.add(bad, EPOLLIN, {
    onEvents: () => {
      drain(bad);
      throw new Error("bug");
    },
    onFault: () => told++,
  });
  loop.add(good, EPOLLIN, {
    onEvents: () => {
      drain(good);
      served++;
      loop.stop();
    },
    onFault: () => {},
  });
  notify(bad);
  notify(good);
  await loop.run();
  equal(told, 1);
  equal(served, 1);
  equal(loop.faults, 1);
  equal((reports[0] as Error).message, "bug");
  close(bad);
  close(good);
});

Deno.test("an event of a closed descriptor never reaches the one that got its number", () => {
  const loop = new Loop((error) => {
    throw error;
  });
  const first = createEventfd(), second = createEventfd();
  let stale = 0;
  const handler = (other: number) => ({
    onEvents: () => {
      loop.forget(other);
      close(other);
      const reused = createEventfd();
      loop.add(reused, EPOLLIN, { onEvents: () => stale++, onFault: () => {} });
    },
    onFault: () => {},
  });
  loop.add(first, EPOLLIN, handler(second));
  loop.add(second, EPOLLIN, handler(first));
  notify(first);
  notify(second);
  loop.turn();
  equal(stale, 0);
});
