/**
 * Both ends of a request as a tap tells them, from what the directions know.
 * Source: protocol-api.md §11 (meta labels added by the proxy).
 */
import type { EndpointInfo, TargetResource } from "../control/plane.ts";
import type { RouteResource } from "../route/request_rules.ts";
import type { Client } from "../policy/server_policy.ts";
import type { TapLabels, TapPlace } from "./subject.ts";

type Labels = Readonly<Record<string, string | undefined>>;

/** The labels whose names begin with one of `prefixes`, and are set. */
function only(labels: Labels, ...prefixes: string[]): TapLabels {
  const chosen: Record<string, string> = {};
  for (const [name, value] of Object.entries(labels)) {
    if (value !== undefined && prefixes.some((prefix) => name.startsWith(prefix))) chosen[name] = value;
  }
  return chosen;
}

/** @param labels of the series that the request is counted in (proxy.md §13, inbound) */
export function inboundPlace(client: Client, labels: Labels): TapPlace {
  const sourceLabels: TapLabels = client.isTls
    ? { tls: "true", ...(client.identity === undefined ? {} : { client_id: client.identity }) }
    : { tls: labels.no_tls_reason ?? "no_tls_from_remote" };
  return {
    direction: "inbound",
    source: { ip: client.ip, port: client.port ?? 0 },
    sourceLabels,
    destinationLabels: { tls: "loopback", ...only(labels, "srv_", "route_", "authz_") },
    routeLabels: only(labels, "route_"),
  };
}

/**
 * @param parent the resource that the request was addressed to
 * @param route what took it
 */
export function outboundPlace(
  client: { readonly ip: string; readonly port: number },
  { identity, labels }: EndpointInfo,
  parent: TargetResource | undefined,
  route: RouteResource | undefined,
): TapPlace {
  return {
    direction: "outbound",
    source: client,
    sourceLabels: { tls: "loopback" },
    destinationLabels: {
      ...labels,
      ...(identity === undefined
        ? { tls: "not_provided_by_service_discovery" }
        : { tls: "true", server_id: identity.name }),
    },
    routeLabels: {
      ...(parent === undefined ? {} : {
        parent_group: parent.group,
        parent_kind: parent.kind,
        parent_namespace: parent.namespace,
        parent_name: parent.name,
        parent_port: String(parent.port),
      }),
      ...(route === undefined ? {} : {
        route_group: route.group,
        route_kind: route.kind,
        route_namespace: route.namespace,
        route_name: route.name,
      }),
    },
  };
}
