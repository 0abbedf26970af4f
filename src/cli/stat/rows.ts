/** Rows of `stat` as a table and as Linkerd's JSON. Source: cli.md §3.2. */
import type { StatKind, StatRow } from "../../mesh/api.ts";
import { type Column, formatByteRate, formatRate, formatTable } from "../../mesh/table.ts";
import { requestColumns, requestRecord } from "./request_figures.ts";
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
  ...requestColumns<StatRow>(({ requests }) => requests),
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
    ...requestRecord(requests),
    tcp_open_connections: tcp?.openConnections ?? null,
    tcp_read_bytes_rate: tcp?.readBytesPerSecond ?? null,
    tcp_write_bytes_rate: tcp?.writeBytesPerSecond ?? null,
    mtls: requests?.mtls ?? null,
    total_success: total.success,
    total_failure: total.failure,
  };
}
