/** Retries of a route. Source: outbound_{http,grpc}_route_retry_* of proxy.md §13. */
import type { TargetResource } from "../control/plane.ts";
import type { RequestRules } from "../route/request_rules.ts";
import { routeLabels, targetLabels } from "./target_labels.ts";
import type { Telemetry } from "./telemetry.ts";

/** Sent again; forwarded at last a final response; had been retried as often as may be; nobody else was ready. */
export type RetryEvent = "requests" | "successes" | "limit_exceeded" | "overflow";

const HELP: Readonly<Record<RetryEvent, string>> = {
  requests: "Retry requests emitted",
  successes: "Successful responses to retry requests",
  limit_exceeded: "Responses that were not retried since the limit of retries was reached",
  overflow: "Responses that were not retried since no endpoint was ready",
};

export function countRetry(
  telemetry: Telemetry,
  parent: TargetResource | undefined,
  { route, isGrpc, hostname = "" }: RequestRules,
  event: RetryEvent,
): void {
  const labels = { ...targetLabels("parent", parent), ...routeLabels(route), hostname };
  const name = `outbound_${isGrpc ? "grpc" : "http"}_route_retry_${event}_total`;
  telemetry.counter(name, HELP[event], labels).value++;
}
