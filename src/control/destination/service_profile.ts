/** ServiceProfile objects as the routes, budget and split of a DestinationProfile. */
import type {
  DestinationProfile,
  HttpStatusRange,
  RequestMatch,
  ResponseMatch,
  RetryBudget,
  Route,
  WeightedDst,
} from "../../../proto/gen/destination.ts";
import type {
  RequestMatch as RequestCondition,
  ResponseMatch as ResponseCondition,
  ServiceProfile,
} from "../../kube/kinds.ts";
import { parseGoDuration } from "../../mesh/duration.ts";
import { toHttpMethod } from "../wire/http.ts";
import { resourceMetadata } from "../wire/metadata.ts";
import { toDuration } from "../wire/time.ts";
import { parseTarget } from "./target.ts";

const DEFAULT_BUDGET: RetryBudget = { retryRatio: 0.2, minRetriesPerSecond: 10, ttl: toDuration(10_000) };

/** Several fields of a condition hold together. */
function conjunction<T>(parts: T[], all: (matches: T[]) => T): T | undefined {
  return parts.length <= 1 ? parts[0] : all(parts);
}

function requestMatch(condition: RequestCondition): RequestMatch | undefined {
  const many = (conditions: RequestCondition[]) => conditions.flatMap((one) => requestMatch(one) ?? []);
  const all = (matches: RequestMatch[]): RequestMatch => ({ match: { $case: "all", value: { matches } } });
  const parts: RequestMatch[] = [];
  if (condition.all !== undefined) parts.push(all(many(condition.all)));
  if (condition.any !== undefined) {
    parts.push({ match: { $case: "any", value: { matches: many(condition.any) } } });
  }
  const not = condition.not === undefined ? undefined : requestMatch(condition.not);
  if (not !== undefined) parts.push({ match: { $case: "not", value: not } });
  if (condition.pathRegex !== undefined && condition.pathRegex !== "") {
    parts.push({ match: { $case: "path", value: { regex: condition.pathRegex } } });
  }
  if (condition.method !== undefined && condition.method !== "") {
    parts.push({ match: { $case: "method", value: toHttpMethod(condition.method) } });
  }
  return conjunction(parts, all);
}

/** A bound that is missing is the other one. */
function statusRange({ min = 0, max = 0 }: { min?: number; max?: number }): HttpStatusRange {
  return { min: min || max, max: max || min };
}

function responseMatch(condition: ResponseCondition): ResponseMatch | undefined {
  const many = (conditions: ResponseCondition[]) => conditions.flatMap((one) => responseMatch(one) ?? []);
  const all = (matches: ResponseMatch[]): ResponseMatch => ({ match: { $case: "all", value: { matches } } });
  const parts: ResponseMatch[] = [];
  if (condition.all !== undefined) parts.push(all(many(condition.all)));
  if (condition.any !== undefined) {
    parts.push({ match: { $case: "any", value: { matches: many(condition.any) } } });
  }
  if (condition.status !== undefined) {
    parts.push({ match: { $case: "status", value: statusRange(condition.status) } });
  }
  const not = condition.not === undefined ? undefined : responseMatch(condition.not);
  if (not !== undefined) parts.push({ match: { $case: "not", value: not } });
  return conjunction(parts, all);
}

function route(spec: NonNullable<ServiceProfile["spec"]["routes"]>[number]): Route {
  const timeoutMs = spec.timeout === undefined ? undefined : parseGoDuration(spec.timeout);
  return {
    condition: requestMatch(spec.condition),
    responseClasses: (spec.responseClasses ?? []).map((one) => ({
      condition: responseMatch(one.condition),
      isFailure: one.isFailure ?? false,
    })),
    metricsLabels: { route: spec.name },
    isRetryable: spec.isRetryable ?? false,
    timeout: timeoutMs === undefined || timeoutMs <= 0 ? undefined : toDuration(timeoutMs),
  };
}

/** A Kubernetes quantity such as `1`, `500m` or `2k`, in thousandths. */
function milliUnits(weight: string | number): number {
  const match = /^(\d+(?:\.\d+)?)(m|k|M)?$/.exec(String(weight).trim());
  if (match === null) return 0;
  const scale = { m: 1, k: 1_000_000, M: 1_000_000_000, "": 1000 }[match[2] ?? ""]!;
  return Math.round(Number(match[1]) * scale);
}

function override(
  spec: { authority: string; weight: string | number },
  port: number,
  clusterDomain: string,
): WeightedDst {
  const authority = /:\d+$/.test(spec.authority) ? spec.authority : `${spec.authority}:${port}`;
  const target = parseTarget(authority, clusterDomain);
  const backendRef = target.kind !== "service" ? undefined : resourceMetadata({
    group: "core",
    kind: "Service",
    name: target.name,
    namespace: target.namespace,
    port: target.port,
  });
  return { authority, weight: milliUnits(spec.weight) * 10, backendRef };
}

/** The part of a profile that a ServiceProfile decides; defaults without one. */
export function profileOf(
  profile: ServiceProfile | undefined,
  port: number,
  clusterDomain: string,
): Pick<DestinationProfile, "routes" | "retryBudget" | "dstOverrides" | "profileRef"> {
  const budget = profile?.spec.retryBudget;
  return {
    routes: (profile?.spec.routes ?? []).map(route),
    retryBudget: budget === undefined ? DEFAULT_BUDGET : {
      retryRatio: budget.retryRatio,
      minRetriesPerSecond: budget.minRetriesPerSecond,
      ttl: toDuration(parseGoDuration(budget.ttl) ?? 10_000),
    },
    dstOverrides: (profile?.spec.dstOverrides ?? []).map((one) => override(one, port, clusterDomain)),
    profileRef: profile === undefined ? undefined : resourceMetadata({
      group: "linkerd.io",
      kind: "ServiceProfile",
      name: profile.metadata?.name ?? "",
      namespace: profile.metadata?.namespace ?? "",
    }),
  };
}
