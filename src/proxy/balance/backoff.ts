/** Ever longer waits between attempts. Source: protocol-api.md §10 (ExponentialBackoff). */
import type { Random } from "./balancer.ts";

/** Times are milliseconds. */
export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
  /** So many times the wait may be added to it, at random, as far as `maxMs`. */
  readonly jitter: number;
}

/** Doublings after which every wait is the longest, whatever the first. */
const MAX_DOUBLINGS = 30;

/**
 * Milliseconds to wait before the next attempt.
 * @param attempt 0 for the first wait
 */
export function backoffMs({ minMs, maxMs, jitter }: Backoff, attempt: number, random: Random): number {
  const base = Math.min(maxMs, minMs * 2 ** Math.min(attempt, MAX_DOUBLINGS));
  return Math.min(maxMs, base * (1 + random() * jitter));
}
