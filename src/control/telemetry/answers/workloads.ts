/** What exists: workloads with their pods, namespaces, and the state of the statistics themselves. */
import type {
  NamespacesResponse,
  ResourceName,
  StatKind,
  StatusResponse,
  Workload,
  WorkloadsResponse,
} from "../../../mesh/api.ts";
import { VERSION } from "../../../mesh/version.ts";
import type { PodRecord } from "../inventory.ts";
import type { StatisticsContext } from "./context.ts";

/** Workloads and their pods. */
export function workloads(
  context: StatisticsContext,
  query: { namespace?: string; kind?: StatKind; name?: string },
): WorkloadsResponse {
  const found = new Map<string, { resource: ResourceName; pods: PodRecord[] }>();
  for (const pod of context.inventory.pods({ namespace: query.namespace })) {
    const kind = query.kind === "pod" ? "pod" : pod.workloadKind;
    const name = kind === "pod" ? pod.name : pod.workload;
    if (query.kind !== undefined && query.kind !== kind) continue;
    if (query.name !== undefined && query.name !== name) continue;
    const key = `${pod.namespace}/${kind}/${name}`;
    const entry = found.get(key) ?? { resource: { kind, namespace: pod.namespace, name }, pods: [] };
    entry.pods.push(pod);
    found.set(key, entry);
  }
  const now = context.now();
  return {
    workloads: [...found.values()].map(({ resource, pods }): Workload => ({
      resource,
      meshedPods: pods.filter((pod) => pod.isMeshed).length,
      runningPods: pods.length,
      pods: pods.map((pod) => {
        const state = context.scraper.stateOf(pod.namespace, pod.name);
        return {
          name: pod.name,
          ip: pod.ip,
          node: pod.node,
          phase: pod.status,
          isReady: pod.isReady,
          isMeshed: pod.isMeshed,
          identity: pod.identity,
          proxyVersion: pod.proxyVersion,
          ...(state === undefined || state.lastSuccessAt === 0
            ? {}
            : { scrapedAgoMs: now - state.lastSuccessAt }),
          ...(state?.error === undefined ? {} : { scrapeError: state.error }),
        };
      }),
    })),
  };
}

/** Namespaces and how much of each is meshed. */
export function namespaces(context: StatisticsContext): NamespacesResponse {
  const pods = context.inventory.pods();
  return {
    namespaces: context.inventory.namespaces().map(({ name, isControlPlane }) => {
      const own = pods.filter((pod) => pod.namespace === name);
      return {
        name,
        isControlPlane,
        meshedPods: own.filter((pod) => pod.isMeshed).length,
        runningPods: own.length,
      };
    }),
  };
}

/** Whether figures can be believed, and until when the mesh's certificates hold. */
export function status(context: StatisticsContext): StatusResponse {
  return {
    version: VERSION,
    scrapeIntervalMs: context.intervalMs,
    retentionMs: context.retentionMs,
    ...context.scraper.counts(),
    startedAt: context.scraper.startedAt,
    certificates: context.certificates.ends,
  };
}
