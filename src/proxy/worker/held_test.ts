import { equal, ok } from "node:assert/strict";
import { Arena } from "./arena.ts";
import { HeldBytes } from "./held.ts";
import { SMALL_SLOT_SIZE } from "./slots.ts";

/** Writes `text` where bytes are received. @returns where, and how long it is */
function put(arena: Arena, text: string): [number, number] {
  return [arena.receiveAt, arena.writeAscii(arena.receiveAt, text)];
}

Deno.test("what is dropped a byte at a time leaves the rest where it is, and room is made for more when it is needed", () => {
  const arena = Arena.create(), held = new HeldBytes(arena);
  held.append(...put(arena, "a".repeat(1000) + "b".repeat(20)));
  const at = held.at;
  for (let i = 0; i < 1000; i++) held.drop(1);
  equal(held.at, at + 1000, "nothing was moved");
  ok(held.append(...put(arena, "c".repeat(990))));
  equal(arena.readAscii(held.at, held.length), "b".repeat(20) + "c".repeat(990));
  equal(arena.slots.used, 1);
  equal(held.restore(arena.receiveAt), 1010);
  equal(arena.readAscii(arena.receiveAt, 21), "b".repeat(20) + "c");
  equal(arena.slots.used, 0);
});

Deno.test("bytes that may wait for long leave the last large slots to what has to be written, those nobody needs leave half", () => {
  const arena = Arena.create(), large: HeldBytes[] = [], { slots } = arena;
  const hold = (isOptional: boolean) => {
    const held = new HeldBytes(arena, isOptional);
    if (!held.append(arena.receiveAt, SMALL_SLOT_SIZE + 1)) return false;
    large.push(held);
    return true;
  };
  while (hold(true));
  ok(slots.isScarce && !slots.isShort);
  while (hold(false));
  ok(slots.isShort);
  const last = slots.take();
  ok(last !== 0, "one is left");
  ok(new HeldBytes(arena, true).append(arena.receiveAt, SMALL_SLOT_SIZE), "small ones are another matter");
  slots.give(last);
  for (const held of large) held.release();
});
