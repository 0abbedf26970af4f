/** What a route's rule asks of the exchange besides where the request goes. Absent where it asks for nothing. */
import type { RequestLimits } from "./request_limits.ts";
import type { RetryBudget } from "./retry_budget.ts";
import type { FailureClasses, RetryPolicy } from "./retry_policy.ts";

/** The route as metric labels name it. */
export interface RouteResource {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** A route of a ServiceProfile, as the route_* metrics tell of it. */
export interface ProfileRoute {
  /** The service: `web.shop.svc.cluster.local:80`. */
  readonly dst: string;
  /** Without the `rt_` prefix. */
  readonly labels: Readonly<Record<string, string>>;
  readonly failures: FailureClasses;
}

export interface RequestRules {
  readonly limits: RequestLimits;
  readonly retry: RetryPolicy | undefined;
  /** A client may say otherwise by l5d-* headers, which are not passed on then. */
  readonly allowsHeaders: boolean;
  /** The rule is a GRPCRoute's: it is counted under outbound_grpc_*. */
  readonly isGrpc: boolean;
  readonly route: RouteResource;
  /** The route is a ServiceProfile's. */
  readonly profile?: ProfileRoute;
  /** What retries are taken from, where their policy has a budget. */
  readonly budget?: RetryBudget;
  /** Whom the request is for, where it is counted by that. */
  readonly hostname?: string;
}
