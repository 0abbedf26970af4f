/**
 * What a ServiceProfile says of requests: its routes, the first that matches counting, and its split of the traffic.
 * Either stands instead of what the policy says. A route that cannot be understood is passed over, as in Linkerd.
 * Source: protocol-api.md §7; proxy.md §5.
 */
import type { DestinationProfile, RequestMatch, Route } from "../../../proto/gen/destination.ts";
import type { Condition, MatchedRoute } from "../route/matches.ts";
import { compileRegex } from "../route/regex.ts";
import type { RequestRules, RouteResource } from "../route/request_rules.ts";
import type { Distribution, HttpRoutes, RuleTarget } from "./plane.ts";
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

function rulesOf(timeout: Route["timeout"], route: RouteResource): Pick<RuleTarget, "rules"> {
  const requestMs = millisOf(timeout, 0);
  if (requestMs === 0) return {};
  const limits = { requestMs, responseMs: 0, idleMs: 0 };
  const rules: RequestRules = { limits, retry: undefined, allowsHeaders: false, isGrpc: false, route };
  return { rules };
}

/** @returns undefined when the profile leaves the traffic to the policy */
export function profiledTraffic(
  profile: DestinationProfile,
  authority: string,
): ProfiledTraffic | undefined {
  const { routes, dstOverrides, profileRef } = profile;
  if (routes.length === 0 && dstOverrides.length === 0) return undefined;
  const distribution = distributionOf(profile, authority), { namespace } = resourceOf(profileRef);
  const resource = (name: string) => ({ group: "linkerd.io", kind: "ServiceProfile", namespace, name });
  const all: MatchedRoute<RuleTarget>[] = [];
  for (const { condition, metricsLabels, timeout } of routes) {
    const judged = conditionOf(condition), route = resource(metricsLabels["route"] ?? "");
    if (judged === undefined) continue;
    const target = { route, filters: [], distribution, ...rulesOf(timeout, route) };
    all.push({ hosts: [], rules: [{ matches: [{ kind: "profile", condition: judged }], target }] });
  }
  const target = { route: resource("default"), filters: [], distribution };
  all.push({ hosts: [], rules: [{ matches: [], target }] });
  const http = { isGrpc: false, routes: all };
  return dstOverrides.length === 0 ? { http } : { http, opaque: distribution };
}
