import { deepEqual, equal, ok } from "node:assert/strict";
import { Outcome } from "../../wasm/http1.ts";
import { Arena } from "../worker/arena.ts";
import { Replay } from "./replay.ts";

const HEAD = "POST / HTTP/1.1\r\nhost: web\r\ncontent-length: ";

/** A request of `size` bytes in the receive area, of which `arrived` have come; its head in the record. */
function receive(arena: Arena, size: number, arrived = size): { at: number; head: number; body: number } {
  const at = arena.receiveAt, end = at + arena.writeAscii(at, `${HEAD}${size}\r\n\r\n`);
  for (let i = 0; i < arrived; i++) arena.memory.bytes[end + i] = i * 7 & 255;
  const head = arena.wasm.parseRequestHead(at, end + arrived, arena.recordAt, 0, 8192, 8192, 64);
  ok(head > Outcome.Bad);
  return { at, head, body: arrived };
}

Deno.test("a body of as much as its route allows is held whole, and read again as it was", () => {
  const arena = Arena.create(), replay = new Replay(arena), size = 65536, first = 30_000;
  replay.limit = size;
  const { at, head, body } = receive(arena, size, first);
  replay.keep(at, head, at + head, body);
  const rest = arena.scratchAt;
  for (let i = first; i < size; i++) arena.memory.bytes[rest + i - first] = i * 7 & 255;
  replay.add(rest, size - first);
  equal(replay.isWhole, true);
  equal(replay.restore(), head);
  equal(replay.bodyLength, size);
  const { bodyAt } = replay, held = arena.memory.bytes.slice(bodyAt, bodyAt + size);
  deepEqual(held, Uint8Array.from({ length: size }, (_, i) => i * 7 & 255));
  replay.release();
  equal(arena.slots.used, 0);
});

Deno.test("a body that its length says is too long is not held at all, nor one that turns out to be", () => {
  const arena = Arena.create(), replay = new Replay(arena);
  replay.limit = 1000;
  const { at, head } = receive(arena, 1001, 10);
  replay.keep(at, head, at + head, 10);
  equal(replay.isWhole, false);
  const short = receive(arena, 1000, 600);
  replay.keep(short.at, short.head, short.at + short.head, 600);
  replay.add(at, 401);
  equal(replay.isWhole, false);
  equal(arena.slots.used, 0);
});

Deno.test("what others need more than a retry is left to them", () => {
  const arena = Arena.create(), replay = new Replay(arena), taken: number[] = [];
  while (!arena.slots.isScarce) taken.push(arena.slots.take());
  for (const [size, isWhole] of [[100, true], [20_000, false]] as const) {
    replay.limit = 65536;
    const { at, head, body } = receive(arena, size);
    replay.keep(at, head, at + head, body);
    equal(replay.isWhole, isWhole, `${size}`);
    replay.release();
  }
  equal(arena.slots.used, taken.length);
});
