/** From flows to resources: which columns name one, and what sums say of it. */
import type { RequestStats, StatKind, TcpStats } from "../../../mesh/api.ts";
import { quantile } from "../histogram.ts";
import { LATENCY_COLUMNS } from "../store.ts";

export type Row = Record<string, string | number>;

/** SQL over a flow (alias f), with what fills its `?`. */
export interface Condition {
  readonly sql: string;
  readonly parameters: readonly (string | number)[];
}

/** The `where` and `parameters` of several conditions that hold together. */
export function allOf(conditions: readonly Condition[]): { where: string; parameters: (string | number)[] } {
  return {
    where: conditions.map((one) => `(${one.sql})`).join(" AND "),
    parameters: conditions.flatMap((one) => one.parameters),
  };
}

/** Which columns of a flow name a resource, on the side that was scraped or on the peer's. */
export function columns(
  kind: StatKind,
  side: "own" | "peer",
): { namespace: string; name: string; condition: Condition } {
  const is = (sql: string, ...parameters: string[]): Condition => ({ sql, parameters });
  const prefix = side === "own" ? "" : "dst";
  const column = (name: string) =>
    `f.${prefix === "" ? name : prefix + name[0]!.toUpperCase() + name.slice(1)}`;
  const namespace = column("namespace");
  switch (kind) {
    case "namespace":
      return { namespace: "''", name: namespace, condition: is(`${namespace} <> ''`) };
    case "pod":
      return { namespace, name: column("pod"), condition: is(`${column("pod")} <> ''`) };
    case "service":
      return { namespace: "f.dstNamespace", name: "f.dstService", condition: is("f.dstService <> ''") };
    case "authority":
      return { namespace: "f.dstNamespace", name: "f.authority", condition: is("f.authority <> ''") };
    default:
      return {
        namespace,
        name: column("workload"),
        condition: is(`${column("workloadKind")} = ?`, kind),
      };
  }
}

/** @param bounds of the latencies that were counted, in milliseconds */
export function requestStats(
  row: Row | undefined,
  seconds: number,
  bounds?: readonly number[],
): RequestStats {
  const success = Number(row?.success ?? 0);
  const failure = Number(row?.failure ?? 0);
  const count = success + failure;
  const base = { success, failure, rps: seconds > 0 ? count / seconds : 0 };
  if (row === undefined || count === 0) return base;
  const latency = LATENCY_COLUMNS.map((column) => Number(row[column] ?? 0));
  const at = (q: number) => quantile(latency, q, bounds);
  const [latencyP50, latencyP95, latencyP99] = [at(0.5), at(0.95), at(0.99)];
  return {
    ...base,
    successRate: success / count,
    ...(latencyP50 === undefined ? {} : { latencyP50 }),
    ...(latencyP95 === undefined ? {} : { latencyP95 }),
    ...(latencyP99 === undefined ? {} : { latencyP99 }),
    ...(row.secured === undefined ? {} : { mtls: Number(row.secured) / count }),
  };
}

export function tcpStats(row: Row | undefined, open: number, seconds: number): TcpStats {
  const rate = (column: string) => seconds > 0 ? Number(row?.[column] ?? 0) / seconds : 0;
  return {
    openConnections: open,
    readBytesPerSecond: rate("read"),
    writeBytesPerSecond: rate("written"),
  };
}

/** Rows by `namespace/name`, then by kind of flow. */
export function byResource(rows: readonly Row[]): Map<string, Map<string, Row>> {
  const grouped = new Map<string, Map<string, Row>>();
  for (const row of rows) {
    const key = `${row.namespace}/${row.name}`;
    let kinds = grouped.get(key);
    if (kinds === undefined) grouped.set(key, kinds = new Map());
    kinds.set(String(row.flowKind), row);
  }
  return grouped;
}
