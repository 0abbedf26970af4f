import { deepEqual, equal } from "node:assert/strict";
import { RetryBudget } from "./retry_budget.ts";

const SECOND = 1_000_000;

/** Retries that are granted now, one after the other. */
function granted(budget: RetryBudget, now: number): number {
  let count = 0;
  while (count < 10_000 && budget.withdraw(now)) count++;
  return count;
}

Deno.test("so many retries a second are there in any case, and come back once they are as old as the budget's time", () => {
  const budget = new RetryBudget({ ratio: 0.2, minPerSecond: 10, ttlMs: 10_000 });
  const start = 77 * SECOND;
  equal(granted(budget, start), 100);
  equal(granted(budget, start + 8 * SECOND), 0);
  equal(granted(budget, start + 11 * SECOND), 100);
});

Deno.test("beside that, a share of the requests that were not retried", () => {
  for (const [ratio, requests, retries] of [[0.2, 50, 10], [0.3, 10, 3], [2, 3, 6], [0, 100, 0]] as const) {
    const budget = new RetryBudget({ ratio, minPerSecond: 0, ttlMs: 10_000 });
    equal(granted(budget, SECOND), 0);
    for (let i = 0; i < requests; i++) budget.deposit(SECOND);
    equal(granted(budget, SECOND), retries, `${requests} requests of ratio ${ratio}`);
  }
});

Deno.test("what is not used in time is lost", () => {
  const budget = new RetryBudget({ ratio: 1, minPerSecond: 0, ttlMs: 1000 });
  budget.deposit(10 * SECOND);
  budget.deposit(10.5 * SECOND);
  deepEqual([granted(budget, 11.2 * SECOND), granted(budget, 20 * SECOND)], [1, 0]);
});
