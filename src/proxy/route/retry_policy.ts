/**
 * Which responses of a route's rule are not final, and how a request is sent again then.
 * Source: proxy.md §7 (defaults of l5d-retry-*), §9 (policy route retries); protocol-api.md §10 (Retry).
 */

import type { Backoff } from "../balance/backoff.ts";
import type { BudgetLimits } from "./retry_budget.ts";

/** HTTP statuses, both ends included. */
export interface StatusRange {
  readonly start: number;
  readonly end: number;
}

/** Responses that are taken for failures. */
export interface FailureClasses {
  readonly statuses: readonly StatusRange[];
  /** A bit for each gRPC code. */
  readonly grpcCodes: number;
}

/** @param grpcStatus -1 where none is known */
export function isOfClasses(
  { statuses, grpcCodes }: FailureClasses,
  status: number,
  grpcStatus: number,
): boolean {
  for (const { start, end } of statuses) if (status >= start && status <= end) return true;
  return grpcStatus >= 0 && grpcStatus < 32 && (grpcCodes >> grpcStatus & 1) !== 0;
}

/** Those that are not final. */
export interface RetryPolicy extends FailureClasses {
  readonly maxRetries: number;
  /** Bytes of a body that are kept; with more a request is sent once. */
  readonly maxRequestBytes: number;
  /** How long one attempt may take from its last byte to the response's head, in milliseconds; 0: as long as it likes. */
  readonly timeoutMs: number;
  readonly backoff: Backoff;
  /** Of a ServiceProfile's routes, which share it; absent: nothing but `maxRetries` bounds them. */
  readonly budget?: BudgetLimits;
}

/** What l5d-retry-* headers stand for where the route has no retries of its own. */
export const HEADER_RETRY: RetryPolicy = {
  maxRetries: 1,
  maxRequestBytes: 65536,
  timeoutMs: 0,
  backoff: { minMs: 25, maxMs: 250, jitter: 1 },
  statuses: [],
  grpcCodes: 0,
};
