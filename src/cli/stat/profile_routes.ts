/** `linkerd routes`: what was counted by the routes of ServiceProfiles. Source: cli.md §3.2. */
import type { ProfileRouteRow, ProfileRoutesResponse } from "../../mesh/route_api.ts";
import { type Column, formatJson, formatRate, formatRps, formatTable } from "../../mesh/table.ts";
import type { Environment } from "../environment.ts";
import { usageFailure } from "../failure.ts";
import type { GlobalOptions } from "../global_options.ts";
import { openMetricsApi } from "../metrics_api.ts";
import { requestColumns, requestRecord } from "./request_figures.ts";
import { parseResource, parseResources, selectionOf, SHORT_KINDS } from "./resources.ts";

export interface ProfileRouteOptions {
  readonly namespace?: string;
  readonly timeWindow: string;
  readonly selector?: string;
  readonly to?: string;
  readonly toNamespace?: string;
  readonly output: "table" | "wide" | "json";
}

const routeName = ({ route }: ProfileRouteRow) => route === "" ? "[DEFAULT]" : route;

/** What the requests' clients saw beside what endpoints were asked: they differ by retries. */
function bothColumns(): Column<ProfileRouteRow>[] {
  const columns = requestColumns<ProfileRouteRow>(({ requests }) => requests);
  const rate = (title: string, value: Column<ProfileRouteRow>["value"]): Column<ProfileRouteRow> => ({
    title,
    align: "right",
    value,
  });
  return [
    rate("EFFECTIVE_SUCCESS", ({ requests }) => formatRate(requests.successRate)),
    rate("EFFECTIVE_RPS", ({ requests }) => formatRps(requests.rps)),
    rate("ACTUAL_SUCCESS", ({ actual }) => formatRate(actual?.successRate)),
    rate("ACTUAL_RPS", ({ actual }) => formatRps(actual?.rps)),
    ...columns.filter(({ title }) => title.startsWith("LATENCY")),
  ];
}

export function formatProfileRoutes(rows: readonly ProfileRouteRow[], isWide: boolean): string {
  return formatTable<ProfileRouteRow>([
    { title: "ROUTE", value: routeName },
    { title: "SERVICE", value: ({ service }) => isWide ? service : service.replace(/[.:].*$/, "") },
    ...(isWide && rows.some(({ actual }) => actual !== undefined)
      ? bothColumns()
      : requestColumns<ProfileRouteRow>(({ requests }) => requests)),
  ], rows);
}

const resourceOf = ({ resource: { kind, name } }: ProfileRouteRow) => `${SHORT_KINDS[kind]}/${name}`;

function record(row: ProfileRouteRow) {
  const { success, rps, ...latencies } = requestRecord(row.requests), attempts = requestRecord(row.actual);
  return {
    route: routeName(row),
    authority: row.service,
    effective_success: success,
    effective_rps: rps,
    actual_success: attempts.success,
    actual_rps: attempts.rps,
    ...latencies,
  };
}

/** The name and namespace of the Service that `--to` says. @throws MeshFailure where it is none */
function serviceOf({ to }: ProfileRouteOptions): string | undefined {
  if (to === undefined) return undefined;
  const { kind, name } = parseResource(to);
  if (kind === "service" && name !== undefined) return name;
  throw usageFailure("to-no-service", `--to ${to} is no Service`, "routes belong to Services: --to svc/NAME");
}

export async function profileRoutes(
  words: readonly string[],
  options: ProfileRouteOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  const resources = parseResources(words), to = serviceOf(options);
  const api = await openMetricsApi(global, environment);
  try {
    const namespace = options.namespace ?? api.namespace;
    const answers = await Promise.all(
      resources.map((resource) =>
        api.get<ProfileRoutesResponse>("/api/v1/routes", {
          ...selectionOf(resource, options, namespace),
          to,
          toNamespace: to === undefined ? undefined : options.toNamespace ?? namespace,
        })
      ),
    );
    const groups = Map.groupBy(answers.flatMap(({ rows }) => rows), resourceOf);
    if (options.output === "json") {
      const records = [...groups].map(([resource, rows]) => [resource, rows.map(record)]);
      return environment.print(formatJson(Object.fromEntries(records)));
    }
    if (groups.size === 0) return environment.tell("No traffic found.\n");
    const tables = [...groups].map(([resource, rows]) =>
      (groups.size > 1 ? `==> ${resource} <==\n` : "") + formatProfileRoutes(rows, options.output === "wide")
    );
    environment.print(tables.join("\n"));
  } finally {
    api.close();
  }
}
