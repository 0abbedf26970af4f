/**
 * What was decided for the requests of one connection, by rule of its port's policy: who asks and under which policy is
 * the same for all of them, so that each rule is judged once, until the policy changes.
 */
import { type ProxyError, proxyError } from "../error.ts";
import type { InboundRule } from "../policy/inbound_rule.ts";
import { authorize, type InboundRoute, type ServerPolicy } from "../policy/server_policy.ts";
import type { HttpSeries } from "../telemetry/http_series.ts";
import { type Counted, CountedTwice, GRPC_FAMILIES, HTTP_FAMILIES } from "../telemetry/route_series.ts";
import type { Value } from "../telemetry/telemetry.ts";
import type { InboundConnection, Labels } from "./inbound_connection.ts";

/** The authorization that only keeps a record. */
export const AUDIT = "audit";

export interface Verdict {
  /** In all, those of its peer and those of its route. */
  readonly series: Counted;
  readonly ofPeer: HttpSeries;
  readonly ofRoute: Counted;
  readonly denied: ProxyError | undefined;
  readonly isAudited: boolean;
  readonly count: Value;
  readonly labels: Labels;
}

export class Verdicts {
  #policy: ServerPolicy | undefined;
  #byRule: (Verdict | undefined)[] = [];

  constructor(private readonly connection: InboundConnection) {}

  /** Every request is judged by the policy of this moment. */
  judge(policy: ServerPolicy, rule: InboundRule): Verdict {
    if (policy !== this.#policy) {
      this.#policy = policy;
      this.#byRule = [];
    }
    return this.#byRule[rule.index] ??= this.#decide(policy, rule.route);
  }

  #decide(policy: ServerPolicy, route: InboundRoute): Verdict {
    const { connection } = this, { telemetry } = connection.runtime;
    const authorization = authorize(policy, connection.client, route);
    const labels = connection.labels(policy, authorization?.resource, route.resource);
    const { inboundRoute } = policy.protocol === "grpc" ? GRPC_FAMILIES : HTTP_FAMILIES;
    const { group, kind, name } = policy.server;
    const ofRoute = telemetry.routeSeries(inboundRoute, {
      parent_group: group,
      parent_kind: kind,
      parent_name: name,
      parent_port: String(connection.target.port),
      route_group: route.resource.group,
      route_kind: route.resource.kind,
      route_name: route.resource.name,
    });
    const ofPeer = telemetry.httpSeries({ direction: "inbound", ...labels });
    const counted = { series: new CountedTwice(ofPeer, ofRoute), ofPeer, ofRoute };
    if (authorization === undefined) {
      const help = "The total number of inbound HTTP requests that could not be authorized";
      return {
        ...counted,
        isAudited: false,
        denied: proxyError("unauthorized", `unauthorized request on route ${route.resource.name}`),
        count: telemetry.counter("inbound_http_authz_deny_total", help, labels),
        labels,
      };
    }
    const help = "The total number of inbound HTTP requests that were authorized";
    return {
      ...counted,
      isAudited: authorization.resource.kind === "default" && authorization.resource.name === AUDIT,
      denied: undefined,
      count: telemetry.counter("inbound_http_authz_allow_total", help, labels),
      labels,
    };
  }
}
