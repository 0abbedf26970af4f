/** Rows of statistics by route, as tables and as JSON. Source: cli.md §3.2. */
import type {
  AuthorizationRow,
  InboundRouteRow,
  OutboundRouteRow,
  OutboundStats,
  PortName,
  RouteName,
} from "../../mesh/route_api.ts";
import { type Column, formatRate, formatRps, formatTable } from "../../mesh/table.ts";
import { requestColumns, requestRecord } from "./request_figures.ts";
import { SHORT_KINDS } from "./resources.ts";

type Resource = InboundRouteRow["resource"];

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
    ...requestColumns<InboundRouteRow>(({ requests }) => requests),
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
function share(
  count: number,
  { success, failure }: OutboundStats["requests"],
  besides = 0,
): string | undefined {
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
    ...requestColumns<OutboundLine>(({ stats }) => stats.requests, ({ stats }) => stats.toldApartFromMs),
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
    ...requestColumns<AuthorizationRow>(({ requests }) => requests),
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
  return { ...subject(row), ...place("server", row.server), ...requestRecord(row.requests) };
}

export function outboundRecord(row: OutboundRouteRow) {
  return {
    ...subject(row),
    ...place("service", row.parent),
    ...requestRecord(row.requests),
    timeouts: row.timeouts,
    retries: row.retries,
    backends: row.backends.map(({ backend, requests, timeouts }) => ({
      ...place("backend", backend),
      ...requestRecord(requests),
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
    ...requestRecord(row.requests),
  };
}
