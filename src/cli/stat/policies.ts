/** `linkerd stat` of Servers, authorizations and routes of Servers. Source: cli.md §3.2. */
import type { PoliciesResponse, PolicyKind, PolicyRow } from "../../mesh/route_api.ts";
import { type Column, formatRps, formatTable } from "../../mesh/table.ts";
import type { MetricsApi } from "../metrics_api.ts";
import { requestColumns, requestRecord } from "./request_figures.ts";
import type { Subject } from "./resources.ts";

const SHORT_KINDS: Readonly<Record<PolicyKind, string>> = {
  server: "srv",
  serverauthorization: "saz",
  authorizationpolicy: "authzpolicy",
  httproute: "httproute",
  grpcroute: "grpcroute",
};

export interface PolicyTable {
  readonly hasNamespace: boolean;
  /** Then names say their kind. */
  readonly isOneOfSeveral: boolean;
}

export async function readPolicies(
  api: MetricsApi,
  subjects: readonly (Subject & { readonly kind: PolicyKind })[],
  namespace: string | undefined,
  window: string,
): Promise<Map<PolicyKind, PolicyRow[]>> {
  const answers = await Promise.all(subjects.map(async ({ kind, name }) => ({
    kind,
    ...await api.get<PoliciesResponse>("/api/v1/stat-policies", { kind, name, namespace, window }),
  })));
  const rows = new Map<PolicyKind, PolicyRow[]>();
  for (const { kind, rows: more } of answers) rows.set(kind, [...rows.get(kind) ?? [], ...more]);
  return rows;
}

export function formatPolicies(kind: PolicyKind, rows: readonly PolicyRow[], table: PolicyTable): string {
  const prefix = table.isOneOfSeveral ? `${SHORT_KINDS[kind]}/` : "";
  const only = (isTold: boolean, column: Column<PolicyRow>) => isTold ? [column] : [];
  return formatTable<PolicyRow>([
    ...only(table.hasNamespace, { title: "NAMESPACE", value: ({ namespace }) => namespace }),
    { title: "NAME", value: ({ name }) => prefix + name },
    ...only(rows.some(({ server }) => server !== undefined), {
      title: "SERVER",
      value: ({ server }) => server,
    }),
    ...only(rows.some(({ deniedRps }) => deniedRps !== undefined), {
      title: "UNAUTHORIZED",
      align: "right",
      value: ({ deniedRps }) => formatRps(deniedRps),
    }),
    ...requestColumns<PolicyRow>(({ requests }) => requests),
  ], rows);
}

export function policyRecord(kind: PolicyKind, { namespace, name, server, deniedRps, requests }: PolicyRow) {
  return {
    namespace,
    kind,
    name,
    ...(server === undefined ? {} : { server }),
    ...(deniedRps === undefined ? {} : { unauthorized: deniedRps }),
    ...requestRecord(requests),
  };
}
