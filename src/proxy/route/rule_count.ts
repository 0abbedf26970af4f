/** Where the requests of a destination's rules are counted. Source: proxy.md §13 (new style, outbound). */
import type { TargetResource } from "../control/plane.ts";
import { WholeRequest } from "../telemetry/profile_series.ts";
import { CountedTwice, GRPC_FAMILIES, HTTP_FAMILIES } from "../telemetry/route_series.ts";
import { routeLabels, targetLabels } from "../telemetry/target_labels.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { RuleCount } from "./destination_rule.ts";

export function ruleCount(telemetry: Telemetry, parent: TargetResource, isGrpc: boolean): RuleCount {
  const { outboundRoute, outboundBackend } = isGrpc ? GRPC_FAMILIES : HTTP_FAMILIES;
  const labels = targetLabels("parent", parent);
  return {
    ofRoute: ({ route, profile }, hostname) => {
      const series = telemetry.routeSeries(outboundRoute, { ...labels, ...routeLabels(route), hostname });
      return profile === undefined
        ? series
        : new WholeRequest(series, telemetry.profileSeries(profile, "outbound").whole);
    },
    ofBackend: ({ route, profile }, backend) => {
      const series = telemetry.routeSeries(outboundBackend, {
        ...labels,
        ...routeLabels(route),
        ...targetLabels("backend", backend),
      });
      return profile === undefined
        ? series
        : new CountedTwice(series, telemetry.profileSeries(profile, "outbound").actual);
    },
  };
}
