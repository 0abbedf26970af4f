/** Retries of a route. Source: outbound_{http,grpc}_route_retry_* and route_retryable_total of proxy.md §13. */
import type { TargetResource } from "../control/plane.ts";
import type { ProfileRoute, RequestRules } from "../route/request_rules.ts";
import { profileLabels, routeLabels, targetLabels } from "./target_labels.ts";
import type { Telemetry } from "./telemetry.ts";

/** Sent again; forwarded at last a final response; had been retried as often as may be; nobody else was ready. */
type RouteEvent = "requests" | "successes" | "limit_exceeded" | "overflow";
/** The same; the budget that the route shares with others was used up. */
export type RetryEvent = RouteEvent | "no_budget";

const HELP: Readonly<Record<RouteEvent, string>> = {
  requests: "Retry requests emitted",
  successes: "Successful responses to retry requests",
  limit_exceeded: "Responses that were not retried since the limit of retries was reached",
  overflow: "Responses that were not retried since no endpoint was ready",
};

export function countRetry(
  telemetry: Telemetry,
  parent: TargetResource | undefined,
  { route, isGrpc, hostname = "", profile }: RequestRules,
  told: RetryEvent,
): void {
  if (profile !== undefined) countRetryable(telemetry, profile, told);
  const event = told === "no_budget" ? "limit_exceeded" : told;
  const labels = { ...targetLabels("parent", parent), ...routeLabels(route), hostname };
  const name = `outbound_${isGrpc ? "grpc" : "http"}_route_retry_${event}_total`;
  telemetry.counter(name, HELP[event], labels).value++;
}

/** What a ServiceProfile's route would have made again, and what of it was not for want of budget. */
function countRetryable(telemetry: Telemetry, profile: ProfileRoute, event: RetryEvent): void {
  if (event !== "requests" && event !== "no_budget") return;
  const name = "route_retryable_total", help = "The total number of HTTP responses that could be retried";
  const labels = profileLabels(profile, "outbound");
  telemetry.counter(name, help, labels).value++;
  if (event === "no_budget") telemetry.counter(name, help, { ...labels, skipped: "no_budget" }).value++;
}
