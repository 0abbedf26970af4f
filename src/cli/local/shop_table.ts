/** The demo's table: what the mesh knows of each workload of the shop. */
import type { KubeClient } from "../../kube/client.ts";
import { getJson } from "../../kube/service_proxy.ts";
import { apiPath, type StatKind, type StatResponse, type StatRow } from "../../mesh/api.ts";
import { CONTROL_PLANE_NAMESPACE } from "../../mesh/names.ts";
import { type Column, formatLatency, formatRate, formatRps, formatTable } from "../../mesh/table.ts";

const METRICS_API = { namespace: CONTROL_PLANE_NAMESPACE, name: "metrics-api", port: 8080 };
const KINDS: readonly StatKind[] = ["deployment", "statefulset"];
/** Serves nothing: it is the one that asks. */
const CLIENTS: ReadonlySet<string> = new Set(["load"]);
/** Speaks no HTTP: it is counted by connections. */
const TCP_ONLY: ReadonlySet<string> = new Set(["store"]);
const WANTED_REQUESTS = 500;

export interface ShopState {
  readonly at: number;
  readonly rows: readonly StatRow[];
}

/** Asks the mesh's own API. */
export async function readShop(client: KubeClient, namespace: string): Promise<ShopState> {
  const answers = await Promise.all(
    KINDS.map((kind) =>
      getJson<StatResponse>(client, METRICS_API, apiPath("/api/v1/stat", { kind, namespace, window: "30s" }))
    ),
  );
  const rows = answers.flatMap((answer) => answer.rows)
    .sort((a, b) => a.resource.name < b.resource.name ? -1 : 1);
  return { at: answers[0]!.at, rows };
}

/** What is still missing before the demo can be called complete; undefined when nothing is. */
export function isComplete({ rows }: ShopState): string | undefined {
  if (rows.length === 0) return "no workloads yet";
  for (const row of rows) {
    const { name } = row.resource;
    if ((row.meshedPods ?? 0) === 0 || row.meshedPods !== row.runningPods) return `${name} is not meshed`;
    if (CLIENTS.has(name)) continue;
    if (TCP_ONLY.has(name)) {
      if ((row.tcp?.openConnections ?? 0) > 0) continue;
      return `${name} has no open connection`;
    }
    const served = row.total.success + row.total.failure;
    if (served < WANTED_REQUESTS) return `${name} has served ${served} of ${WANTED_REQUESTS} requests`;
  }
  return undefined;
}

const COLUMNS: readonly Column<StatRow>[] = [
  { title: "WORKLOAD", value: ({ resource }) => `${resource.kind}/${resource.name}` },
  { title: "MESHED", align: "right", value: (row) => `${row.meshedPods ?? 0}/${row.runningPods ?? 0}` },
  { title: "SUCCESS", align: "right", value: ({ requests }) => formatRate(requests?.successRate) },
  { title: "RPS", align: "right", value: ({ requests }) => formatRps(requests?.rps) },
  { title: "LATENCY_P50", align: "right", value: ({ requests }) => formatLatency(requests?.latencyP50) },
  { title: "LATENCY_P95", align: "right", value: ({ requests }) => formatLatency(requests?.latencyP95) },
  { title: "LATENCY_P99", align: "right", value: ({ requests }) => formatLatency(requests?.latencyP99) },
  { title: "MTLS", align: "right", value: ({ requests }) => formatRate(requests?.mtls) },
  { title: "TCP_CONN", align: "right", value: ({ tcp }) => tcp?.openConnections },
];

export function formatShop({ rows }: ShopState): string {
  return formatTable(COLUMNS, rows);
}
