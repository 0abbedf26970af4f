/** Pods, namespaces and Services as the statistics see them: what exists, what is meshed, what can be scraped. */
import type { KubeClient } from "../../kube/client.ts";
import { type Informer, startInformer } from "../../kube/informer.ts";
import { type Namespace, NAMESPACES, type Pod, PODS, type Service, SERVICES } from "../../kube/kinds.ts";
import { parseLabelSelector } from "../../kube/selector.ts";
import { forbidsTap, PROXY_VERSION_ANNOTATION, TAP_ENABLED_ANNOTATION } from "../../mesh/annotations.ts";
import type { StatKind } from "../../mesh/api.ts";
import { serviceAccountIdentity, type TrustDomain } from "../../mesh/identity.ts";
import { COMPONENT_LABEL, IS_CONTROL_PLANE_LABEL } from "../../mesh/labels.ts";
import { PROXY_CONTAINER, PROXY_PORTS } from "../../mesh/names.ts";
import { ownerOf, portOfListenAddress, runningContainers } from "../state/pod_facts.ts";

export interface PodRecord {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly ip: string;
  readonly node: string;
  readonly phase: string;
  /** The phase, or why a container waits. */
  readonly status: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly workloadKind: StatKind;
  readonly workload: string;
  readonly isMeshed: boolean;
  readonly isReady: boolean;
  readonly isControlPlane: boolean;
  readonly identity: string;
  readonly adminPort: number;
  /** Where its proxy's tap server listens, when it may be tapped. */
  readonly controlPort: number;
  /** Its proxy was told who may tap; or its annotations forbid it. */
  readonly isTapEnabled: boolean;
  readonly isTapRefused: boolean;
  readonly proxyVersion: string;
  readonly isProxyReady: boolean;
  /** When the proxy's container, and the pod, started; 0 when they have not. */
  readonly proxyStartedAt: number;
  readonly startedAt: number;
  readonly resourceVersion: string;
}

/** Kubernetes' timestamps are strings on the wire, whatever their type says. */
function time(value: unknown): number {
  const parsed = typeof value === "string"
    ? Date.parse(value)
    : value instanceof Date
    ? value.getTime()
    : NaN;
  return Number.isNaN(parsed) ? 0 : parsed;
}

function statusOf(pod: Pod): string {
  if (pod.metadata?.deletionTimestamp !== undefined) return "Terminating";
  const waiting = [...pod.status?.initContainerStatuses ?? [], ...pod.status?.containerStatuses ?? []]
    .map((one) => one.state?.waiting?.reason)
    .find((reason) => reason !== undefined && reason !== "PodInitializing");
  return waiting ?? pod.status?.phase ?? "Unknown";
}

export function podRecord(pod: Pod, domain: TrustDomain): PodRecord {
  const labels = pod.metadata?.labels ?? {};
  const owner = ownerOf(pod);
  const name = pod.metadata?.name ?? "";
  const namespace = pod.metadata?.namespace ?? "";
  const proxy = runningContainers(pod.spec ?? { containers: [] })
    .find((container) => container.name === PROXY_CONTAINER);
  const statuses = [...pod.status?.initContainerStatuses ?? [], ...pod.status?.containerStatuses ?? []];
  const proxyStatus = statuses.find((status) => status.name === PROXY_CONTAINER);
  return {
    name,
    namespace,
    uid: pod.metadata?.uid ?? "",
    ip: pod.status?.podIP ?? "",
    node: pod.spec?.nodeName ?? "",
    phase: pod.status?.phase ?? "Unknown",
    status: statusOf(pod),
    labels,
    workloadKind: (owner?.kind.toLowerCase() ?? "pod") as StatKind,
    workload: owner?.name ?? name,
    isMeshed: proxy !== undefined,
    isReady: pod.status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false,
    isControlPlane: labels[COMPONENT_LABEL] !== undefined,
    identity: proxy === undefined
      ? ""
      : serviceAccountIdentity(pod.spec?.serviceAccountName || "default", namespace, domain),
    adminPort: proxy?.ports?.find((port) => port.name === "linkerd-admin")?.containerPort ??
      PROXY_PORTS.admin,
    controlPort: portOfListenAddress(proxy, "LINKERD2_PROXY_CONTROL_LISTEN_ADDR", PROXY_PORTS.control),
    isTapEnabled: pod.metadata?.annotations?.[TAP_ENABLED_ANNOTATION] === "true",
    isTapRefused: forbidsTap(pod.metadata?.annotations),
    proxyVersion: pod.metadata?.annotations?.[PROXY_VERSION_ANNOTATION] ?? "",
    isProxyReady: proxyStatus?.ready ?? false,
    proxyStartedAt: time(proxyStatus?.state?.running?.startedAt),
    startedAt: time(pod.status?.startTime),
    resourceVersion: pod.metadata?.resourceVersion ?? "",
  };
}

export interface PodFilter {
  namespace?: string | undefined;
  labels?: string | undefined;
}

export class Inventory {
  readonly #pods: Informer<Pod>;
  readonly #namespaces: Informer<Namespace>;
  readonly #services: Informer<Service>;
  readonly #records = new Map<string, PodRecord>();
  readonly #isSynced = new Set<string>();
  readonly ready: Promise<void>;

  constructor(client: KubeClient, domain: TrustDomain) {
    this.#pods = startInformer(client, PODS);
    this.#namespaces = startInformer(client, NAMESPACES);
    this.#services = startInformer(client, SERVICES);
    const put = (pod: Pod) => {
      const record = podRecord(pod, domain);
      this.#records.set(`${record.namespace}/${record.name}`, record);
    };
    this.#pods.subscribe({
      added: put,
      modified: put,
      deleted: (pod) => this.#records.delete(`${pod.metadata?.namespace}/${pod.metadata?.name}`),
    });
    const informers = { pods: this.#pods, namespaces: this.#namespaces, services: this.#services };
    for (const [name, informer] of Object.entries(informers)) {
      informer.synced.then(() => this.#isSynced.add(name));
    }
    this.ready = Promise.all(Object.values(informers).map((informer) => informer.synced)).then(() => {});
  }

  waitingFor(): string[] {
    return ["pods", "namespaces", "services"].filter((name) => !this.#isSynced.has(name))
      .map((name) => `the list of ${name}`);
  }

  /** Pods that have not ended, in the order of their names. */
  pods(filter: PodFilter = {}): PodRecord[] {
    const matches = filter.labels === undefined || filter.labels === ""
      ? () => true
      : parseLabelSelector(filter.labels);
    return [...this.#records.values()]
      .filter((pod) =>
        pod.phase !== "Succeeded" && pod.phase !== "Failed" &&
        (filter.namespace === undefined || pod.namespace === filter.namespace) && matches(pod.labels)
      )
      .sort((left, right) => compare(left.namespace, right.namespace) || compare(left.name, right.name));
  }

  pod(namespace: string, name: string): PodRecord | undefined {
    return this.#records.get(`${namespace}/${name}`);
  }

  namespaces(): { name: string; isControlPlane: boolean }[] {
    return [...this.#namespaces.list()].map((one) => ({
      name: one.metadata?.name ?? "",
      isControlPlane: one.metadata?.labels?.[IS_CONTROL_PLANE_LABEL] === "true",
    })).sort((left, right) => compare(left.name, right.name));
  }

  /** Whether a namespace forbids taps of its pods. */
  refusesTap(namespace: string): boolean {
    return forbidsTap(this.#namespaces.get(undefined, namespace)?.metadata?.annotations);
  }

  services(namespace?: string): { namespace: string; name: string }[] {
    return [...this.#services.list()]
      .map((one) => ({ namespace: one.metadata?.namespace ?? "", name: one.metadata?.name ?? "" }))
      .filter((one) => namespace === undefined || one.namespace === namespace)
      .sort((left, right) => compare(left.namespace, right.namespace) || compare(left.name, right.name));
  }

  stop(): void {
    for (const informer of [this.#pods, this.#namespaces, this.#services]) informer.stop();
  }
}

export function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
