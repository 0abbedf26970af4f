import { deepEqual, equal } from "node:assert/strict";
import { HandshakeBudget } from "./handshake_budget.ts";

/** A loop whose turns a test takes. */
class Turns {
  turns = 0;
  #deferred: (() => void)[] = [];

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  turn(): void {
    this.turns++;
    const due = this.#deferred;
    this.#deferred = [];
    for (const callback of due) callback();
  }
}

Deno.test("a few handshakes go on at once, a flood a few each turn, first come first served", () => {
  const loop = new Turns(), budget = new HandshakeBudget(loop), done: number[] = [];
  loop.turn();
  for (let i = 0; i < 10; i++) {
    const step = () => void done.push(i);
    if (budget.take(step)) step();
  }
  deepEqual(done, [0, 1, 2, 3]);
  equal(budget.waiting, 6);
  loop.turn();
  deepEqual(done, [0, 1, 2, 3, 4, 5, 6, 7]);
  loop.turn();
  deepEqual(done.length, 10);
  equal(budget.waiting, 0);
});

Deno.test("whoever comes while others wait waits behind them", () => {
  const loop = new Turns(), budget = new HandshakeBudget(loop), done: string[] = [];
  loop.turn();
  for (let i = 0; i < 9; i++) budget.take(() => done.push("early"));
  loop.turn();
  equal(budget.take(() => done.push("late")), false);
  loop.turn();
  deepEqual(done, ["early", "early", "early", "early", "early", "late"]);
});
