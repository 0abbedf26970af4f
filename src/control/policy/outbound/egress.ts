/** EgressNetworks: which one speaks for an address outside, and the policy it makes. */
import type { OutboundPolicy, ProxyProtocol } from "../../../../proto/gen/outbound.ts";
import { EGRESS_NETWORKS, type EgressNetwork } from "../../../kube/kinds.ts";
import { configAnnotation } from "../../../mesh/annotations.ts";
import { parsePortSet } from "../../../mesh/ports.ts";
import { bareAddress } from "../../destination/workload.ts";
import { byAge } from "../../state/age.ts";
import type { ClusterState } from "../../state/cluster_state.ts";
import { Network, parseIp } from "../../wire/address.ts";
import { defaultMetadata, resourceMetadata } from "../../wire/metadata.ts";
import { ALL_NETWORKS, type PolicyConfig } from "../config.ts";
import { understood } from "../routes/understood.ts";
import { failureAccrualOf } from "./balancing.ts";
import { attachedRoutes, type RoutesByKind } from "./attached.ts";
import { QUEUE } from "./backends.ts";
import { FORBIDDEN, opaqueRoute, plainTlsRoute, tcpRoute, tlsRoute } from "./connection_routes.ts";
import { defaultGrpcRoute, forbiddingGrpcRoute, grpcRoute } from "./grpc_routes.ts";
import { defaultHttpRoute, forbiddingHttpRoute, httpRoute } from "./http_routes.ts";
import type { OutboundParent } from "./parent.ts";
import { detect } from "./protocol.ts";

type Ip = NonNullable<ReturnType<typeof parseIp>>;

interface Block {
  readonly net: Network;
  readonly except: readonly Network[];
}

/** The blocks of an EgressNetwork; those that cannot be read are left out. Without any: all that is not the cluster. */
function blocksOf(egress: EgressNetwork, config: PolicyConfig): Block[] {
  if (egress.spec.networks === undefined) {
    return Network.parseList(ALL_NETWORKS).map((net) => ({ net, except: config.clusterNetworks }));
  }
  return egress.spec.networks.flatMap(({ cidr, except = [] }) => {
    const net = Network.parse(cidr);
    const exceptions = except.map((one) => Network.parse(one));
    if (net === undefined || exceptions.includes(undefined)) return [];
    return [{ net, except: exceptions as Network[] }];
  });
}

/** Whether it reaches into the cluster, where Services and pods decide: it is not accepted then. */
export function overlapsCluster(egress: EgressNetwork, config: PolicyConfig): boolean {
  return blocksOf(egress, config).some(({ net, except }) =>
    config.clusterNetworks.some((cluster) =>
      net.overlaps(cluster) && !except.some((one) => one.covers(cluster) || one.covers(net))
    )
  );
}

/** The prefix length of the narrowest block that holds the address; −1 when none does. */
function specificity(egress: EgressNetwork, ip: Ip, config: PolicyConfig): number {
  const lengths = blocksOf(egress, config)
    .filter(({ net, except }) => net.contains(ip) && !except.some((one) => one.contains(ip)))
    .map(({ net }) => net.message.prefixLen);
  return Math.max(-1, ...lengths);
}

/** Those of the client's namespace hide the global ones; then the narrowest, the oldest, the first by name. */
export function egressNetworkOf(
  address: string,
  clientNamespace: string,
  state: ClusterState,
  config: PolicyConfig,
): EgressNetwork | undefined {
  const ip = parseIp(address)!;
  const own = state.egressNetworks.by("namespace", clientNamespace);
  const candidates = own.length > 0
    ? own
    : state.egressNetworks.by("namespace", config.globalEgressNamespace);
  const matching = candidates
    .filter((egress) => !overlapsCluster(egress, config))
    .map((egress) => ({ egress, length: specificity(egress, ip, config) }))
    .filter(({ length }) => length >= 0);
  matching.sort((one, other) => other.length - one.length || byAge(one.egress, other.egress));
  return matching[0]?.egress;
}

export function egressNetworkPolicy(
  egress: EgressNetwork,
  target: { readonly ip: string; readonly port: number },
  state: ClusterState,
  config: PolicyConfig,
  clientNamespace: string,
): OutboundPolicy {
  const { ip, port } = target;
  const { name = "", namespace = "", annotations = {} } = egress.metadata ?? {};
  const { group, kind } = EGRESS_NETWORKS;
  const metadata = resourceMetadata({ group, kind, name, namespace, port });
  const backend = {
    metadata,
    kind: { $case: "forward" as const, value: { ...bareAddress(ip, port), weight: 1 } },
    queue: QUEUE,
  };
  const parent: OutboundParent = {
    state,
    config,
    namespace,
    metadata,
    backend,
    annotations,
    egress: { namespace, name, backend },
  };
  const to = { kind: "EgressNetwork", namespace, name, port, portName: undefined } as const;
  const isOpaque = parsePortSet(annotations[configAnnotation("opaque-ports")] ?? "").has(port);
  const routes = attachedRoutes(state, to, clientNamespace);
  return {
    metadata,
    protocol: { kind: protocolKind(parent, routes, egress.spec.trafficPolicy === "Allow", isOpaque) },
  };
}

/** What no route of its own matches is passed on or refused: that route is always the last. */
function protocolKind(
  parent: OutboundParent,
  routes: RoutesByKind,
  isAllowed: boolean,
  isOpaque: boolean,
): ProxyProtocol["kind"] {
  const named = (what: string) => `${what}-egress-${isAllowed ? "allow" : "deny"}`;
  const failureAccrual = failureAccrualOf(parent.annotations);
  const rest = isAllowed ? [parent.backend, []] as const : [undefined, [FORBIDDEN]] as const;
  const opaque = (tcp: RoutesByKind["TCPRoute"]) => ({
    routes: [
      ...understood(tcp, (route) => tcpRoute(parent, route)),
      opaqueRoute(defaultMetadata(named("opaq")), rest[0], [...rest[1]]),
    ].slice(0, 1),
  });
  if (isOpaque) return { $case: "opaque", value: opaque(routes.TCPRoute) };
  if (routes.GRPCRoute.length > 0) {
    const last = isAllowed ? defaultGrpcRoute(parent, named("grpc")) : forbiddingGrpcRoute(named("grpc"));
    const own = understood(routes.GRPCRoute, (route) => grpcRoute(parent, route));
    return { $case: "grpc", value: { routes: [...own, last], failureAccrual } };
  }
  if (routes.HTTPRoute.length === 0 && routes.TLSRoute.length > 0) {
    const last = plainTlsRoute(defaultMetadata(named("tls")), rest[0], [...rest[1]]);
    const own = understood(routes.TLSRoute, (route) => tlsRoute(parent, route));
    return { $case: "tls", value: { routes: [...own, last] } };
  }
  if (routes.HTTPRoute.length === 0 && routes.TCPRoute.length > 0) {
    return { $case: "opaque", value: opaque(routes.TCPRoute) };
  }
  const last = isAllowed ? defaultHttpRoute(parent, named("http")) : forbiddingHttpRoute(named("http"));
  const own = understood(routes.HTTPRoute, (route) => httpRoute(parent, route));
  const http = { routes: [...own, last], failureAccrual };
  return detect({ opaque: opaque([]), http1: http, http2: http });
}
