/** A control plane of fixed answers, so that a benchmark measures the data path alone: one service, one endpoint. */
import type { SocketAddress } from "../../src/linux/address.ts";
import type {
  ControlPlane,
  EndpointInfo,
  EndpointUpdate,
  OutboundDecision,
  Watch,
} from "../../src/proxy/control/plane.ts";
import { everyRequestTo } from "../../src/proxy/route/default_route.ts";

/** Where all traffic of the application is going, as redirection would tell. */
export const DESTINATION: SocketAddress = { ip: "10.43.0.7", port: 80 };
/** Port zero of loopback: the side that is not measured listens where nobody comes. */
export const NOWHERE = "127.0.0.1:0";
const NAME = "web:80";

/** The environment of a proxy that is told nothing by it but where to listen. */
export function environmentOf(outbound: string, inbound: string): Record<string, string> {
  const nobody = "localhost.:1";
  return {
    LINKERD2_PROXY_IDENTITY_DIR: "unused",
    LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS: "unused",
    LINKERD2_PROXY_IDENTITY_TOKEN_FILE: "unused",
    LINKERD2_PROXY_IDENTITY_LOCAL_NAME: "bench",
    LINKERD2_PROXY_IDENTITY_SVC_ADDR: nobody,
    LINKERD2_PROXY_DESTINATION_SVC_ADDR: nobody,
    LINKERD2_PROXY_POLICY_SVC_ADDR: nobody,
    LINKERD2_PROXY_POLICY_WORKLOAD: "bench",
    LINKERD2_PROXY_OUTBOUND_LISTEN_ADDR: outbound,
    LINKERD2_PROXY_INBOUND_LISTEN_ADDR: inbound,
  };
}

/** An endpoint without a proxy. */
export function plainEndpoint(address: SocketAddress): EndpointInfo {
  return {
    address,
    weight: 1,
    identity: undefined,
    hint: "none",
    transportPort: undefined,
    authorityOverride: undefined,
    labels: {},
  };
}

/**
 * Every destination leads to the service whose endpoint this is.
 * @param resolveOther what other names lead to
 */
export function fixedPlane(
  endpoint: EndpointInfo | undefined,
  protocol: OutboundDecision["protocol"],
  resolveOther?: (path: string, onUpdate: (update: EndpointUpdate) => void) => void,
): ControlPlane {
  const parent = { group: "core", kind: "Service", namespace: "bench", name: "web", port: 80, section: "" };
  const backends = [{ backend: { kind: "balancer" as const, path: NAME, resource: parent }, weight: 1 }];
  const distribution = { kind: "first-available" as const, backends };
  const decision: OutboundDecision = {
    protocol,
    detectTimeoutMs: 1000,
    authority: NAME,
    parent,
    http: everyRequestTo(distribution),
    opaque: distribution,
  };
  const nothing: Watch = { cancel() {} };
  return {
    watchInboundPort: () => nothing,
    watchOutbound: (_address, onUpdate) => {
      queueMicrotask(() => onUpdate(decision));
      return nothing;
    },
    watchProfile: (_target, onUpdate) => {
      queueMicrotask(() => onUpdate(undefined));
      return nothing;
    },
    resolve: (path, onUpdate) => {
      if (path === NAME) queueMicrotask(() => onUpdate({ kind: "replace", endpoints: [endpoint!] }));
      else resolveOther?.(path, onUpdate);
      return nothing;
    },
  };
}
