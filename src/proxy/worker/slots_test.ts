import { equal, notEqual } from "node:assert/strict";
import { SLOT_SIZE, SlotPool, SMALL_SLOT_SIZE } from "./slots.ts";

Deno.test("few bytes get a small slot, more a large one, and both come back to where they were", () => {
  const pool = new SlotPool(4096, 2, 2), small = pool.take(100), large = pool.take(SMALL_SLOT_SIZE + 1);
  equal(pool.sizeOf(small), SMALL_SLOT_SIZE);
  equal(pool.sizeOf(large), SLOT_SIZE);
  equal(pool.used, 2);
  pool.give(small);
  pool.give(large);
  equal(pool.used, 0);
  equal(pool.take(1), small, "the one used last is used next");
  equal(pool.take(), large);
});

Deno.test("when the small slots are taken large ones serve, and when all are taken it says so", () => {
  const pool = new SlotPool(4096, 1, 1);
  notEqual(pool.take(1), 0);
  equal(pool.sizeOf(pool.take(1)), SLOT_SIZE);
  equal(pool.take(1), 0);
  equal(pool.take(), 0);
});

Deno.test("large slots are scarce when more than three in four are taken", () => {
  const pool = new SlotPool(4096, 8, 4), taken = [1, 2, 3].map(() => pool.take());
  equal(pool.isScarce, false);
  const last = pool.take();
  equal(pool.isScarce, true);
  pool.give(last);
  equal(pool.isScarce, false);
  for (const slot of taken) pool.give(slot);
});
