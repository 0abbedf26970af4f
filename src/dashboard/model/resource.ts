/** Resources as the dashboard names them: in paths, in headings, and in the commands that print the same. */
import type { ResourceName, StatKind } from "../../mesh/api.ts";

/** Kinds of workloads, and how Linkerd's commands abbreviate them. */
const WORKLOADS: Readonly<Partial<Record<StatKind, { short: string; plural: string; title: string }>>> = {
  deployment: { short: "deploy", plural: "deployments", title: "Deployment" },
  statefulset: { short: "sts", plural: "statefulsets", title: "StatefulSet" },
  daemonset: { short: "ds", plural: "daemonsets", title: "DaemonSet" },
  job: { short: "job", plural: "jobs", title: "Job" },
  cronjob: { short: "cj", plural: "cronjobs", title: "CronJob" },
  replicaset: { short: "rs", plural: "replicasets", title: "ReplicaSet" },
  replicationcontroller: { short: "rc", plural: "replicationcontrollers", title: "ReplicationController" },
  pod: { short: "po", plural: "pods", title: "Pod" },
};

export function isWorkloadKind(kind: StatKind): boolean {
  return WORKLOADS[kind] !== undefined;
}

/** `Deployment` */
export function kindTitle(kind: StatKind): string {
  return WORKLOADS[kind]?.title ?? kind;
}

/** One name for a resource among all: `shop/deployment/web`. */
export function resourceKey({ namespace, kind, name }: ResourceName): string {
  return `${namespace}/${kind}/${name}`;
}

export function namespacePath(namespace: string | undefined): string {
  return namespace === undefined ? "/" : `/namespaces/${encodeURIComponent(namespace)}`;
}

/** `/namespaces/shop/deployments/web`, as in Linkerd's dashboard; a namespace's own page for a namespace. */
export function resourcePath({ namespace, kind, name }: ResourceName): string {
  if (kind === "namespace") return namespacePath(name);
  const plural = WORKLOADS[kind]?.plural ?? kind;
  return `${namespacePath(namespace)}/${plural}/${encodeURIComponent(name)}`;
}

/** `deploy/web` */
export function shortName({ kind, name }: Pick<ResourceName, "kind" | "name">): string {
  return `${shortKind(kind)}/${name}`;
}

/** The kinds of some resources, abbreviated: `stat` takes one at a time. */
export function shortKinds(resources: readonly Pick<ResourceName, "kind">[]): readonly string[] {
  const kinds = [...new Set(resources.map((one) => one.kind))].sort();
  return kinds.length === 0 ? [shortKind("deployment")] : kinds.map(shortKind);
}

/** `deploy` */
export function shortKind(kind: StatKind): string {
  return WORKLOADS[kind]?.short ?? kind;
}

/** `linkerd stat deploy -n shop -t 10m`: the default window is left out. */
export function statCommand(
  what: string,
  options: { namespace?: string | undefined; window: string; more?: string },
): string {
  const more = options.more === undefined ? "" : ` ${options.more}`;
  const window = options.window === DEFAULT_WINDOW ? "" : ` -t ${options.window}`;
  return `linkerd stat ${what} ${namespaceFlag(options.namespace)}${more}${window}`;
}

/** `-n shop`, and `-A` for all. */
export function namespaceFlag(namespace: string | undefined): string {
  return namespace === undefined ? "-A" : `-n ${namespace}`;
}

export const DEFAULT_WINDOW = "1m";

/** Windows that pages offer for figures, and the longest span their charts show beside them. */
export const WINDOWS: readonly { window: string; title: string; chart: string }[] = [
  { window: DEFAULT_WINDOW, title: "1 minute", chart: "10m" },
  { window: "10m", title: "10 minutes", chart: "1h" },
  { window: "1h", title: "1 hour", chart: "6h" },
];

/** How much time charts show, as the API takes it and as people say it. */
export interface ChartSpan {
  readonly chart: string;
  readonly chartTitle: string;
}

const SPANS: readonly (ChartSpan & { readonly ms: number })[] = [
  { chart: "1m", chartTitle: "minute", ms: 60_000 },
  { chart: "2m", chartTitle: "2 minutes", ms: 120_000 },
  { chart: "5m", chartTitle: "5 minutes", ms: 300_000 },
  { chart: "10m", chartTitle: "10 minutes", ms: 600_000 },
  { chart: "30m", chartTitle: "30 minutes", ms: 1_800_000 },
  { chart: "1h", chartTitle: "hour", ms: 3_600_000 },
  { chart: "3h", chartTitle: "3 hours", ms: 10_800_000 },
  { chart: "6h", chartTitle: "6 hours", ms: 21_600_000 },
];

/**
 * The span of charts beside a window: at least the window itself, and no longer than the mesh has been watched, or a
 * young one would have empty charts.
 */
export function chartOf(window: string, watchedMs: number): ChartSpan {
  const longest = WINDOWS.find((one) => one.window === window)?.chart;
  const from = SPANS.findIndex(({ chart }) => chart === window);
  const until = SPANS.findIndex(({ chart }) => chart === longest);
  const spans = longest === undefined ? [] : SPANS.slice(from, until + 1);
  const { chart, chartTitle } = spans.find(({ ms }) => ms >= watchedMs) ?? spans.at(-1) ??
    { chart: window, chartTitle: window };
  return { chart, chartTitle };
}

/** Kubernetes' own namespaces: what runs there is neither meshed nor waits to be. */
export function isKubernetesNamespace(name: string): boolean {
  return ["kube-system", "kube-public", "kube-node-lease"].includes(name);
}

/** A path with the window, unless it is the default. */
export function withWindow(path: string, window: string): string {
  return window === DEFAULT_WINDOW ? path : `${path}?window=${encodeURIComponent(window)}`;
}
