/** `linkerd edges`: who talks to whom, under which identities. */
import type { Edge, EdgesQuery, EdgesResponse, StatKind } from "../../../mesh/api.ts";
import { compare } from "../inventory.ts";
import { coveredMs, type StatisticsContext, windowOf } from "./context.ts";
import { allOf, type Condition, requestStats, type Row, tcpStats } from "./rows.ts";

/** Connections between resources, and what secures them. */
export function edges(context: StatisticsContext, query: EdgesQuery): EdgesResponse {
  const windowMs = windowOf(context, query.window, "1m");
  const at = context.now();
  const seconds = coveredMs(context, windowMs, at) / 1000;
  const isByPod = query.kind === "pod";
  const isByNamespace = query.kind === "namespace";
  const source = isByPod ? "f.pod" : isByNamespace ? "f.namespace" : "f.workload";
  const destination = isByPod ? "f.dstPod" : isByNamespace ? "f.dstNamespace" : "f.dstWorkload";
  const names = `f.namespace AS namespace, ${isByPod ? "'pod'" : "f.workloadKind"} AS sourceKind,
    ${source} AS source, f.dstNamespace AS dstNamespace,
    ${isByPod ? "'pod'" : "f.dstWorkloadKind"} AS destinationKind, ${destination} AS destination,
    f.serverId AS serverId, f.tls AS tls, f.noTlsReason AS noTlsReason`;
  const conditions: Condition[] = [{
    sql: `f.direction = 'outbound' AND ${destination} <> ''`,
    parameters: [],
  }];
  if (query.namespace !== undefined && query.namespace !== "") {
    conditions.push({
      sql: "(f.namespace = ? OR f.dstNamespace = ?)",
      parameters: [query.namespace, query.namespace],
    });
  }
  if (query.kind !== undefined && !isByPod && !isByNamespace) {
    conditions.push({
      sql: "(f.workloadKind = ? OR f.dstWorkloadKind = ?)",
      parameters: [query.kind, query.kind],
    });
  }
  const shape = {
    select: `${names}, MAX(f.pod) AS samplePod, f.kind AS flowKind`,
    ...allOf(conditions),
    group: "1, 2, 3, 4, 5, 6, 7, 8, 9, flowKind",
  };
  const found = new Map<string, { row: Row; http?: Row; tcp?: Row; open: number }>();
  const keyed = (row: Row) =>
    [
      row.namespace,
      row.sourceKind,
      row.source,
      row.dstNamespace,
      row.destinationKind,
      row.destination,
      row.serverId,
      row.tls,
      row.noTlsReason,
    ].join("\n");
  const entry = (row: Row) => {
    const key = keyed(row);
    let one = found.get(key);
    if (one === undefined) found.set(key, one = { row, open: 0 });
    return one;
  };
  for (const row of context.store.sum({ from: at - windowMs, until: at }, shape)) {
    const isHttp = row.flowKind === "http";
    if (
      isHttp ? Number(row.success) + Number(row.failure) > 0 : Number(row.opened) + Number(row.read) > 0
    ) {
      entry(row)[isHttp ? "http" : "tcp"] = row;
    }
  }
  for (const row of context.store.totals(shape)) {
    if (Number(row.openNow) > 0) entry(row).open += Number(row.openNow);
  }
  return {
    at,
    windowMs,
    edges: [...found.values()].map(({ row, http, tcp, open }): Edge => {
      const isMtls = row.tls === "true";
      const client = context.inventory.pod(String(row.namespace), String(row.samplePod));
      const kindOf = (kind: string | number | undefined) =>
        (isByNamespace ? "namespace" : String(kind)) as StatKind;
      const namespaceOf = (name: string | number | undefined) => isByNamespace ? "" : String(name);
      return {
        source: {
          kind: kindOf(row.sourceKind),
          namespace: namespaceOf(row.namespace),
          name: String(row.source),
        },
        destination: {
          kind: kindOf(row.destinationKind),
          namespace: namespaceOf(row.dstNamespace),
          name: String(row.destination),
        },
        clientId: isMtls ? client?.identity ?? "" : "",
        serverId: String(row.serverId),
        isMtls,
        noTlsReason: isMtls ? "" : String(row.noTlsReason),
        requests: requestStats(http, seconds),
        tcp: tcpStats(tcp, open, seconds),
      };
    }).sort((left, right) =>
      compare(left.source.namespace, right.source.namespace) ||
      compare(left.source.name, right.source.name) ||
      compare(left.destination.name, right.destination.name)
    ),
  };
}
