/** Policies towards Services and addresses: what a target speaks, and where its traffic goes. */
import type { OutboundPolicy, ProxyProtocol } from "../../../../proto/gen/outbound.ts";
import type { Service } from "../../../kube/kinds.ts";
import { configAnnotation } from "../../../mesh/annotations.ts";
import { parsePortSet, type PortSet } from "../../../mesh/ports.ts";
import { bareAddress } from "../../destination/workload.ts";
import type { ClusterState } from "../../state/cluster_state.ts";
import { defaultMetadata } from "../../wire/metadata.ts";
import type { PolicyConfig } from "../config.ts";
import { understood } from "../routes/understood.ts";
import { failureAccrualOf } from "./balancing.ts";
import { attachedRoutes, type RoutesByKind } from "./attached.ts";
import { QUEUE, serviceBackend, serviceMetadata } from "./backends.ts";
import { FORBIDDEN, opaqueRoute, tcpRoute, tlsRoute } from "./connection_routes.ts";
import { grpcRoute } from "./grpc_routes.ts";
import { defaultHttpRoute, httpRoute } from "./http_routes.ts";
import type { OutboundParent } from "./parent.ts";
import { detect } from "./protocol.ts";

export type ServicePort = NonNullable<NonNullable<Service["spec"]>["ports"]>[number];

/** What a port speaks by its declaration: its appProtocol first, then the lists of opaque ports. */
export function protocolOfPort(
  service: Service,
  port: ServicePort,
  config: { readonly defaultOpaquePorts: PortSet },
): "http1" | "http2" | "opaque" | "detect" {
  if (port.appProtocol === "http") return "http1";
  if (port.appProtocol === "kubernetes.io/h2c") return "http2";
  if (port.appProtocol !== undefined && port.appProtocol !== "") return "opaque";
  const annotation = service.metadata?.annotations?.[configAnnotation("opaque-ports")];
  const opaque = annotation === undefined
    ? config.defaultOpaquePorts
    : parsePortSet(annotation, (name) => service.spec?.ports?.find((one) => one.name === name)?.port);
  return opaque.has(port.port) ? "opaque" : "detect";
}

/** Whether routes may be attached: a headless Service's traffic goes to its pods, each for itself. */
export function isRoutable(service: Service): boolean {
  const ip = service.spec?.clusterIP;
  return ip !== undefined && ip !== "" && ip !== "None";
}

const NO_ROUTES: RoutesByKind = { GRPCRoute: [], HTTPRoute: [], TLSRoute: [], TCPRoute: [] };

/** The policy of a Service's port: by its routes; without any, all traffic to its own endpoints. */
export function servicePolicy(
  service: Service,
  port: ServicePort,
  state: ClusterState,
  config: PolicyConfig,
  clientNamespace: string,
): OutboundPolicy {
  const { name = "", namespace = "", annotations = {} } = service.metadata ?? {};
  const metadata = serviceMetadata(name, namespace, port.port);
  const backend = serviceBackend(service, port.port, config);
  const parent: OutboundParent = { state, config, namespace, metadata, backend, annotations };
  const routes = isRoutable(service)
    ? attachedRoutes(
      state,
      { kind: "Service", namespace, name, port: port.port, portName: port.name },
      clientNamespace,
    )
    : NO_ROUTES;
  return {
    metadata,
    protocol: { kind: protocolKind(parent, protocolOfPort(service, port, config), routes) },
  };
}

function protocolKind(
  parent: OutboundParent,
  declared: ReturnType<typeof protocolOfPort>,
  routes: RoutesByKind,
): ProxyProtocol["kind"] {
  const failureAccrual = failureAccrualOf(parent.annotations);
  const http = () => ({
    routes: routes.HTTPRoute.length === 0
      ? [defaultHttpRoute(parent)]
      : understood(routes.HTTPRoute, (route) => httpRoute(parent, route)),
    failureAccrual,
  });
  const opaque = (tcp: RoutesByKind["TCPRoute"]) => ({
    routes: [
      ...understood(tcp, (route) => tcpRoute(parent, route)),
      opaqueRoute(defaultMetadata("opaq"), parent.backend),
    ].slice(0, 1),
  });
  if (declared === "http1") return { $case: "http1", value: http() };
  if (declared === "opaque") return { $case: "opaque", value: opaque(routes.TCPRoute) };
  if (routes.GRPCRoute.length > 0) {
    const grpc = understood(routes.GRPCRoute, (route) => grpcRoute(parent, route));
    return { $case: "grpc", value: { routes: grpc, failureAccrual } };
  }
  if (declared === "http2") return { $case: "http2", value: http() };
  if (routes.HTTPRoute.length === 0) {
    const tls = understood(routes.TLSRoute, (route) => tlsRoute(parent, route));
    if (tls.length > 0) return { $case: "tls", value: { routes: tls } };
    if (routes.TCPRoute.length > 0) return { $case: "opaque", value: opaque(routes.TCPRoute) };
  }
  const either = http();
  return detect({ opaque: opaque([]), http1: either, http2: either });
}

/** A port the Service does not have: every connection is refused. */
export function undefinedPortPolicy(service: Service, port: number): OutboundPolicy {
  const { name = "", namespace = "" } = service.metadata ?? {};
  const route = opaqueRoute(defaultMetadata("undefined-port"), undefined, [FORBIDDEN]);
  return {
    metadata: serviceMetadata(name, namespace, port),
    protocol: { kind: { $case: "opaque", value: { routes: [route] } } },
  };
}

/** An address outside of the cluster that no EgressNetwork speaks for: passed on to where it was going. */
export function fallbackPolicy(
  ip: string,
  port: number,
  state: ClusterState,
  config: PolicyConfig,
): OutboundPolicy {
  const name = "egress-fallback";
  const metadata = defaultMetadata(name);
  const backend = {
    metadata,
    kind: { $case: "forward" as const, value: { ...bareAddress(ip, port), weight: 1 } },
    queue: QUEUE,
  };
  const parent: OutboundParent = { state, config, namespace: "", metadata, backend, annotations: {} };
  const http = { routes: [defaultHttpRoute(parent, name)], failureAccrual: undefined };
  const opaque = { routes: [opaqueRoute(metadata, backend)] };
  return { metadata, protocol: { kind: detect({ opaque, http1: http, http2: http }) } };
}
