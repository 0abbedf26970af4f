/** What a workload's page shows: its figures, their course, its edges and its pods. */
import type {
  Edge,
  NamespaceSummary,
  PodSummary,
  RequestStats,
  ResourceName,
  SeriesResponse,
  StatRow,
  StatusResponse,
  TcpStats,
} from "../../mesh/api.ts";
import type { InboundRouteRow, OutboundRouteRow } from "../../mesh/route_api.ts";
import { parseWindow } from "../../mesh/duration.ts";
import { MeshFailure } from "../../mesh/error.ts";
import type { MetricsApi } from "../metrics_api.ts";
import { chartOf, kindTitle, resourceKey } from "./resource.ts";

/** Columns as uPlot takes them; null where nothing was measured. */
export interface Chart {
  /** How much time is shown, whether there are figures for all of it or not: seconds up to the last point. */
  readonly span: number;
  /** Seconds since the epoch. */
  readonly at: readonly number[];
  readonly rps: readonly number[];
  /** 0 to 100. */
  readonly successPercent: readonly (number | null)[];
  readonly latencyP50: readonly (number | null)[];
  readonly latencyP95: readonly (number | null)[];
  readonly latencyP99: readonly (number | null)[];
  readonly readBytesPerSecond: readonly number[];
  readonly writeBytesPerSecond: readonly number[];
  readonly openConnections: readonly number[];
}

export interface PodRow extends PodSummary {
  readonly requests?: RequestStats;
  readonly tcp?: TcpStats;
}

export interface WorkloadView {
  readonly at: number;
  readonly windowMs: number;
  readonly coveredMs: number;
  readonly window: string;
  readonly row: Omit<StatRow, "total">;
  readonly chart: Chart;
  /** How much time it shows, in words. */
  readonly chartTitle: string;
  readonly inbound: readonly Edge[];
  readonly outbound: readonly Edge[];
  readonly inboundRoutes: readonly InboundRouteRow[];
  readonly outboundRoutes: readonly OutboundRouteRow[];
  readonly pods: readonly PodRow[];
  readonly status: StatusResponse;
}

/** Asks the API for one view. @throws MeshFailure `workload-not-found`, and what the client throws */
export async function loadWorkload(
  api: MetricsApi,
  resource: ResourceName,
  window: string,
): Promise<WorkloadView> {
  const { namespace, kind, name } = resource;
  const [found, existing, status] = await Promise.all([
    api.stat({ kind, namespace, name, window }),
    api.workloads({ namespace, kind, name }),
    api.status(),
  ]);
  const row = found.rows.find((one) => resourceKey(one.resource) === resourceKey(resource));
  if (row === undefined) throw new MeshFailure(notFound(resource, (await api.namespaces()).namespaces));
  const { chart, chartTitle } = chartOf(window, found.at - status.startedAt);
  const [pods, edges, series, inboundRoutes, outboundRoutes] = await Promise.all([
    api.stat({ kind: "pod", namespace, window }),
    api.edges({ namespace, window }),
    api.series({ kind, namespace, name, window: chart }),
    rowsOf(api.statInbound({ kind, namespace, name, window })),
    rowsOf(api.statOutbound({ kind, namespace, name, window })),
  ]);
  const { total: _, ...figures } = row;
  const is = (other: ResourceName) => resourceKey(other) === resourceKey(resource);
  const byName = new Map(pods.rows.map((pod) => [pod.resource.name, pod]));
  return {
    at: found.at,
    windowMs: found.windowMs,
    coveredMs: found.coveredMs,
    window,
    row: figures,
    chart: chartFrom(series, parseWindow(chart) ?? 0),
    chartTitle,
    inbound: edges.edges.filter((edge) => is(edge.destination)).sort(busiestFirst),
    outbound: edges.edges.filter((edge) => is(edge.source)).sort(busiestFirst),
    inboundRoutes,
    outboundRoutes,
    pods: (existing.workloads.find((one) => is(one.resource))?.pods ?? []).map((pod): PodRow => {
      const { requests, tcp } = byName.get(pod.name) ?? {};
      return {
        ...pod,
        ...(requests === undefined ? {} : { requests }),
        ...(tcp === undefined ? {} : { tcp }),
      };
    }),
    status,
  };
}

/** No rows from a metrics-api that is older than the dashboard and does not know the question. */
async function rowsOf<Row>(answer: Promise<{ readonly rows: readonly Row[] }>): Promise<readonly Row[]> {
  try {
    return (await answer).rows;
  } catch (error) {
    if (error instanceof MeshFailure && error.error.code === "path-unknown") return [];
    throw error;
  }
}

function busiestFirst(left: Edge, right: Edge): number {
  return right.requests.rps - left.requests.rps ||
    right.tcp.openConnections - left.tcp.openConnections ||
    (resourceKey(left.source) + resourceKey(left.destination) <
        resourceKey(right.source) + resourceKey(right.destination)
      ? -1
      : 1);
}

export function chartFrom({ points }: SeriesResponse, spanMs: number): Chart {
  const tenth = (value: number | undefined) => value === undefined ? null : Math.round(value * 10) / 10;
  const rounded = (value: number) => Math.round(value * 10) / 10;
  return {
    span: spanMs / 1000,
    at: points.map((point) => point.at / 1000),
    rps: points.map(({ requests }) => rounded(requests.rps)),
    successPercent: points.map(({ requests: { successRate } }) =>
      successRate === undefined ? null : Math.round(successRate * 10_000) / 100
    ),
    latencyP50: points.map(({ requests }) => tenth(requests.latencyP50)),
    latencyP95: points.map(({ requests }) => tenth(requests.latencyP95)),
    latencyP99: points.map(({ requests }) => tenth(requests.latencyP99)),
    readBytesPerSecond: points.map(({ tcp }) => Math.round(tcp.readBytesPerSecond)),
    writeBytesPerSecond: points.map(({ tcp }) => Math.round(tcp.writeBytesPerSecond)),
    openConnections: points.map(({ tcp }) => tcp.openConnections),
  };
}

function notFound({ namespace, kind, name }: ResourceName, namespaces: readonly NamespaceSummary[]) {
  const isKnown = namespaces.some((one) => one.name === namespace);
  return {
    code: "workload-not-found",
    source: "usage" as const,
    detail: isKnown
      ? `There is no ${
        kindTitle(kind)
      } ${name} in the namespace ${namespace}, and there was none in this window.`
      : `There is no namespace ${namespace}.`,
    remedy: isKnown
      ? `See what is there with \`kubectl get ${kind} -n ${namespace}\`.`
      : "See which there are with `kubectl get namespaces`.",
  };
}
