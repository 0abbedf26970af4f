/**
 * What outbound counts once a connection: what its destination speaks, what detection found, and which route it took.
 * Source: proxy.md §13 (new style, outbound).
 */
import type { OutboundDecision, TargetResource } from "../control/plane.ts";
import type { ProxyError } from "../error.ts";
import { routeLabels, targetLabels } from "../telemetry/target_labels.ts";
import type { Labels, Telemetry } from "../telemetry/telemetry.ts";
import { DETECT_BOUNDS, type Detection, resultOf } from "../detect/result.ts";

const PROTOCOLS: Readonly<Record<OutboundDecision["protocol"], string>> = {
  detect: "detect",
  http1: "http/1",
  http2: "http/2",
  grpc: "http/2",
  opaque: "opaq",
  tls: "tls",
};

/** How a connection's failure is called where its route is counted. */
function closeError(error: ProxyError | undefined): string {
  switch (error?.code) {
    case undefined:
      return "";
    case "forbidden-route":
      return "forbidden";
    case "no-dispatcher":
      return "invalid_backend";
    case "invalid-policy":
      return "invalid_policy";
  }
  return "unexpected";
}

/** A connection on its route. */
export interface RouteCount {
  closed(error: ProxyError | undefined): void;
}

const UNCOUNTED: RouteCount = { closed: () => {} };

export class ConnectionCounters {
  /** @param isHostnameLabelled TLS connections are told by the names that they ask for */
  constructor(private readonly telemetry: Telemetry, private readonly isHostnameLabelled: boolean) {}

  /** A connection to a destination of which it is known now what it speaks. */
  protocol({ protocol, parent }: OutboundDecision): void {
    this.telemetry.counter(
      "outbound_tcp_protocol_connections_total",
      "Outbound connections by the protocol that their policy says",
      { protocol: PROTOCOLS[protocol], ...targetLabels("parent", parent) },
    ).value++;
  }

  /** @param seconds that detection took */
  detected(parent: TargetResource | undefined, detection: Detection, seconds: number): void {
    const { telemetry } = this, labels = targetLabels("parent", parent);
    telemetry.counter(
      "outbound_tcp_detect_http_results_total",
      "What outbound connections turned out to speak",
      { result: resultOf(detection), ...labels },
    ).value++;
    telemetry.buckets(
      "outbound_tcp_detect_http_duration_seconds",
      "Time until it was known what an outbound connection speaks",
      DETECT_BOUNDS,
      labels,
    ).record(seconds);
  }

  /** A connection takes a route; one of no route is not counted. @param serverName what it asks for by TLS */
  opened(
    kind: "tcp" | "tls",
    parent: TargetResource,
    route: TargetResource | undefined,
    serverName: string,
  ): RouteCount {
    if (route === undefined) return UNCOUNTED;
    const hostname = this.isHostnameLabelled ? this.telemetry.hostnames.of(serverName) : "";
    const labels: Labels = {
      ...targetLabels("parent", parent),
      ...routeLabels(route),
      ...(kind === "tls" ? { hostname } : {}),
    };
    const { telemetry } = this, name = `outbound_${kind}_route`;
    telemetry.counter(`${name}_open_total`, "Connections that took a route", labels).value++;
    return {
      closed: (error) => {
        telemetry.counter(`${name}_close_total`, "Connections on a route that are over", {
          ...labels,
          error: closeError(error),
        }).value++;
      },
    };
  }
}
