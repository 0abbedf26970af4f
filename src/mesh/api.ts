/**
 * The statistics API over HTTP (metrics-api, port 8080): what the command line, the dashboard and other tools ask for.
 *
 * GET only, JSON only, times in milliseconds since the epoch, windows as `30s`, `5m`, `1h`. A field that is missing was
 * not measured; 0 was. Errors are `{ error: MeshError }` with status 400, 404 or 500.
 */
import type { MeshError } from "./error.ts";

/** What can be asked about: singular, as in a Kubernetes kind. */
export const RESOURCE_KINDS = [
  "namespace",
  "deployment",
  "statefulset",
  "daemonset",
  "replicaset",
  "replicationcontroller",
  "job",
  "cronjob",
  "pod",
  "service",
  "authority",
] as const;
export type StatKind = typeof RESOURCE_KINDS[number];

/** Other spellings that are understood. */
const ALIASES: Readonly<Record<string, StatKind>> = {
  ns: "namespace",
  deploy: "deployment",
  sts: "statefulset",
  ds: "daemonset",
  rs: "replicaset",
  rc: "replicationcontroller",
  cj: "cronjob",
  po: "pod",
  svc: "service",
  au: "authority",
  authorities: "authority",
};

/** `deploy`, `deployments` or `Deployment` → `deployment`; undefined for what is not known. */
export function statKind(text: string): StatKind | undefined {
  const lower = text.toLowerCase();
  const known = (name: string) => RESOURCE_KINDS.find((kind) => kind === name);
  return ALIASES[lower] ?? known(lower) ?? known(lower.replace(/s$/, ""));
}

export interface ResourceName {
  readonly kind: StatKind;
  /** Empty for a namespace, and for an authority outside of the cluster. */
  readonly namespace: string;
  readonly name: string;
}

/** What was counted in the window. */
export interface RequestStats {
  readonly success: number;
  readonly failure: number;
  /** 0 to 1; missing without requests. */
  readonly successRate?: number;
  readonly rps: number;
  /** Milliseconds; missing without requests. */
  readonly latencyP50?: number;
  readonly latencyP95?: number;
  readonly latencyP99?: number;
  /** The part of the requests, 0 to 1, that came over mutual TLS; missing without requests. */
  readonly mtls?: number;
}

export interface TcpStats {
  readonly openConnections: number;
  readonly readBytesPerSecond: number;
  readonly writeBytesPerSecond: number;
}

export interface StatRow {
  readonly resource: ResourceName;
  /** Of a pod: its phase or why it waits. */
  readonly status?: string;
  /** Pods that are part of the mesh, of those that run; missing for services and authorities. */
  readonly meshedPods?: number;
  readonly runningPods?: number;
  readonly failedPods?: number;
  /** Missing when nothing was ever counted. */
  readonly requests?: RequestStats;
  readonly tcp?: TcpStats;
  /** Since the proxies started, as far back as this component remembers (its retention, for pods that are gone). */
  readonly total: { readonly success: number; readonly failure: number };
}

/** GET /api/v1/stat?kind=&namespace=&name=&window=&toKind=&to=&toNamespace=&fromKind=&from=&fromNamespace=&labels= */
export interface StatQuery {
  readonly kind: StatKind;
  /** Left out: all namespaces. */
  readonly namespace?: string;
  readonly name?: string;
  /** A label selector over pods; services and authorities have none. */
  readonly labels?: string;
  /** 10 s to 6 h; default `1m`. */
  readonly window?: string;
  /** Only traffic to this resource, as the clients saw it. */
  readonly toKind?: StatKind;
  readonly to?: string;
  readonly toNamespace?: string;
  /** Only traffic from this resource, as the clients saw it. */
  readonly fromKind?: StatKind;
  readonly from?: string;
  readonly fromNamespace?: string;
}

export interface StatResponse {
  readonly at: number;
  /** Milliseconds of the window that were asked for, and for how much of it there are figures. */
  readonly windowMs: number;
  readonly coveredMs: number;
  readonly rows: readonly StatRow[];
}

/** GET /api/v1/edges?kind=&namespace= */
export interface EdgesQuery {
  /** Default `deployment`: any workload. */
  readonly kind?: StatKind;
  readonly namespace?: string;
  readonly window?: string;
}

export interface Edge {
  readonly source: ResourceName;
  readonly destination: ResourceName;
  /** Identities as certified; empty without mutual TLS. */
  readonly clientId: string;
  readonly serverId: string;
  readonly isMtls: boolean;
  /** Why not; empty with mutual TLS. */
  readonly noTlsReason: string;
  readonly requests: RequestStats;
  readonly tcp: TcpStats;
}

export interface EdgesResponse {
  readonly at: number;
  readonly windowMs: number;
  readonly edges: readonly Edge[];
}

/** GET /api/v1/series?kind=&namespace=&name=&window=&step=&direction= */
export interface SeriesQuery {
  readonly kind: StatKind;
  readonly namespace?: string;
  readonly name: string;
  /** Default `10m`. */
  readonly window?: string;
  /** Default: what makes about 120 points, not below the scrape interval. */
  readonly step?: string;
  /** Default `inbound`; services and authorities are always `outbound`. */
  readonly direction?: "inbound" | "outbound";
}

export interface SeriesPoint {
  /** The end of the step. */
  readonly at: number;
  readonly requests: RequestStats;
  readonly tcp: TcpStats;
}

export interface SeriesResponse {
  readonly resource: ResourceName;
  readonly stepMs: number;
  readonly points: readonly SeriesPoint[];
}

export interface PodSummary {
  readonly name: string;
  readonly ip: string;
  readonly node: string;
  readonly phase: string;
  readonly isReady: boolean;
  readonly isMeshed: boolean;
  readonly identity: string;
  readonly proxyVersion: string;
  /** Milliseconds since its proxy was last scraped; missing when it never was. */
  readonly scrapedAgoMs?: number;
  /** Why the last scrape failed; missing when it did not. */
  readonly scrapeError?: string;
}

export interface Workload {
  readonly resource: ResourceName;
  readonly meshedPods: number;
  readonly runningPods: number;
  readonly pods: readonly PodSummary[];
}

/** GET /api/v1/workloads?namespace=&kind=&name= */
export interface WorkloadsResponse {
  readonly workloads: readonly Workload[];
}

export interface NamespaceSummary {
  readonly name: string;
  readonly meshedPods: number;
  readonly runningPods: number;
  readonly isControlPlane: boolean;
}

/** GET /api/v1/namespaces */
export interface NamespacesResponse {
  readonly namespaces: readonly NamespaceSummary[];
}

/** When a certificate that all others hang on ends. */
export interface CertificateEnd {
  readonly use: "issuer" | "anchor";
  readonly name: string;
  readonly serial: string;
  readonly validUntil: number;
}

/** GET /api/v1/status: whether figures can be believed, and until when the mesh's certificates hold. */
export interface StatusResponse {
  readonly version: string;
  readonly scrapeIntervalMs: number;
  readonly retentionMs: number;
  readonly targets: number;
  /** Targets whose last scrape failed. */
  readonly failing: number;
  readonly startedAt: number;
  /** Empty before the identity service has been heard; missing from a metrics-api older than the dashboard. */
  readonly certificates?: readonly CertificateEnd[];
}

export interface ErrorResponse {
  readonly error: MeshError;
}

/** The address of a query: parameters that are undefined are left out. */
export function apiPath(path: string, query: object = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === "" ? path : `${path}?${text}`;
}
