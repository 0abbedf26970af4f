import { equal } from "node:assert/strict";
import { Loop } from "../worker/loop.ts";
import { PortBudget } from "./port_budget.ts";

Deno.test("two thousand connections may leave their ports behind, and as many more in a minute", () => {
  const loop = new Loop((fault) => {
    throw fault;
  });
  loop.now = 1;
  const ports = new PortBudget(loop);
  const spent = () => {
    let count = 0;
    while (ports.spend()) count++;
    return count;
  };
  equal(spent(), 2000);
  loop.now += 30_000_000;
  equal(spent(), 1000);
  loop.now += 3_600_000_000;
  equal(spent(), 2000);
});
