/** Which outcomes of a request a retry policy does not take for final. Source: proxy.md §9 (policy route retries). */
import { grpcCodeOf, type ProxyError } from "../error.ts";
import type { RetryPolicy } from "../route/retry_policy.ts";

function hasCode({ grpcCodes }: RetryPolicy, code: number): boolean {
  return code >= 0 && code < 32 && (grpcCodes >> code & 1) !== 0;
}

function hasStatus({ statuses }: RetryPolicy, status: number): boolean {
  for (const { start, end } of statuses) if (status >= start && status <= end) return true;
  return false;
}

/** @param grpcStatus -1 where none is known */
export function isRetryable(policy: RetryPolicy, status: number, grpcStatus: number): boolean {
  return hasStatus(policy, status) || hasCode(policy, grpcStatus);
}

/** A request that got no response is judged by the one that the proxy would give. */
export function isRetryableError(policy: RetryPolicy, error: ProxyError, isGrpc: boolean): boolean {
  return error.code === "attempt-timeout" || hasStatus(policy, error.status) ||
    (isGrpc && hasCode(policy, grpcCodeOf(error)));
}
