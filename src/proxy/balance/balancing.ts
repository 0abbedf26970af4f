/**
 * How requests are balanced over a backend's endpoints, as its policy says. Times are milliseconds.
 * Source: proxy.md §8, §9 (circuit breaking); protocol-api.md §10 (BalanceP2c, FailureAccrual).
 */
import type { Backoff } from "./backoff.ts";

/** What the load of an endpoint is estimated from. */
export interface LoadEstimate {
  /** Assumed before the first response. */
  readonly defaultRttMs: number;
  readonly decayMs: number;
  /** What a response that tells of overload counts as, instead of its latency; undefined: as it was. */
  readonly penalty: { readonly ms: number; readonly maxRetryAfterMs: number } | undefined;
}

/** When an endpoint is taken out for its failures. */
export interface FailureAccrual {
  /** So many in a row; 0: as many as it likes. */
  readonly maxConsecutive: number;
  /** Also when fewer of the window's responses succeed. */
  readonly successRate:
    | { readonly threshold: number; readonly windowMs: number; readonly minRequests: number }
    | undefined;
  /** How long it stays out before a request may try it, ever longer while that fails. */
  readonly backoff: Backoff;
}

export interface Balancing {
  readonly load: LoadEstimate;
  /** Undefined: an endpoint is never taken out. */
  readonly accrual: FailureAccrual | undefined;
}

export const DEFAULT_LOAD: LoadEstimate = { defaultRttMs: 30, decayMs: 10_000, penalty: undefined };
export const DEFAULT_BALANCING: Balancing = { load: DEFAULT_LOAD, accrual: undefined };
