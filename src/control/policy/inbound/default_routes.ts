/** The routes of a port to which none are attached. */
import type { GrpcRoute, HttpRoute } from "../../../../proto/gen/inbound.ts";
import { defaultMetadata } from "../../wire/metadata.ts";
import type { PolicyConfig } from "../config.ts";
import { httpMatches } from "../routes/matches.ts";
import { builtInAuthorization, networkMessages, UNAUTHENTICATED } from "./authentication.ts";

const DEFAULT_HTTP_ROUTE: HttpRoute = {
  metadata: defaultMetadata("default"),
  hosts: [],
  authorizations: [],
  rules: [{ matches: httpMatches([{ path: { type: "PathPrefix", value: "/" } }])!, filters: [] }],
};

export const DEFAULT_GRPC_ROUTE: GrpcRoute = {
  metadata: defaultMetadata("default"),
  hosts: [],
  authorizations: [],
  rules: [{ matches: [{ rpc: undefined, headers: [] }], filters: [] }],
};

/**
 * Everything, and what the kubelet probes: that is let in from the probe networks whatever else holds.
 *
 * @param paths of the pod's HTTP probes of this port
 */
export function defaultHttpRoutes(paths: readonly string[], config: PolicyConfig): HttpRoute[] {
  if (paths.length === 0) return [DEFAULT_HTTP_ROUTE];
  // The query is no part of what a route matches.
  const matches = httpMatches(paths.map((path) => ({
    path: { type: "Exact", value: path.replace(/[?#].*$/, "") || "/" },
    method: "GET",
  })));
  const probe: HttpRoute = {
    metadata: defaultMetadata("probe"),
    hosts: [],
    authorizations: [builtInAuthorization("probe", networkMessages(config.probeNetworks), UNAUTHENTICATED)],
    rules: matches === undefined ? [] : [{ matches, filters: [] }],
  };
  return [DEFAULT_HTTP_ROUTE, probe];
}
