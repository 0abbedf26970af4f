import assert from "node:assert/strict";
import { BackOff } from "./back_off.ts";

Deno.test("the first restart comes at once, each further one waits twice as long, up to a bound", () => {
  const backOff = new BackOff({ baseMs: 10, maxMs: 60 });
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(() => backOff.next(5)), [0, 10, 20, 40, 60, 60]);
});

Deno.test("a container that ran long starts afresh", () => {
  const backOff = new BackOff({ baseMs: 10, resetMs: 1000 });
  for (let i = 0; i < 4; i++) backOff.next(5);
  assert.deepEqual([backOff.next(1000), backOff.next(5)], [0, 10]);
});
