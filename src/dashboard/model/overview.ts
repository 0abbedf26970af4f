/** What the overview shows: workloads with their figures, their sum, and who talks to whom. */
import type {
  NamespaceSummary,
  RequestStats,
  ResourceName,
  StatKind,
  StatRow,
  StatusResponse,
  WorkloadsResponse,
} from "../../mesh/api.ts";
import type { MetricsApi } from "../metrics_api.ts";
import { type Topology, topologyOf } from "../topology/topology.ts";
import { mergeEdges, sumRequests } from "./edges.ts";
import { isKubernetesNamespace, resourceKey } from "./resource.ts";

export interface OverviewQuery {
  readonly namespace?: string;
  readonly window: string;
}

export interface OverviewRow extends Omit<StatRow, "total"> {
  /** Not of the mesh itself, and not of Kubernetes'. */
  readonly isApplication: boolean;
}

/** Over the applications; over all that is there where none is an application. */
export interface OverviewSummary {
  readonly requests: RequestStats;
  readonly slowest?: { readonly resource: ResourceName; readonly latencyP99: number };
  readonly meshedPods: number;
  readonly runningPods: number;
  readonly openConnections: number;
}

export interface OverviewView {
  readonly at: number;
  readonly windowMs: number;
  readonly coveredMs: number;
  readonly namespace: string | undefined;
  readonly window: string;
  readonly rows: readonly OverviewRow[];
  readonly summary: OverviewSummary;
  readonly topology: Topology;
  readonly status: StatusResponse;
}

export interface LoadedOverview {
  readonly view: OverviewView;
  readonly namespaces: readonly NamespaceSummary[];
}

/** Asks the API for one view. Throws what the client throws; an unknown namespace is an empty view. */
export async function loadOverview(api: MetricsApi, query: OverviewQuery): Promise<LoadedOverview> {
  const { namespace, window } = query;
  const filter = namespace === undefined ? {} : { namespace };
  const [existing, { namespaces }, status, { edges }] = await Promise.all([
    api.workloads(filter),
    api.namespaces(),
    api.status(),
    api.edges({ ...filter, window }),
  ]);
  const answers = await Promise.all(kindsOf(existing).map((kind) => api.stat({ kind, window, ...filter })));
  const controlPlane = new Set(namespaces.filter((one) => one.isControlPlane).map((one) => one.name));
  const bare = new Set(
    existing.workloads.filter(({ resource }) => resource.kind === "pod").map(({ resource }) =>
      resourceKey(resource)
    ),
  );
  const isApplication = (name: string) => !controlPlane.has(name) && !isKubernetesNamespace(name);
  const meshed = new Set(namespaces.filter((one) => one.meshedPods > 0).map((one) => one.name));
  const rank = ({ isApplication, resource }: OverviewRow) =>
    isApplication ? (meshed.has(resource.namespace) ? 0 : 1) : controlPlane.has(resource.namespace) ? 2 : 3;
  const rows = answers.flatMap((answer) => answer.rows)
    .filter(({ resource }) => resource.kind !== "pod" || bare.has(resourceKey(resource)))
    .map(({ total: _, ...row }): OverviewRow => ({
      ...row,
      isApplication: isApplication(row.resource.namespace),
    }))
    .sort((left, right) => rank(left) - rank(right) || compareNames(left.resource, right.resource));
  const isOfControlPlane = namespace !== undefined && controlPlane.has(namespace);
  const shown = namespace === undefined ? rows.filter((row) => row.isApplication) : rows;
  // What the control plane does for itself would bury the applications.
  const visible = edges.filter(({ source, destination }) =>
    isOfControlPlane || !(controlPlane.has(source.namespace) || controlPlane.has(destination.namespace))
  );
  return {
    namespaces,
    view: {
      at: answers[0]?.at ?? Date.now(),
      windowMs: answers[0]?.windowMs ?? 0,
      coveredMs: answers[0]?.coveredMs ?? 0,
      namespace,
      window,
      rows,
      summary: summaryOf(shown),
      topology: await topologyOf(mergeEdges(visible), rows, namespace),
      status,
    },
  };
}

function kindsOf(existing: WorkloadsResponse): StatKind[] {
  const kinds = new Set<StatKind>(["deployment"]);
  for (const { resource } of existing.workloads) kinds.add(resource.kind);
  return [...kinds].sort();
}

function compareNames(left: ResourceName, right: ResourceName): number {
  const by = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0;
  return by(left.namespace, right.namespace) || by(left.name, right.name) || by(left.kind, right.kind);
}

export function summaryOf(rows: readonly OverviewRow[]): OverviewSummary {
  const sum = (pick: (row: OverviewRow) => number | undefined) =>
    rows.reduce((total, row) => total + (pick(row) ?? 0), 0);
  const slowest = rows.reduce<OverviewSummary["slowest"]>((worst, { resource, requests }) => {
    const latencyP99 = requests?.latencyP99;
    return latencyP99 === undefined || latencyP99 <= (worst?.latencyP99 ?? -1)
      ? worst
      : { resource, latencyP99 };
  }, undefined);
  return {
    requests: sumRequests(rows.flatMap((row) => row.requests === undefined ? [] : [row.requests])),
    ...(slowest === undefined ? {} : { slowest }),
    meshedPods: sum((row) => row.meshedPods),
    runningPods: sum((row) => row.runningPods),
    openConnections: sum((row) => row.tcp?.openConnections),
  };
}
