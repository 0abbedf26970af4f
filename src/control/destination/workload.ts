/** A pod's port as the proxies that call it see it: who answers, what it speaks, how it is labelled. */
import type { ProtocolHint, WeightedAddr } from "../../../proto/gen/destination.ts";
import { serviceAccountIdentity, type TrustDomain } from "../../mesh/identity.ts";
import { ownerMetricLabel } from "../../mesh/labels.ts";
import { parsePortSet, type PortSet } from "../../mesh/ports.ts";
import type { ClusterState } from "../state/cluster_state.ts";
import type { PodFacts } from "../state/pod_facts.ts";
import { portNamed, serverOf } from "../state/servers.ts";
import { tcpAddress } from "../wire/address.ts";
import { toDuration } from "../wire/time.ts";

export interface DestinationConfig {
  readonly domain: TrustDomain;
  readonly clusterDomain: string;
  readonly defaultOpaquePorts: PortSet;
  /** Peers take HTTP/1 inside HTTP/2. */
  readonly isH2UpgradeEnabled: boolean;
  /** Every meshed endpoint is reached with a transport header, whatever it speaks. */
  readonly isTransportHeaderForced: boolean;
}

export const DEFAULT_WEIGHT = 10_000;

/** HTTP/2 settings towards meshed endpoints: a dead peer is noticed in 13 s even while idle. */
const MESHED_HTTP2: NonNullable<WeightedAddr["http2"]> = {
  flowControl: undefined,
  keepAlive: { interval: toDuration(10_000), timeout: toDuration(3_000), whileIdle: true },
  internals: undefined,
};

/** Whether a port's bytes are passed on unread: by its Server, else the pod's annotation, else the default list. */
export function isOpaquePort(
  config: DestinationConfig,
  state: ClusterState,
  pod: PodFacts,
  port: number,
): boolean {
  const server = serverOf(state, pod, port);
  if (server !== undefined) return server.spec.proxyProtocol === "opaque";
  const annotation = pod.config["opaque-ports"];
  const ports = annotation === undefined
    ? config.defaultOpaquePorts
    : parsePortSet(annotation, (name) => portNamed(pod, name));
  return ports.has(port);
}

/** Whether the pod's own proxy sees this port at all. */
function isMeshedPort(pod: PodFacts, port: number): boolean {
  if (pod.controlPlaneNamespace === undefined) return false;
  const skipped = pod.config["skip-inbound-ports"];
  return skipped === undefined || !parsePortSet(skipped, (name) => portNamed(pod, name)).has(port);
}

export interface WorkloadAddress {
  /** Everything but the labels that depend on who asks. */
  readonly address: WeightedAddr;
  readonly isOpaque: boolean;
}

/** The address of a pod's port. */
export function podAddress(
  config: DestinationConfig,
  state: ClusterState,
  pod: PodFacts,
  ip: string,
  port: number,
): WorkloadAddress {
  const isOpaque = isOpaquePort(config, state, pod, port);
  const isMeshed = isMeshedPort(pod, port);
  const isOurs = isMeshed && pod.controlPlaneNamespace === config.domain.controlPlaneNamespace;
  const identity = serviceAccountIdentity(pod.serviceAccount, pod.namespace, config.domain);
  return {
    isOpaque,
    address: {
      addr: tcpAddress(ip, port),
      weight: DEFAULT_WEIGHT,
      metricLabels: podLabels(pod),
      tlsIdentity: isOurs
        ? {
          strategy: { $case: "dnsLikeIdentity", value: { name: identity } },
          serverName: { name: identity },
        }
        : undefined,
      protocolHint: isMeshed ? protocolHint(config, pod, port, isOpaque) : undefined,
      authorityOverride: undefined,
      http2: isMeshed ? MESHED_HTTP2 : undefined,
      resourceRef: {
        kind: {
          $case: "resource",
          value: { group: "core", kind: "Pod", name: pod.name, namespace: pod.namespace, section: "", port },
        },
      },
    },
  };
}

function protocolHint(
  config: DestinationConfig,
  pod: PodFacts,
  port: number,
  isOpaque: boolean,
): ProtocolHint | undefined {
  const isProxyPort = port === pod.proxyAdminPort || port === pod.proxyControlPort;
  const opaqueTransport = isOpaque || (config.isTransportHeaderForced && !isProxyPort)
    ? { inboundPort: pod.proxyInboundPort }
    : undefined;
  const protocol: ProtocolHint["protocol"] = isOpaque
    ? { $case: "opaque", value: {} }
    : config.isH2UpgradeEnabled
    ? { $case: "h2", value: {} }
    : undefined;
  return protocol === undefined && opaqueTransport === undefined ? undefined : { protocol, opaqueTransport };
}

function podLabels(pod: PodFacts): Record<string, string> {
  const labels: Record<string, string> = {
    pod: pod.name,
    namespace: pod.namespace,
    serviceaccount: pod.serviceAccount,
  };
  if (pod.controlPlaneNamespace !== undefined) labels.control_plane_ns = pod.controlPlaneNamespace;
  if (pod.owner !== undefined) labels[ownerMetricLabel(pod.owner.kind)] = pod.owner.name;
  const hash = pod.labels["pod-template-hash"];
  if (hash !== undefined) labels.pod_template_hash = hash;
  return labels;
}

/** An address of which nothing is known but itself. */
export function bareAddress(ip: string, port: number): WeightedAddr {
  return {
    addr: tcpAddress(ip, port),
    weight: DEFAULT_WEIGHT,
    metricLabels: {},
    tlsIdentity: undefined,
    protocolHint: undefined,
    authorityOverride: undefined,
    http2: undefined,
    resourceRef: undefined,
  };
}
