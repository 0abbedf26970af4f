/** Waits between attempts: doubling from a minimum to a maximum, with jitter so that proxies do not come back at once. */
import type { Backoff } from "../config/environment.ts";

/** Milliseconds before attempt `n` (the first retry is 1). */
export function backoffDelay(backoff: Backoff, n: number, random: () => number = Math.random): number {
  const base = Math.min(backoff.maxMs, backoff.minMs * 2 ** Math.min(n - 1, 30));
  return base * (1 + random() * backoff.jitter);
}
