import { equal } from "node:assert/strict";
import { PortBudget } from "./port_budget.ts";

Deno.test("two thousand connections may leave their ports behind, and as many more in a minute", () => {
  let now = 1;
  const ports = new PortBudget(now);
  const spent = () => {
    let count = 0;
    while (ports.spend(now)) count++;
    return count;
  };
  equal(spent(), 2000);
  now += 30_000_000;
  equal(spent(), 1000);
  now += 3_600_000_000;
  equal(spent(), 2000);
});
