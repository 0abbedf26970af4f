/** `linkerd stat` and `linkerd edges`: what the mesh counted, by Linkerd's columns. Source: cli.md §3 (viz stat). */
import { getJson } from "../../kube/service_proxy.ts";
import {
  apiPath,
  type Edge,
  type EdgesResponse,
  RESOURCE_KINDS,
  type StatKind,
  statKind,
  type StatResponse,
  type StatRow,
} from "../../mesh/api.ts";
import { MeshFailure } from "../../mesh/error.ts";
import {
  type Column,
  formatJson,
  formatLatency,
  formatRate,
  formatRps,
  formatTable,
} from "../../mesh/table.ts";
import { connect } from "../connect.ts";
import type { GlobalOptions } from "../global_options.ts";
import { nearest } from "./set_values.ts";

export interface StatOptions {
  readonly namespace?: string;
  readonly allNamespaces: boolean;
  readonly timeWindow: string;
  readonly to?: string;
  readonly toNamespace?: string;
  readonly from?: string;
  readonly fromNamespace?: string;
  readonly selector?: string;
  readonly output: string;
}

const PORT = 8080;

/** `deploy/web` or `deploy web`. @throws MeshFailure that names the nearest kind */
export function parseResource(text: string, name?: string): { kind: StatKind; name: string | undefined } {
  const slash = text.indexOf("/"), word = slash < 0 ? text : text.slice(0, slash), kind = statKind(word);
  if (kind !== undefined) return { kind, name: slash < 0 ? name : text.slice(slash + 1) };
  throw new MeshFailure({
    code: "kind-unknown",
    source: "usage",
    detail: `there are no figures for "${word}"`,
    remedy: `did you mean ${nearest(word.toLowerCase(), RESOURCE_KINDS)}? Kinds: ${
      RESOURCE_KINDS.join(", ")
    }`,
  });
}

function columns(isAll: boolean, isWide: boolean): Column<StatRow>[] {
  const namespace: Column<StatRow>[] = isAll
    ? [{ title: "NAMESPACE", value: ({ resource }) => resource.namespace }]
    : [];
  const wide: Column<StatRow>[] = isWide
    ? [
      { title: "MTLS", align: "right", value: ({ requests }) => formatRate(requests?.mtls) },
      { title: "TOTAL", align: "right", value: ({ total }) => total.success + total.failure },
    ]
    : [];
  return [
    ...namespace,
    { title: "NAME", value: ({ resource }) => resource.name },
    {
      title: "MESHED",
      align: "right",
      value: ({ meshedPods, runningPods }) =>
        runningPods === undefined ? undefined : `${meshedPods ?? 0}/${runningPods}`,
    },
    { title: "SUCCESS", align: "right", value: ({ requests }) => formatRate(requests?.successRate) },
    { title: "RPS", align: "right", value: ({ requests }) => formatRps(requests?.rps) },
    { title: "LATENCY_P50", align: "right", value: ({ requests }) => formatLatency(requests?.latencyP50) },
    { title: "LATENCY_P95", align: "right", value: ({ requests }) => formatLatency(requests?.latencyP95) },
    { title: "LATENCY_P99", align: "right", value: ({ requests }) => formatLatency(requests?.latencyP99) },
    { title: "TCP_CONN", align: "right", value: ({ tcp }) => tcp?.openConnections },
    ...wide,
  ];
}

export async function stat(
  resources: readonly string[],
  options: StatOptions,
  global: GlobalOptions,
): Promise<void> {
  const { kind, name } = parseResource(resources[0]!, resources[1]);
  const to = options.to === undefined ? undefined : parseResource(options.to);
  const from = options.from === undefined ? undefined : parseResource(options.from);
  const { client, namespace } = await connect(global);
  try {
    const where = options.allNamespaces || kind === "namespace" ? undefined : options.namespace ?? namespace;
    const query = {
      kind,
      name: kind === "namespace" ? name ?? options.namespace : name,
      namespace: where,
      window: options.timeWindow,
      labels: options.selector,
      toKind: to?.kind,
      to: to?.name,
      toNamespace: options.toNamespace,
      fromKind: from?.kind,
      from: from?.name,
      fromNamespace: options.fromNamespace,
    };
    const service = { namespace: global.linkerdNamespace, name: "metrics-api", port: PORT };
    const answer = await getJson<StatResponse>(client, service, apiPath("/api/v1/stat", query));
    if (options.output === "json") return console.log(formatJson(answer).trimEnd());
    if (answer.rows.length === 0) {
      return console.error(`No traffic found for ${kind}s${where === undefined ? "" : ` in ${where}`}.`);
    }
    console.log(formatTable(columns(where === undefined, options.output === "wide"), answer.rows).trimEnd());
  } finally {
    client.close();
  }
}

const EDGE_COLUMNS: readonly Column<Edge>[] = [
  { title: "SRC", value: ({ source }) => source.name },
  { title: "DST", value: ({ destination }) => destination.name },
  { title: "SRC_NS", value: ({ source }) => source.namespace },
  { title: "DST_NS", value: ({ destination }) => destination.namespace },
  { title: "SECURED", value: ({ isMtls, noTlsReason }) => isMtls ? "√" : noTlsReason || "no" },
];

export async function edges(
  kind: string,
  options: { readonly namespace?: string; readonly allNamespaces: boolean; readonly output: string },
  global: GlobalOptions,
): Promise<void> {
  const wanted = parseResource(kind).kind, { client, namespace } = await connect(global);
  try {
    const query = {
      kind: wanted,
      namespace: options.allNamespaces ? undefined : options.namespace ?? namespace,
    };
    const service = { namespace: global.linkerdNamespace, name: "metrics-api", port: PORT };
    const answer = await getJson<EdgesResponse>(client, service, apiPath("/api/v1/edges", query));
    if (options.output === "json") return console.log(formatJson(answer).trimEnd());
    console.log(formatTable(EDGE_COLUMNS, answer.edges).trimEnd());
  } finally {
    client.close();
  }
}
