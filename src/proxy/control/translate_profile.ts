/**
 * What a ServiceProfile says of requests: its routes, the first that matches counting, how they are retried within its
 * budget, and its split of the traffic.
 * Either stands instead of what the policy says. A route that cannot be understood is passed over, as in Linkerd.
 * Source: protocol-api.md §7; proxy.md §5, §9 (ServiceProfile retries).
 */
import type { DestinationProfile, RequestMatch, Route } from "../../../proto/gen/destination.ts";
import type { Backoff } from "../balance/backoff.ts";
import type { Condition, MatchedRoute } from "../route/matches.ts";
import { compileRegex } from "../route/regex.ts";
import type { ProfileRoute, RouteResource } from "../route/request_rules.ts";
import { NO_LIMITS } from "../route/request_limits.ts";
import type { BudgetLimits } from "../route/retry_budget.ts";
import type { RetryPolicy } from "../route/retry_policy.ts";
import type { Distribution, HttpRoutes, ProfileRoutes, RuleTarget } from "./plane.ts";
import { DEFAULT_CLASSES, failureClassesOf } from "./translate_classes.ts";
import { millisOf } from "./translate_net.ts";
import { resourceOf } from "./translate_resource.ts";
import { methodName } from "./translate_route.ts";

export interface ProfiledTraffic {
  readonly http: HttpRoutes;
  /** Absent when the profile splits nothing: then connections that are no HTTP are none of its business. */
  readonly opaque?: Distribution;
}

/** Undefined when it is none that can be judged by. */
function conditionOf(match: RequestMatch | undefined): Condition | undefined {
  switch (match?.match?.$case) {
    case "all":
    case "any": {
      const of = match.match.value.matches.map(conditionOf).filter((one) => one !== undefined);
      return of.length < match.match.value.matches.length ? undefined : { kind: match.match.$case, of };
    }
    case "not": {
      const of = conditionOf(match.match.value);
      return of && { kind: "not", of };
    }
    case "path": {
      const pattern = match.match.value.regex;
      return compileRegex(pattern) === undefined ? undefined : { kind: "path", pattern };
    }
    case "method": {
      const method = methodName(match.match.value);
      return method === undefined ? undefined : { kind: "method", method };
    }
  }
  return undefined;
}

/** Where the profile sends traffic: to its split, or to the service that it is of. */
function distributionOf({ dstOverrides }: DestinationProfile, authority: string): Distribution {
  const split = dstOverrides.filter(({ weight }) => weight > 0);
  const service = { group: "core", kind: "Service", namespace: "", name: authority, port: 0, section: "" };
  if (split.length === 0) {
    const backend = { kind: "balancer" as const, path: authority, resource: service };
    return { kind: "first-available", backends: [{ backend, weight: 1 }] };
  }
  return {
    kind: "random",
    backends: split.map(({ authority: path, weight, backendRef }) => ({
      backend: {
        kind: "balancer",
        path,
        resource: backendRef === undefined ? { ...service, name: path } : resourceOf(backendRef),
      },
      weight,
    })),
  };
}

/** Retries follow each other at once, and only the budget ends them. */
const AT_ONCE: Backoff = { minMs: 0, maxMs: 0, jitter: 0 };
const MAX_RETRIES = 65535, MAX_REQUEST_BYTES = 65536;
const MAX_RATIO = 1000, MIN_TTL_MS = 1000, MAX_TTL_MS = 60_000;

/** Undefined when there is none, or none that can be kept: then nothing is retried. */
function budgetOf(budget: DestinationProfile["retryBudget"]): BudgetLimits | undefined {
  if (budget === undefined) return undefined;
  const { retryRatio: ratio, minRetriesPerSecond: minPerSecond } = budget, ttlMs = millisOf(budget.ttl, 0);
  const isValid = ratio >= 0 && ratio <= MAX_RATIO && ttlMs >= MIN_TTL_MS && ttlMs <= MAX_TTL_MS;
  return isValid ? { ratio, minPerSecond, ttlMs } : undefined;
}

/** What the route asks of requests; nothing where it neither limits nor retries them. */
function rulesOf(
  { timeout, isRetryable }: Route,
  route: RouteResource,
  profile: ProfileRoute,
  budget: BudgetLimits | undefined,
): Pick<RuleTarget, "rules"> {
  const requestMs = millisOf(timeout, 0);
  const retry: RetryPolicy | undefined = isRetryable && budget !== undefined
    ? {
      ...profile.failures,
      maxRetries: MAX_RETRIES,
      maxRequestBytes: MAX_REQUEST_BYTES,
      timeoutMs: 0,
      backoff: AT_ONCE,
      budget,
    }
    : undefined;
  if (requestMs === 0 && retry === undefined) return {};
  const limits = requestMs === 0 ? NO_LIMITS : { requestMs, responseMs: 0, idleMs: 0 };
  return { rules: { limits, retry, allowsHeaders: false, isGrpc: false, route, profile } };
}

/** Its routes that can be understood, with what is told of the requests that each takes. */
function* judgedRoutes({ routes }: DestinationProfile, dst: string) {
  for (const route of routes) {
    const condition = conditionOf(route.condition);
    if (condition === undefined) continue;
    const failures = failureClassesOf(route.responseClasses);
    const told: ProfileRoute = { dst, labels: route.metricsLabels, failures };
    yield { route, told, matches: [{ kind: "profile" as const, condition }] };
  }
}

/** What is told of requests that none of the routes takes. */
const untaken = (dst: string): ProfileRoute => ({ dst, labels: {}, failures: DEFAULT_CLASSES });

/** How the server's side of `dst` tells its requests apart; undefined when the profile has no routes. */
export function profileRoutes(
  profile: DestinationProfile,
  dst: string,
): ProfileRoutes | undefined {
  if (profile.routes.length === 0) return undefined;
  const taken = [...judgedRoutes(profile, dst)].map(({ told, matches }) => ({
    hosts: [],
    rules: [{ matches, target: told }],
  }));
  return [...taken, { hosts: [], rules: [{ matches: [], target: untaken(dst) }] }];
}

/** @returns undefined when the profile leaves the traffic to the policy */
export function profiledTraffic(
  profile: DestinationProfile,
  authority: string,
): ProfiledTraffic | undefined {
  const { routes, dstOverrides, profileRef, retryBudget } = profile, budget = budgetOf(retryBudget);
  if (routes.length === 0 && dstOverrides.length === 0) return undefined;
  const distribution = distributionOf(profile, authority), { namespace } = resourceOf(profileRef);
  const resource = (name: string) => ({ group: "linkerd.io", kind: "ServiceProfile", namespace, name });
  const all: MatchedRoute<RuleTarget>[] = [];
  for (const { route: one, told, matches } of judgedRoutes(profile, authority)) {
    const route = resource(told.labels["route"] ?? ""), rules = rulesOf(one, route, told, budget);
    all.push({
      hosts: [],
      rules: [{ matches, target: { route, filters: [], distribution, profile: told, ...rules } }],
    });
  }
  const target = { route: resource("default"), filters: [], distribution, profile: untaken(authority) };
  all.push({ hosts: [], rules: [{ matches: [], target }] });
  const http = { isGrpc: false, routes: all };
  return dstOverrides.length === 0 ? { http } : { http, opaque: distribution };
}
