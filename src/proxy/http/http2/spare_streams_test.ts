import { equal } from "node:assert/strict";
import { SpareStreams } from "./spare_streams.ts";

/** Takes `count` at once, and gives them back. @returns how many of them were spare */
function burst(spare: SpareStreams<object>, count: number): number {
  const taken = Array.from({ length: count }, () => spare.take());
  for (const stream of taken) spare.give(stream ?? {});
  return taken.filter((stream) => stream !== undefined).length;
}

Deno.test("as many streams are kept as were open at once", () => {
  const spare = new SpareStreams<object>();
  equal(burst(spare, 300), 0);
  equal(burst(spare, 300), 300);
});

Deno.test("streams that are needed in every interval stay, those of a burst go with the second look after it", () => {
  const spare = new SpareStreams<object>();
  burst(spare, 300);
  spare.trim(); // all were made since the last look
  for (let round = 0; round < 3; round++) {
    equal(burst(spare, 20), 20);
    spare.trim();
  }
  equal(burst(spare, 300), 20);
});

Deno.test("a connection that has become silent keeps none", () => {
  const spare = new SpareStreams<object>();
  burst(spare, 50);
  for (let look = 0; look < 2; look++) spare.trim();
  equal(spare.take(), undefined);
});

Deno.test("no more are kept than may be open at once", () => {
  const spare = new SpareStreams<object>();
  burst(spare, 1500);
  equal(burst(spare, 1500), 1000);
});
