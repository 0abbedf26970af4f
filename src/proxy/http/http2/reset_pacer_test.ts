import { equal, ok } from "node:assert/strict";
import { ResetPacer } from "./reset_pacer.ts";

/** How many resets of a storm go out in `seconds`, the first of them at once. */
function storm(isMeshed: boolean, seconds: number): { first: number; all: number } {
  const pacer = new ResetPacer(isMeshed, 0);
  let first = 0, all = 0;
  for (let now = 0; now <= seconds * 1_000_000; now += 1000) {
    while (pacer.spend(now)) all++;
    if (now === 0) first = all;
  }
  return { first, all };
}

Deno.test("a storm of resets stays below what every known server bears", () => {
  const { first, all } = storm(false, 30);
  ok(first < 20, `${first} at once: h2 ends a connection at 20 that it has not looked at`);
  ok(all < 200, `${all} in 30 seconds: Netty ends a connection at 200`);
});

Deno.test("a proxy of the mesh is told more, and less than it bears itself", () => {
  const { first, all } = storm(true, 10);
  ok(first < 20);
  ok(all > 1000 && all < 1000 + 10 * 200, String(all));
});

Deno.test("a connection that was worn out is told again after a while", () => {
  const pacer = new ResetPacer(false, 0);
  let now = 0;
  while (!pacer.isWornOut(now)) pacer.spend(now += 10_000);
  equal(pacer.spend(now), false);
  equal(pacer.spend(now + 300_000), true);
  equal(pacer.spend(now + 300_000), false);
});
