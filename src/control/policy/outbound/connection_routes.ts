/** TCPRoutes and TLSRoutes towards a parent: what is decided once for a connection. */
import type { Metadata } from "../../../../proto/gen/meta.ts";
import type {
  Backend,
  OpaqueRoute,
  OpaqueRoute_Filter,
  OpaqueRoute_Rule,
  TlsRoute,
} from "../../../../proto/gen/outbound.ts";
import type { SniMatch } from "../../../../proto/gen/tls_route.ts";
import type { BackendRef } from "../../../kube/kinds.ts";
import type { RouteOf } from "../../state/routes.ts";
import { destinationOf, NO_WEIGHT, only, split } from "./backends.ts";
import { type OutboundParent, routeMetadata } from "./parent.ts";

/** OpaqueRoute and TlsRoute have rules of one shape, and so one function. */
type Rule = OpaqueRoute_Rule;

export const FORBIDDEN: OpaqueRoute_Filter = { kind: { $case: "forbidden", value: {} } };

function invalid(message: string): OpaqueRoute_Filter {
  return { kind: { $case: "invalid", value: { message } } };
}

/** Everything to one backend, or nowhere. */
export function plainRule(backend: Backend | undefined, filters: OpaqueRoute_Filter[] = []): Rule {
  return {
    backends: {
      kind: backend === undefined ? { $case: "empty", value: {} } : only({ backend, filters: [] }),
    },
    filters,
  };
}

export function opaqueRoute(
  metadata: Metadata,
  backend: Backend | undefined,
  filters: OpaqueRoute_Filter[] = [],
): OpaqueRoute {
  return { metadata, rules: [plainRule(backend, filters)] };
}

export function plainTlsRoute(
  metadata: Metadata,
  backend: Backend | undefined,
  filters: OpaqueRoute_Filter[] = [],
): TlsRoute {
  return { metadata, snis: [], rules: [plainRule(backend, filters)] };
}

function rule(parent: OutboundParent, backendRefs: readonly BackendRef<never>[] = []): Rule {
  if (backendRefs.length === 0) return plainRule(parent.backend);
  const kind = split(backendRefs.map((reference) => {
    const { backend, weight, failure } = destinationOf(reference, parent);
    return { backend: { backend, filters: failure === undefined ? [] : [invalid(failure.message)] }, weight };
  }));
  return kind === undefined
    ? plainRule(undefined, [invalid(NO_WEIGHT)])
    : { backends: { kind }, filters: [] };
}

/** A connection is routed once, so a route of more than one rule says nothing that could be done: undefined. */
function onlyRule(
  parent: OutboundParent,
  route: RouteOf<"TCPRoute"> | RouteOf<"TLSRoute">,
): Rule | undefined {
  const [spec, ...others] = route.object.spec.rules ?? [];
  if (spec === undefined || others.length > 0) return undefined;
  return rule({ ...parent, namespace: route.namespace }, spec.backendRefs);
}

export function tcpRoute(parent: OutboundParent, route: RouteOf<"TCPRoute">): OpaqueRoute | undefined {
  const only = onlyRule(parent, route);
  return only === undefined ? undefined : { metadata: routeMetadata(route), rules: [only] };
}

export function tlsRoute(parent: OutboundParent, route: RouteOf<"TLSRoute">): TlsRoute | undefined {
  const only = onlyRule(parent, route);
  if (only === undefined) return undefined;
  return { metadata: routeMetadata(route), snis: sniMatches(route.object.spec.hostnames), rules: [only] };
}

function sniMatches(hostnames: readonly string[] = []): SniMatch[] {
  return hostnames.map((name) => ({
    match: name.startsWith("*.")
      ? { $case: "suffix", value: { reverseLabels: name.slice(2).split(".").reverse() } }
      : { $case: "exact", value: name },
  }));
}
