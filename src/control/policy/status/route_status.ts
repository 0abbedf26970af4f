/**
 * What the status of a route says of each parent that the mesh serves.
 *
 * Source: the conditions and reasons of Linkerd's policy controller; UnsupportedValue is the Gateway API's.
 */
import type { HttpRouteFilter, RouteParentStatus, RouteStatus } from "../../../kube/kinds.ts";
import type { ClusterState } from "../../state/cluster_state.ts";
import type { Parent, Route } from "../../state/routes.ts";
import type { PolicyConfig } from "../config.ts";
import { isServerParent } from "../inbound/routes.ts";
import { PRECEDENCE, routesOfParent } from "../outbound/attached.ts";
import { destinationOf } from "../outbound/backends.ts";
import { overlapsCluster } from "../outbound/egress.ts";
import { isRoutable } from "../outbound/policies.ts";
import { filtersOf } from "../routes/filters.ts";
import { grpcMatches, httpMatches } from "../routes/matches.ts";
import { accepted, CONTROLLER_NAME, type Finding, notAccepted, written } from "./conditions.ts";

const NO_PARENT = "NoMatchingParent";
const HTTP_OUTBOUND = ["requestHeaderModifier", "responseHeaderModifier", "redirect"] as const;

/** The findings on one parent: whether the route is accepted, and for traffic that leaves whether its backends exist. */
function findings(route: Route, parent: Parent, state: ClusterState, config: PolicyConfig): Finding[] {
  const unsupported = unsupportedPart(route, parent);
  const acceptance = unsupported === undefined
    ? acceptanceOf(route, parent, state, config)
    : notAccepted("UnsupportedValue", unsupported);
  return parent.kind === "Server"
    ? [acceptance]
    : [acceptance, backendsFinding(route, parent, state, config)];
}

function acceptanceOf(route: Route, parent: Parent, state: ClusterState, config: PolicyConfig): Finding {
  const { namespace, name } = parent;
  if (parent.kind === "Server") {
    const isThere = state.servers.get(namespace, name) !== undefined;
    return isThere && isServerParent(route, parent) ? accepted() : notAccepted(NO_PARENT);
  }
  if (parent.kind === "Service") {
    const service = state.services.get(namespace, name);
    if (service === undefined) return notAccepted(NO_PARENT);
    if (!isRoutable(service)) return notAccepted(NO_PARENT, "parent service must have a ClusterIP");
    const missing = missingPort(parent, service.spec?.ports ?? []);
    if (missing !== undefined) return notAccepted(NO_PARENT, `the Service has no port ${missing}`);
  } else {
    const egress = state.egressNetworks.get(namespace, name);
    if (egress === undefined) return notAccepted(NO_PARENT);
    if (overlapsCluster(egress, config)) return notAccepted(NO_PARENT, "EgressNetwork is not accepted");
    if (parent.port === undefined) return notAccepted(NO_PARENT, "parent EgressNetwork must have a port");
  }
  const stronger = strongerRoute(route, parent, state);
  return stronger === undefined ? accepted() : notAccepted(
    "RouteReasonConflicted",
    `${stronger.kind} ${stronger.namespace}/${stronger.name} is attached to the same parent`,
  );
}

/** The port or section that a parent asks for in vain. */
function missingPort(
  parent: Parent,
  ports: readonly { port: number; name?: string }[],
): number | string | undefined {
  const { port, section } = parent;
  const isThere = ports.some((one) =>
    (port === undefined || one.port === port) && (section === undefined || one.name === section)
  );
  return isThere ? undefined : port ?? section;
}

/** A route of a kind that makes this one count for nothing, for clients that both are for. */
function strongerRoute(route: Route, parent: Parent, state: ClusterState): Route | undefined {
  return routesOfParent(state, parent.kind, parent.namespace, parent.name).find((other) =>
    PRECEDENCE.indexOf(other.kind) < PRECEDENCE.indexOf(route.kind) &&
    (other.namespace === parent.namespace || other.namespace === route.namespace) &&
    other.parents.some((one) =>
      one.kind === parent.kind && one.name === parent.name && one.namespace === parent.namespace &&
      (one.port === undefined || parent.port === undefined || one.port === parent.port) &&
      (one.section === undefined || parent.section === undefined || one.section === parent.section)
    )
  );
}

/** What of a route the proxies cannot do: such a rule answers with failures, or the route says nothing at all. */
function unsupportedPart(route: Route, parent: Parent): string | undefined {
  if (route.kind === "TCPRoute" || route.kind === "TLSRoute") {
    return (route.object.spec.rules ?? []).length > 1 ? `a ${route.kind} has one rule` : undefined;
  }
  const isOutboundHttp = route.kind === "HTTPRoute" && parent.kind !== "Server";
  const known = route.kind === "GRPCRoute"
    ? ["requestHeaderModifier" as const]
    : isOutboundHttp
    ? HTTP_OUTBOUND
    : ["requestHeaderModifier" as const, "redirect" as const];
  const unreadable = route.kind === "HTTPRoute"
    ? route.object.spec.rules?.some(({ matches }) => matches?.some((one) => httpMatches([one]) === undefined))
    : route.object.spec.rules?.some(({ matches }) =>
      matches?.some((one) => grpcMatches([one]) === undefined)
    );
  if (unreadable === true) return "a match can match nothing: its path or a regular expression of it is none";
  const rules: { filters?: HttpRouteFilter[]; backendRefs?: { filters?: HttpRouteFilter[] }[] }[] =
    route.object.spec.rules ?? [];
  for (const { filters, backendRefs = [] } of rules) {
    for (
      const list of [
        filters,
        ...(parent.kind === "Server" ? [] : backendRefs.map((one) => one.filters)),
      ]
    ) {
      const result = filtersOf(list, known);
      if ("failure" in result) return result.failure;
    }
  }
  return undefined;
}

function backendsFinding(route: Route, parent: Parent, state: ClusterState, config: PolicyConfig): Finding {
  const { namespace } = route;
  const context = {
    state,
    config,
    namespace,
    ...(parent.kind === "EgressNetwork"
      ? { egress: { ...parent, backend: { metadata: undefined, kind: undefined, queue: undefined } } }
      : {}),
  };
  const failures = (route.object.spec.rules ?? []).flatMap(({ backendRefs = [] }) =>
    backendRefs.flatMap((reference) => destinationOf(reference, context).failure ?? [])
  );
  const worst = failures.find(({ reason }) => reason === "InvalidKind") ?? failures[0];
  return worst === undefined
    ? { type: "ResolvedRefs", status: "True", reason: "ResolvedRefs", message: "" }
    : { type: "ResolvedRefs", status: "False", ...worst };
}

/** The status as it should be: other controllers' parents as they are, then the mesh's. */
export function routeStatus(
  route: Route,
  state: ClusterState,
  config: PolicyConfig,
  now: string,
): RouteStatus {
  const before = route.object.status?.parents ?? [];
  const others = before.filter((one) => one.controllerName !== CONTROLLER_NAME);
  const generation = route.object.metadata?.generation;
  const own = route.parents.map((parent): RouteParentStatus => {
    const known = before.find((one) =>
      one.controllerName === CONTROLLER_NAME && isSameReference(one.parentRef, parent.reference)
    );
    return {
      parentRef: parent.reference,
      controllerName: CONTROLLER_NAME,
      conditions: findings(route, parent, state, config).map((finding) =>
        written(finding, known?.conditions, generation, now)
      ),
    };
  });
  return { parents: [...others, ...own] };
}

function isSameReference(
  one: RouteParentStatus["parentRef"],
  other: RouteParentStatus["parentRef"],
): boolean {
  const fields = ["group", "kind", "namespace", "name", "sectionName", "port"] as const;
  return fields.every((field) => one[field] === other[field]);
}
