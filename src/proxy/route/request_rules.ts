/** What a route's rule asks of the exchange besides where the request goes. Absent where it asks for nothing. */
import type { RequestLimits } from "./request_limits.ts";
import type { RetryPolicy } from "./retry_policy.ts";

/** The route as metric labels name it. */
export interface RouteResource {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export interface RequestRules {
  readonly limits: RequestLimits;
  readonly retry: RetryPolicy | undefined;
  /** A client may say otherwise by l5d-* headers, which are not passed on then. */
  readonly allowsHeaders: boolean;
  /** The rule is a GRPCRoute's: it is counted under outbound_grpc_*. */
  readonly isGrpc: boolean;
  readonly route: RouteResource;
  /** Whom the request is for, where it is counted by that. */
  readonly hostname?: string;
}
