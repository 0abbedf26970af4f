/** Rows of statistics by route, as tables and as JSON. Source: cli.md §3.2. */
import type { RequestStats } from "../../mesh/api.ts";
import type {
  AuthorizationRow,
  InboundRouteRow,
  OutboundRouteRow,
  OutboundStats,
  PortName,
  RouteName,
} from "../../mesh/route_api.ts";
import { type Column, formatLatency, formatRate, formatRps, formatTable } from "../../mesh/table.ts";
import { SHORT_KINDS } from "./resources.ts";

type Resource = InboundRouteRow["resource"];

/** @param apartFromMs latencies of a row below so many milliseconds are a guess */
function figures<Row>(
  stats: (row: Row) => RequestStats,
  apartFromMs: (row: Row) => number = () => 0,
): Column<Row>[] {
  const latency = (title: string, of: (requests: RequestStats) => number | undefined): Column<Row> => ({
    title,
    align: "right",
    value: (row) => {
      const milliseconds = of(stats(row)), least = apartFromMs(row);
      return milliseconds !== undefined && milliseconds < least ? `<${least}ms` : formatLatency(milliseconds);
    },
  });
  return [
    { title: "SUCCESS", align: "right", value: (row) => formatRate(stats(row).successRate) },
    { title: "RPS", align: "right", value: (row) => formatRps(stats(row).rps) },
    latency("LATENCY_P50", ({ latencyP50 }) => latencyP50),
    latency("LATENCY_P95", ({ latencyP95 }) => latencyP95),
    latency("LATENCY_P99", ({ latencyP99 }) => latencyP99),
  ];
}

/** Figures by the names of Linkerd's JSON. */
function figuresRecord({ successRate, rps, latencyP50, latencyP95, latencyP99 }: RequestStats) {
  return {
    success: successRate ?? null,
    rps: successRate === undefined ? null : rps,
    latency_ms_p50: latencyP50 ?? null,
    latency_ms_p95: latencyP95 ?? null,
    latency_ms_p99: latencyP99 ?? null,
  };
}

const serverName = ({ kind, name, port }: PortName) => kind === "default" ? "[default]" : `${name}:${port}`;
const routeName = ({ kind, name }: RouteName) => kind === "default" ? "[default]" : name;
const routeType = ({ kind }: RouteName) => kind === "default" ? "" : kind;
const nameOf = ({ kind, name }: Resource, isOneOfSeveral: boolean) =>
  isOneOfSeveral ? `${SHORT_KINDS[kind]}/${name}` : name;

export interface Table {
  readonly hasNamespace: boolean;
  readonly isOneOfSeveral: boolean;
}

function named<Row>(table: Table, resource: (row: Row) => Resource | undefined): Column<Row>[] {
  const name = (row: Row) => {
    const one = resource(row);
    return one === undefined ? "" : nameOf(one, table.isOneOfSeveral);
  };
  const namespace = (row: Row) => resource(row)?.namespace ?? "";
  const column: Column<Row> = { title: "NAME", value: name };
  return table.hasNamespace ? [{ title: "NAMESPACE", value: namespace }, column] : [column];
}

export function formatInbound(rows: readonly InboundRouteRow[], table: Table): string {
  return formatTable<InboundRouteRow>([
    ...named<InboundRouteRow>(table, ({ resource }) => resource),
    { title: "SERVER", value: ({ server }) => serverName(server) },
    { title: "ROUTE", value: ({ route }) => routeName(route) },
    { title: "TYPE", value: ({ route }) => routeType(route) },
    ...figures<InboundRouteRow>(({ requests }) => requests),
  ], rows);
}

/** A line of a route, or of one of its backends. */
interface OutboundLine {
  readonly row: OutboundRouteRow | undefined;
  readonly backend: string;
  readonly stats: OutboundStats;
  readonly retries: number | undefined;
}

function linesOf(row: OutboundRouteRow): OutboundLine[] {
  const { backends, retries } = row;
  return [
    { row, backend: "", stats: row, retries },
    ...backends.map((stats, index): OutboundLine => {
      const { name, port } = stats.backend, branch = index === backends.length - 1 ? "└─►" : "├─►";
      return { row: undefined, backend: `${branch} ${name}:${port}`, stats, retries: undefined };
    }),
  ];
}

/** A part of all requests, as Linkerd tells timeouts and retries. */
function share(count: number, { success, failure }: RequestStats, besides = 0): string | undefined {
  const all = success + failure + besides;
  return all === 0 ? undefined : formatRate(count / all);
}

export function formatOutbound(rows: readonly OutboundRouteRow[], table: Table): string {
  return formatTable<OutboundLine>([
    ...named<OutboundLine>(table, ({ row }) => row?.resource),
    {
      title: "SERVICE",
      value: ({ row }) => row === undefined ? "" : `${row.parent.name}:${row.parent.port}`,
    },
    { title: "ROUTE", value: ({ row }) => row === undefined ? "" : routeName(row.route) },
    { title: "TYPE", value: ({ row }) => row === undefined ? "" : routeType(row.route) },
    { title: "BACKEND", value: ({ backend }) => backend },
    ...figures<OutboundLine>(({ stats }) => stats.requests, ({ stats }) => stats.toldApartFromMs),
    { title: "TIMEOUTS", align: "right", value: ({ stats }) => share(stats.timeouts, stats.requests) },
    {
      title: "RETRIES",
      align: "right",
      value: ({ retries, stats }) => retries === undefined ? "" : share(retries, stats.requests, retries),
    },
  ], rows.flatMap(linesOf));
}

function authorizationName({ authorization: { kind, name } }: AuthorizationRow): string {
  return kind === "" || kind === "default" ? "" : `${kind.toLowerCase()}/${name}`;
}

export function formatAuthorizations(rows: readonly AuthorizationRow[], table: Table): string {
  const server = ({ server }: AuthorizationRow) =>
    server.kind === "default" ? `default:${server.name}` : server.name;
  const sorted = [...rows].sort((left, right) =>
    `${server(left)}\n${left.route.name}`.localeCompare(`${server(right)}\n${right.route.name}`)
  );
  return formatTable<AuthorizationRow>([
    ...named<AuthorizationRow>(table, ({ resource }) => resource),
    { title: "ROUTE", value: ({ route }) => route.name },
    { title: "SERVER", value: server },
    { title: "AUTHORIZATION", value: authorizationName },
    { title: "UNAUTHORIZED", align: "right", value: ({ deniedRps }) => formatRps(deniedRps) },
    ...figures<AuthorizationRow>(({ requests }) => requests),
  ], sorted);
}

const place = (prefix: string, { kind, namespace, name, port }: PortName) => ({
  [prefix]: name,
  [`${prefix}_kind`]: kind,
  ...(namespace === "" ? {} : { [`${prefix}_namespace`]: namespace }),
  [`${prefix}_port`]: port,
});
const subject = ({ resource, route }: { readonly resource: Resource; readonly route: RouteName }) => ({
  namespace: resource.namespace,
  kind: resource.kind,
  name: resource.name,
  route: route.name,
  route_kind: route.kind,
});

export function inboundRecord(row: InboundRouteRow) {
  return { ...subject(row), ...place("server", row.server), ...figuresRecord(row.requests) };
}

export function outboundRecord(row: OutboundRouteRow) {
  return {
    ...subject(row),
    ...place("service", row.parent),
    ...figuresRecord(row.requests),
    timeouts: row.timeouts,
    retries: row.retries,
    backends: row.backends.map(({ backend, requests, timeouts }) => ({
      ...place("backend", backend),
      ...figuresRecord(requests),
      timeouts,
    })),
  };
}

export function authorizationRecord(row: AuthorizationRow) {
  const { kind, name } = row.authorization;
  return {
    ...subject(row),
    ...place("server", row.server),
    authorization: name,
    authorization_kind: kind,
    unauthorized_rps: row.deniedRps,
    ...figuresRecord(row.requests),
  };
}
