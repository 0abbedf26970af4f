/** `linkerd edges`: who talks to whom, under which identities. Source: cli.md §3.2. */
import type { Edge, EdgesResponse } from "../../mesh/api.ts";
import { parseServiceAccountIdentity } from "../../mesh/identity.ts";
import { type Column, formatJson, formatTable } from "../../mesh/table.ts";
import type { Environment } from "../environment.ts";
import type { GlobalOptions } from "../global_options.ts";
import { openMetricsApi } from "../metrics_api.ts";
import { parseResource } from "./resources.ts";

export interface EdgesOptions {
  readonly namespace?: string;
  readonly allNamespaces: boolean;
  readonly timeWindow: string;
  readonly output: "table" | "wide" | "json";
}

/** `web.shop.serviceaccount.identity.linkerd.cluster.local` → `web.shop`; other names stay as they are. */
function shortIdentity(identity: string): string | undefined {
  const parts = parseServiceAccountIdentity(identity);
  return parts === undefined ? identity || undefined : `${parts.name}.${parts.namespace}`;
}

function columns(isWide: boolean): Column<Edge>[] {
  const identities: Column<Edge>[] = [
    { title: "CLIENT_ID", value: ({ clientId }) => shortIdentity(clientId) },
    { title: "SERVER_ID", value: ({ serverId }) => shortIdentity(serverId) },
  ];
  return [
    { title: "SRC", value: ({ source }) => source.name },
    { title: "DST", value: ({ destination }) => destination.name },
    { title: "SRC_NS", value: ({ source }) => source.namespace || undefined },
    { title: "DST_NS", value: ({ destination }) => destination.namespace || undefined },
    ...(isWide ? identities : []),
    { title: "SECURED", value: ({ isMtls, noTlsReason }) => isMtls ? "√" : noTlsReason || "no" },
  ];
}

function edgeRecord({ source, destination, clientId, serverId, noTlsReason, isMtls }: Edge) {
  return {
    src: source.name,
    src_namespace: source.namespace,
    dst: destination.name,
    dst_namespace: destination.namespace,
    client_id: clientId,
    server_id: serverId,
    no_tls_reason: isMtls ? "" : noTlsReason,
  };
}

export async function edges(
  word: string,
  options: EdgesOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  const { kind, name } = parseResource(word), api = await openMetricsApi(global, environment);
  try {
    const answer = await api.get<EdgesResponse>("/api/v1/edges", {
      kind,
      namespace: options.allNamespaces ? undefined : options.namespace ?? api.namespace,
      window: options.timeWindow,
    });
    const found = name === undefined
      ? answer.edges
      : answer.edges.filter(({ source, destination }) => source.name === name || destination.name === name);
    if (options.output === "json") return environment.print(formatJson(found.map(edgeRecord)));
    if (found.length === 0) return environment.tell("No edges found.\n");
    environment.print(formatTable(columns(options.output === "wide"), found));
  } finally {
    api.close();
  }
}
