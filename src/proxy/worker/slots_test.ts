import { deepEqual, equal, ok } from "node:assert/strict";
import { SLOT_SIZE, SlotPool, SMALL_SLOT_SIZE, TINY_SLOT_SIZE } from "./slots.ts";

Deno.test("bytes get the smallest slot that holds them, and each comes back to where it was", () => {
  const pool = new SlotPool(4096, 2, 2, 2), sizes = [TINY_SLOT_SIZE, SMALL_SLOT_SIZE, SLOT_SIZE];
  const slots = sizes.map((size) => pool.take(size));
  deepEqual(slots.map((slot) => pool.sizeOf(slot)), sizes);
  equal(pool.used, 3);
  for (const slot of slots) pool.give(slot);
  equal(pool.used, 0);
  deepEqual(
    [1, TINY_SLOT_SIZE + 1, SMALL_SLOT_SIZE + 1].map((size) => pool.take(size)),
    slots,
    "used last, used next",
  );
});

Deno.test("no two slots overlap, whatever their sizes", () => {
  const pool = new SlotPool(4096, 3, 3, 3), taken: { at: number; size: number }[] = [];
  for (const length of [1, SMALL_SLOT_SIZE, SLOT_SIZE]) {
    for (let i = 0; i < 3; i++) {
      const at = pool.take(length);
      taken.push({ at, size: pool.sizeOf(at) });
    }
  }
  taken.sort((a, b) => a.at - b.at);
  for (const [index, { at, size }] of taken.slice(0, -1).entries()) ok(at + size <= taken[index + 1]!.at);
  const { at, size } = taken.at(-1)!;
  equal(at + size, 4096 + SlotPool.sizeFor(3, 3, 3));
});

Deno.test("when slots of one size are taken larger ones serve, and when all are taken it says so", () => {
  const pool = new SlotPool(4096, 1, 1, 1);
  const sizes = [1, 1, 1].map((length) => pool.sizeOf(pool.take(length)));
  deepEqual(sizes, [TINY_SLOT_SIZE, SMALL_SLOT_SIZE, SLOT_SIZE]);
  equal(pool.take(1), 0);
  equal(pool.take(), 0);
});

Deno.test("large slots are scarce when more than half are taken, and short when more than three in four are", () => {
  const pool = new SlotPool(4096, 8, 8, 4), told: string[] = [], taken: number[] = [];
  const tell = () => told.push(`${pool.isScarce ? "scarce" : "plenty"}${pool.isShort ? ", short" : ""}`);
  for (let i = 0; i < 4; i++) {
    taken.push(pool.take());
    tell();
  }
  for (const slot of taken.splice(2)) pool.give(slot);
  tell();
  deepEqual(told, ["plenty", "plenty", "scarce", "scarce, short", "plenty"]);
});
