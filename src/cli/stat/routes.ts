/** `linkerd stat-inbound`, `stat-outbound` and `viz authz`: what was counted by route. Source: cli.md §3.2. */
import type { AuthorizationRow, InboundRouteRow, OutboundRouteRow } from "../../mesh/route_api.ts";
import { formatJson } from "../../mesh/table.ts";
import type { Environment } from "../environment.ts";
import type { GlobalOptions } from "../global_options.ts";
import { openMetricsApi } from "../metrics_api.ts";
import { parseResources, selectionOf } from "./resources.ts";
import {
  authorizationRecord,
  formatAuthorizations,
  formatInbound,
  formatOutbound,
  inboundRecord,
  outboundRecord,
  type Table,
} from "./route_rows.ts";

export interface RouteOptions {
  readonly namespace?: string;
  readonly allNamespaces: boolean;
  readonly timeWindow: string;
  readonly selector?: string;
  readonly output: "table" | "json";
}

interface Kind<Row> {
  readonly path: string;
  format(rows: readonly Row[], table: Table): string;
  record(row: Row): object;
}

const INBOUND: Kind<InboundRouteRow> = { path: "stat-inbound", format: formatInbound, record: inboundRecord };
const OUTBOUND: Kind<OutboundRouteRow> = {
  path: "stat-outbound",
  format: formatOutbound,
  record: outboundRecord,
};
const AUTHORIZATIONS: Kind<AuthorizationRow> = {
  path: "authz",
  format: formatAuthorizations,
  record: authorizationRecord,
};

async function tell<Row>(
  kind: Kind<Row>,
  words: readonly string[],
  options: RouteOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  const resources = parseResources(words), api = await openMetricsApi(global, environment);
  try {
    const namespace = options.allNamespaces ? undefined : options.namespace ?? api.namespace;
    const answers = await Promise.all(
      resources.map((resource) =>
        api.get<{ readonly rows: readonly Row[] }>(
          `/api/v1/${kind.path}`,
          selectionOf(resource, options, namespace),
        )
      ),
    );
    const rows = answers.flatMap((answer) => answer.rows);
    if (options.output === "json") return environment.print(formatJson(rows.map((row) => kind.record(row))));
    if (rows.length === 0) return environment.tell("No traffic found.\n");
    environment.print(kind.format(rows, {
      hasNamespace: options.allNamespaces,
      isOneOfSeveral: resources.length > 1,
    }));
  } finally {
    api.close();
  }
}

type Arguments = [
  words: readonly string[],
  options: RouteOptions,
  global: GlobalOptions,
  environment: Environment,
];

export const statInbound = (...all: Arguments): Promise<void> => tell(INBOUND, ...all);
export const statOutbound = (...all: Arguments): Promise<void> => tell(OUTBOUND, ...all);
export const authorizations = (...all: Arguments): Promise<void> => tell(AUTHORIZATIONS, ...all);
