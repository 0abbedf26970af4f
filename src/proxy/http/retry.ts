/** Which failures of a request a retry policy does not take for final. Source: proxy.md §9 (policy route retries). */
import { grpcCodeOf, type ProxyError } from "../error.ts";
import { isOfClasses, type RetryPolicy } from "../route/retry_policy.ts";

/** A request that got no response is judged by the one that the proxy would give. */
export function isRetryableError(policy: RetryPolicy, error: ProxyError, isGrpc: boolean): boolean {
  return error.code === "attempt-timeout" ||
    isOfClasses(policy, error.status, isGrpc ? grpcCodeOf(error) : -1);
}
