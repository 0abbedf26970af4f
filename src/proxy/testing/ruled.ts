/** A pair whose route asks something of requests. */
import { NO_LIMITS } from "../route/request_limits.ts";
import type { RequestRules } from "../route/request_rules.ts";
import { HEADER_RETRY, type RetryPolicy } from "../route/retry_policy.ts";
import { balanced } from "./fake_control.ts";
import type { Pair } from "./meshed_pair.ts";

export const ROUTE = {
  group: "gateway.networking.k8s.io",
  kind: "HTTPRoute",
  namespace: "shop",
  name: "web",
};

/** Retries of 5xx that do not wait long. */
export const QUICK_RETRY: RetryPolicy = {
  ...HEADER_RETRY,
  maxRetries: 2,
  backoff: { minMs: 1, maxMs: 2, jitter: 0 },
  statuses: [{ start: 500, end: 599 }],
};

/** Every request of the pair's client follows these rules, from its next connection on. */
export function rule(pair: Pair, changes: Partial<RequestRules>): void {
  const rules = {
    limits: NO_LIMITS,
    retry: undefined,
    allowsHeaders: false,
    isGrpc: false,
    route: ROUTE,
    ...changes,
  };
  pair.client.control.decisions.set(
    "10.43.0.7:80",
    balanced("web.shop.svc.cluster.local:80", "detect", rules),
  );
}
