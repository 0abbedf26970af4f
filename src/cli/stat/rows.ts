/** Rows of `stat` as a table and as Linkerd's JSON. Source: cli.md §3.2. */
import type { StatKind, StatRow } from "../../mesh/api.ts";
import {
  type Column,
  formatByteRate,
  formatLatency,
  formatRate,
  formatRps,
  formatTable,
} from "../../mesh/table.ts";
import { SHORT_KINDS } from "./resources.ts";

export interface StatTable {
  readonly hasNamespace: boolean;
  readonly isWide: boolean;
  /** Then names say their kind. */
  readonly isOneOfSeveral: boolean;
}

function meshedOf({ meshedPods, runningPods }: StatRow): string | undefined {
  return runningPods === undefined ? undefined : `${meshedPods ?? 0}/${runningPods}`;
}

const FIGURES: readonly Column<StatRow>[] = [
  { title: "MESHED", align: "right", value: meshedOf },
  { title: "SUCCESS", align: "right", value: ({ requests }) => formatRate(requests?.successRate) },
  { title: "RPS", align: "right", value: ({ requests }) => formatRps(requests?.rps) },
  { title: "LATENCY_P50", align: "right", value: ({ requests }) => formatLatency(requests?.latencyP50) },
  { title: "LATENCY_P95", align: "right", value: ({ requests }) => formatLatency(requests?.latencyP95) },
  { title: "LATENCY_P99", align: "right", value: ({ requests }) => formatLatency(requests?.latencyP99) },
  { title: "TCP_CONN", align: "right", value: ({ tcp }) => tcp?.openConnections },
];

/** Linkerd's two, and two of this mesh's own after them. */
const WIDE: readonly Column<StatRow>[] = [
  { title: "READ_BYTES/SEC", align: "right", value: ({ tcp }) => formatByteRate(tcp?.readBytesPerSecond) },
  { title: "WRITE_BYTES/SEC", align: "right", value: ({ tcp }) => formatByteRate(tcp?.writeBytesPerSecond) },
  { title: "MTLS", align: "right", value: ({ requests }) => formatRate(requests?.mtls) },
  { title: "TOTAL", align: "right", value: ({ total }) => total.success + total.failure },
];

export function formatStat(kind: StatKind, rows: readonly StatRow[], table: StatTable): string {
  const prefix = table.isOneOfSeveral ? `${SHORT_KINDS[kind]}/` : "";
  const columns: Column<StatRow>[] = [
    ...(table.hasNamespace
      ? [{ title: "NAMESPACE", value: ({ resource }: StatRow) => resource.namespace || undefined }]
      : []),
    { title: "NAME", value: ({ resource }) => prefix + resource.name },
    ...(kind === "pod" ? [{ title: "STATUS", value: ({ status }: StatRow) => status }] : []),
    ...FIGURES,
    ...(table.isWide ? WIDE : []),
  ];
  return formatTable(columns, rows);
}

/** One row by Linkerd's names, null where nothing was counted; the last three are this mesh's own. */
export function statRecord(row: StatRow): Record<string, unknown> {
  const { resource, requests, tcp, status, total } = row, meshed = meshedOf(row);
  return {
    namespace: resource.namespace,
    kind: resource.kind,
    name: resource.name,
    ...(status === undefined ? {} : { status }),
    ...(meshed === undefined ? {} : { meshed }),
    success: requests?.successRate ?? null,
    rps: requests?.successRate === undefined ? null : requests.rps,
    latency_ms_p50: requests?.latencyP50 ?? null,
    latency_ms_p95: requests?.latencyP95 ?? null,
    latency_ms_p99: requests?.latencyP99 ?? null,
    tcp_open_connections: tcp?.openConnections ?? null,
    tcp_read_bytes_rate: tcp?.readBytesPerSecond ?? null,
    tcp_write_bytes_rate: tcp?.writeBytesPerSecond ?? null,
    mtls: requests?.mtls ?? null,
    total_success: total.success,
    total_failure: total.failure,
  };
}
