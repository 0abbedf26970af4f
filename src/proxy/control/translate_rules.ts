/**
 * What a route's rule asks of requests, and how a backend is to be balanced, from their wire forms.
 * Source: protocol-api.md §4 (Timeouts), §10 (Retry, BalanceP2c, FailureAccrual).
 */
import type {
  Backend_BalanceP2c,
  ExponentialBackoff,
  FailureAccrual as WireAccrual,
  GrpcRoute_Retry,
  GrpcRoute_Rule,
  HttpRoute_Retry,
  HttpRoute_Rule,
} from "../../../proto/gen/outbound.ts";
import type { Backoff } from "../balance/backoff.ts";
import {
  type Balancing,
  DEFAULT_LOAD,
  type FailureAccrual,
  type LoadEstimate,
} from "../balance/balancing.ts";
import { NO_LIMITS, type RequestLimits } from "../route/request_limits.ts";
import type { RequestRules, RouteResource } from "../route/request_rules.ts";
import type { RetryPolicy } from "../route/retry_policy.ts";
import { millisOf } from "./translate_net.ts";

/** The policy that this is part of cannot be kept: a part is missing, or is not what it can be. */
export const INVALID = "invalid";
type Invalid = typeof INVALID;

const MAX_RETRIES = 65535, MAX_MIN_REQUESTS = 1_000_000, MIN_WINDOW_MS = 10;
/** What a retry may hold of a body at most, and where its policy does not say. */
const MAX_REQUEST_BYTES = 65536;
const DEFAULT_BACKOFF: Backoff = { minMs: 25, maxMs: 250, jitter: 1 };
const DEFAULT_WINDOW_MS = 10_000, DEFAULT_PENALTY_MS = 5000, DEFAULT_MAX_RETRY_AFTER_MS = 300_000;

function limitsOf({ timeouts, requestTimeout }: HttpRoute_Rule | GrpcRoute_Rule): RequestLimits {
  const requestMs = millisOf(timeouts?.request ?? requestTimeout, 0);
  const responseMs = millisOf(timeouts?.response, 0), idleMs = millisOf(timeouts?.idle, 0);
  return requestMs + responseMs + idleMs === 0 ? NO_LIMITS : { requestMs, responseMs, idleMs };
}

function backoffOf(backoff: ExponentialBackoff | undefined): Backoff | Invalid {
  const minMs = millisOf(backoff?.minBackoff, -1), maxMs = millisOf(backoff?.maxBackoff, -1);
  const jitter = backoff?.jitterRatio ?? -1;
  return minMs >= 0 && maxMs > 0 && maxMs >= minMs && jitter >= 0 && Number.isFinite(jitter)
    ? { minMs, maxMs, jitter }
    : INVALID;
}

/** gRPC's codes by their names in the conditions (one is misspelt in the schema). */
const GRPC_CODES = {
  cancelled: 1,
  deadineExceeded: 4,
  resourceExhausted: 8,
  internal: 13,
  unavailable: 14,
} as const;

function conditionsOf(
  conditions: NonNullable<HttpRoute_Retry["conditions"] | GrpcRoute_Retry["conditions"]>,
): Pick<RetryPolicy, "statuses" | "grpcCodes"> | Invalid {
  if ("statusRanges" in conditions) {
    const statuses = conditions.statusRanges;
    return statuses.every(({ start, end }) => start >= 1 && start <= end && end <= 599)
      ? { statuses, grpcCodes: 0 }
      : INVALID;
  }
  let grpcCodes = 0;
  for (const name of Object.keys(GRPC_CODES) as (keyof typeof GRPC_CODES)[]) {
    if (conditions[name]) grpcCodes |= 1 << GRPC_CODES[name];
  }
  return { statuses: [], grpcCodes };
}

function retryOf(retry: HttpRoute_Retry | GrpcRoute_Retry): RetryPolicy | Invalid {
  if (retry.conditions === undefined || retry.maxRetries > MAX_RETRIES) return INVALID;
  const conditions = conditionsOf(retry.conditions);
  const backoff = retry.backoff === undefined ? DEFAULT_BACKOFF : backoffOf(retry.backoff);
  if (conditions === INVALID || backoff === INVALID) return INVALID;
  return {
    ...conditions,
    backoff,
    maxRetries: retry.maxRetries,
    maxRequestBytes: Math.min(MAX_REQUEST_BYTES, retry.maxRequestBytes || MAX_REQUEST_BYTES),
    timeoutMs: millisOf(retry.timeout, 0),
  };
}

/** Undefined when the rule asks for nothing. */
export function requestRulesOf(
  rule: HttpRoute_Rule | GrpcRoute_Rule,
  route: RouteResource,
  isGrpc: boolean,
): RequestRules | undefined | Invalid {
  const limits = limitsOf(rule), retry = rule.retry === undefined ? undefined : retryOf(rule.retry);
  const allowsHeaders = rule.allowL5dRequestHeaders;
  if (retry === INVALID) return INVALID;
  if (limits === NO_LIMITS && retry === undefined && !allowsHeaders) return undefined;
  const { group, kind, namespace, name } = route;
  return { limits, retry, allowsHeaders, isGrpc, route: { group, kind, namespace, name } };
}

function loadOf(load: Backend_BalanceP2c["load"]): LoadEstimate {
  if (load === undefined) return DEFAULT_LOAD;
  const { value } = load, defaultRttMs = millisOf(value.defaultRtt, DEFAULT_LOAD.defaultRttMs);
  const decayMs = Math.max(1, millisOf(value.decay, DEFAULT_LOAD.decayMs));
  if (load.$case === "peakEwma") return { defaultRttMs, decayMs, penalty: undefined };
  const penalty = {
    ms: millisOf(load.value.penalty, DEFAULT_PENALTY_MS),
    maxRetryAfterMs: millisOf(load.value.maxRetryAfter, DEFAULT_MAX_RETRY_AFTER_MS),
  };
  return { defaultRttMs, decayMs, penalty };
}

/** When endpoints are taken out, as a policy's protocol says; undefined: never. */
export function accrualOf(accrual: WireAccrual | undefined): FailureAccrual | undefined | Invalid {
  if (accrual === undefined) return undefined;
  const { kind } = accrual, backoff = backoffOf(kind?.value.backoff);
  if (kind === undefined || backoff === INVALID) return INVALID;
  if (kind.$case === "consecutiveFailures") {
    const { maxFailures } = kind.value;
    return maxFailures === 0 ? undefined : { maxConsecutive: maxFailures, successRate: undefined, backoff };
  }
  const { successRateThreshold: threshold, minRequests, maxConsecutiveFailures: maxConsecutive } = kind.value;
  const windowMs = millisOf(kind.value.decay, DEFAULT_WINDOW_MS);
  if (!(threshold >= 0 && threshold <= 1) || minRequests > MAX_MIN_REQUESTS || windowMs < MIN_WINDOW_MS) {
    return INVALID;
  }
  if (threshold === 0 && maxConsecutive === 0) return undefined;
  const successRate = threshold === 0 ? undefined : { threshold, windowMs, minRequests };
  return { maxConsecutive, successRate, backoff };
}

export function balancingOf(balancer: Backend_BalanceP2c, accrual: FailureAccrual | undefined): Balancing {
  return { load: loadOf(balancer.load), accrual };
}
