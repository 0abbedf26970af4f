/**
 * How many requests a port takes, as its policy says. Requests a second; 0 is no limit.
 * Source: protocol-api.md §9 (HttpLocalRateLimit); proxy.md §3.
 */
import type { ResourceName } from "./server_policy.ts";

export interface RateLimit {
  readonly resource: ResourceName;
  /** Of all clients together. */
  readonly total: number;
  /** Of each client identity; those without share one. */
  readonly identity: number;
  /** Instead of `identity`, for these clients together. */
  readonly overrides: readonly {
    readonly requestsPerSecond: number;
    readonly identities: readonly string[];
  }[];
  /** Where the loops of the process count together (`allocateCells` of LIMITER_CELLS); absent: the loop by itself. */
  readonly cells?: bigint;
}
