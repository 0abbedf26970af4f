/** What the control plane needs to know of a pod: a small view whose signature changes only when it matters. */
import type { Pod, PodSpec } from "../../kube/kinds.ts";
import {
  CONFIG_ANNOTATIONS,
  configAnnotation,
  type ConfigName,
  TRUST_ROOT_ANNOTATION,
} from "../../mesh/annotations.ts";
import { CONTROL_PLANE_NS_LABEL, OWNER_KINDS, type OwnerKind, ownerLabel } from "../../mesh/labels.ts";
import { PROXY_CONTAINER, PROXY_PORTS } from "../../mesh/names.ts";
import { canonicalIp } from "../wire/address.ts";

export interface PodFacts {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Values of `config.linkerd.io/*`, keyed without the prefix. */
  readonly config: Readonly<Partial<Record<ConfigName, string>>>;
  /** Canonical spelling; several with dual stack. Empty while it has none, or shares its node's. */
  readonly ips: readonly string[];
  readonly hostIps: readonly string[];
  readonly isHostNetwork: boolean;
  readonly nodeName: string;
  readonly serviceAccount: string;
  readonly owner: { readonly kind: OwnerKind; readonly name: string } | undefined;
  /** The control plane the pod is meshed by; undefined for one that is not meshed. */
  readonly controlPlaneNamespace: string | undefined;
  readonly proxyInboundPort: number;
  readonly proxyAdminPort: number;
  readonly proxyControlPort: number;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly hostPort: number }[];
  /** Paths of HTTP probes, by container port. */
  readonly probes: Readonly<Record<number, readonly string[]>>;
  readonly phase: string;
  readonly isReady: boolean;
  readonly isTerminating: boolean;
  /** Equal for pods that are equal in all of the above. */
  readonly signature: string;
}

type ContainerSpec = PodSpec["containers"][number];

/** App containers and sidecars; init containers that end are not among them. */
export function runningContainers(spec: PodSpec): ContainerSpec[] {
  const sidecars = (spec.initContainers ?? []).filter((container) => container.restartPolicy === "Always");
  return [...spec.containers, ...sidecars];
}

/**
 * The workload a pod belongs to: what the injector wrote on it, or what its owner references tell.
 *
 * A ReplicaSet made by a Deployment is named after it and its template's hash, which the pod carries as a label.
 */
export function ownerOf(pod: Pod): { kind: OwnerKind; name: string } | undefined {
  const labels = pod.metadata?.labels ?? {};
  for (const kind of OWNER_KINDS) {
    const name = labels[ownerLabel(kind)];
    if (name !== undefined && !(kind === "ReplicaSet" && labels[ownerLabel("Deployment")] !== undefined)) {
      return { kind, name };
    }
  }
  const reference = pod.metadata?.ownerReferences?.find((owner) => owner.controller === true) ??
    pod.metadata?.ownerReferences?.[0];
  const kind = OWNER_KINDS.find((known) => known === reference?.kind);
  if (reference === undefined || kind === undefined) return undefined;
  const hash = labels["pod-template-hash"];
  if (kind === "ReplicaSet" && hash !== undefined && reference.name.endsWith(`-${hash}`)) {
    return { kind: "Deployment", name: reference.name.slice(0, -hash.length - 1) };
  }
  return { kind, name: reference.name };
}

/** The port that a proxy was told to listen on by an address variable. */
export function portOfListenAddress(
  proxy: ContainerSpec | undefined,
  variable: string,
  fallback: number,
): number {
  const value = proxy?.env?.find((entry) => entry.name === variable)?.value;
  const port = Number(/:(\d+)$/.exec(value ?? "")?.[1]);
  return port > 0 && port <= 65_535 ? port : fallback;
}

/** The number that a pod's containers give a port's name; undefined where none does. */
export function namedPort(spec: PodSpec | undefined, name: string): number | undefined {
  return [...spec?.containers ?? [], ...spec?.initContainers ?? []].flatMap(({ ports = [] }) => ports)
    .find((port) => port.name === name)?.containerPort;
}

function probesOf(containers: readonly ContainerSpec[]): Record<number, string[]> {
  const found: Record<number, Set<string>> = {};
  for (const container of containers) {
    if (container.name === PROXY_CONTAINER) continue;
    for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
      const http = probe?.httpGet;
      if (http === undefined) continue;
      const port = typeof http.port === "number"
        ? http.port
        : container.ports?.find((one) => one.name === http.port)?.containerPort ?? Number(http.port);
      if (Number.isInteger(port)) (found[port] ??= new Set()).add(http.path ?? "/");
    }
  }
  return Object.fromEntries(Object.entries(found).map(([port, paths]) => [port, [...paths].sort()]));
}

/** Never throws: a pod is taken as it is. */
export function podFacts(pod: Pod): PodFacts {
  const spec = pod.spec ?? { containers: [] };
  const annotations = pod.metadata?.annotations ?? {};
  const containers = runningContainers(spec);
  const proxy = containers.find((container) => container.name === PROXY_CONTAINER);
  const config: Partial<Record<ConfigName, string>> = {};
  for (const name of Object.keys(CONFIG_ANNOTATIONS) as ConfigName[]) {
    const value = annotations[configAnnotation(name)];
    if (value !== undefined) config[name] = value;
  }
  const canonical = (
    ips: (string | undefined)[],
  ) => [...new Set(ips.flatMap((ip) => ip === undefined ? [] : canonicalIp(ip) ?? []))];
  const status = pod.status ?? {};
  const isHostNetwork = spec.hostNetwork === true;
  const facts = {
    name: pod.metadata?.name ?? "",
    namespace: pod.metadata?.namespace ?? "",
    uid: pod.metadata?.uid ?? "",
    labels: pod.metadata?.labels ?? {},
    config,
    ips: isHostNetwork ? [] : canonical([status.podIP, ...(status.podIPs ?? []).map((one) => one.ip)]),
    hostIps: canonical([status.hostIP]),
    isHostNetwork,
    nodeName: spec.nodeName ?? "",
    serviceAccount: spec.serviceAccountName || "default",
    owner: ownerOf(pod),
    controlPlaneNamespace: pod.metadata?.labels?.[CONTROL_PLANE_NS_LABEL] || undefined,
    proxyInboundPort: portOfListenAddress(
      proxy,
      "LINKERD2_PROXY_INBOUND_LISTEN_ADDR",
      PROXY_PORTS.inbound,
    ),
    proxyAdminPort: portOfListenAddress(proxy, "LINKERD2_PROXY_ADMIN_LISTEN_ADDR", PROXY_PORTS.admin),
    proxyControlPort: portOfListenAddress(proxy, "LINKERD2_PROXY_CONTROL_LISTEN_ADDR", PROXY_PORTS.control),
    ports: containers.flatMap((container) =>
      (container.ports ?? []).map((port) => ({
        name: port.name ?? "",
        port: port.containerPort,
        hostPort: port.hostPort ?? 0,
      }))
    ),
    probes: probesOf(containers),
    phase: status.phase ?? "",
    isReady: status.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false,
    isTerminating: pod.metadata?.deletionTimestamp !== undefined,
    trustRoot: annotations[TRUST_ROOT_ANNOTATION],
  };
  return { ...facts, signature: JSON.stringify(facts) };
}
