/** The table of workloads: sorted by its headings, filtered by a word, with and without scripts. */
import type { ComponentChildren } from "preact";
import type { OverviewRow } from "../model/overview.ts";
import { HEALTH_TITLES, healthOf } from "../model/health.ts";
import { kindTitle, resourceKey, resourcePath, withWindow } from "../model/resource.ts";
import { Dot, Latency, Meshed, Mtls, Nothing, Rps, Success } from "./figures.tsx";

interface Column {
  readonly key: string;
  readonly title: string;
  readonly help?: string;
  /** What is sorted by; undefined sorts last, both ways. */
  by(row: OverviewRow): string | number | undefined;
  cell(row: OverviewRow): ComponentChildren;
}

const COLUMNS: readonly Column[] = [
  {
    key: "meshed",
    title: "Meshed",
    help: "Pods with a proxy, of those that run",
    by: ({ meshedPods = 0, runningPods = 0 }) => runningPods === 0 ? undefined : meshedPods / runningPods,
    cell: (row) => <Meshed row={row} />,
  },
  {
    key: "success",
    title: "Success",
    help: "Responses that were no failure",
    by: ({ requests }) => requests?.successRate,
    cell: ({ requests }) => <Success requests={requests} />,
  },
  {
    key: "rps",
    title: "RPS",
    help: "Requests per second",
    by: ({ requests }) => requests?.rps,
    cell: ({ requests }) => <Rps requests={requests} />,
  },
  ...(["P50", "P95", "P99"] as const).map((name): Column => ({
    key: name.toLowerCase(),
    title: name,
    help: `${name.slice(1)} of 100 requests were answered faster`,
    by: ({ requests }) => requests?.[`latency${name}`],
    cell: ({ requests }) => <Latency value={requests?.[`latency${name}`]} />,
  })),
  {
    key: "mtls",
    title: "mTLS",
    help: "Requests that came over mutual TLS",
    by: ({ requests }) => requests?.mtls,
    cell: ({ requests }) => <Mtls requests={requests} />,
  },
  {
    key: "tcp",
    title: "TCP",
    help: "Open connections",
    by: ({ tcp }) => tcp?.openConnections,
    cell: ({ tcp }) => tcp === undefined ? <Nothing /> : tcp.openConnections,
  },
];
const NAME: Column = {
  key: "name",
  title: "Workload",
  by: ({ resource }) => resource.name,
  cell: ({ resource }) => resource.name,
};

/** A column's key, with a minus for the largest first; empty for the order they come in. */
export type Sort = string;

/** @returns a new list; what has no figure comes last */
export function sortRows(rows: readonly OverviewRow[], sort: Sort): readonly OverviewRow[] {
  const isDown = sort.startsWith("-");
  const column = [NAME, ...COLUMNS].find((one) => one.key === sort.replace("-", ""));
  if (column === undefined) return rows;
  return [...rows].sort((left, right) => {
    const [a, b] = [column.by(left), column.by(right)];
    if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
    return (a < b ? -1 : a > b ? 1 : 0) * (isDown ? -1 : 1);
  });
}

/** Rows whose name or namespace contains the word. */
export function filterRows(rows: readonly OverviewRow[], word: string): readonly OverviewRow[] {
  const lower = word.trim().toLowerCase();
  if (lower === "") return rows;
  return rows.filter(({ resource }) =>
    `${resource.namespace}/${resource.name}`.toLowerCase().includes(lower)
  );
}

export interface WorkloadTableProps {
  readonly rows: readonly OverviewRow[];
  readonly sort: Sort;
  readonly window: string;
  /** Where several namespaces are shown. */
  readonly hasNamespace: boolean;
  /** The address of this page in another order. */
  sortPath(sort: Sort): string;
  onSort?(sort: Sort, event: MouseEvent): void;
}

export function WorkloadTable(props: WorkloadTableProps) {
  const { rows, sort, window, hasNamespace } = props;
  const heading = (column: Column) => {
    const isSorted = sort.replace("-", "") === column.key;
    // Names begin with the first, figures with the largest; a second press turns the order round.
    const first = column === NAME ? column.key : `-${column.key}`;
    const next = sort !== first ? first : first.startsWith("-") ? column.key : `-${column.key}`;
    const direction = isSorted ? (sort.startsWith("-") ? "descending" : "ascending") : undefined;
    return (
      <th
        key={column.key}
        scope="col"
        class={column === NAME ? "name" : "figure"}
        {...(direction === undefined ? {} : { "aria-sort": direction })}
      >
        <a
          href={props.sortPath(next)}
          title={column.help}
          onClick={(event) => props.onSort?.(next, event)}
        >
          {column.title}
        </a>
      </th>
    );
  };
  return (
    <div class="scroll">
      <table class="rows">
        <caption class="sr">Workloads with their figures</caption>
        <thead>
          <tr>
            {heading(NAME)}
            {hasNamespace && <th scope="col">Namespace</th>}
            {COLUMNS.map(heading)}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const { resource } = row;
            const health = row.meshedPods === 0 ? "unmeshed" : healthOf(row.requests);
            const label = health === "unmeshed" ? "not meshed" : HEALTH_TITLES[health];
            return (
              <tr key={resourceKey(resource)} class={row.isApplication ? "" : "own"}>
                <th scope="row" class="name">
                  <Dot health={health} label={label} />
                  <a href={withWindow(resourcePath(resource), window)}>{resource.name}</a>
                  {resource.kind !== "deployment" && <small>{kindTitle(resource.kind)}</small>}
                </th>
                {hasNamespace && <td class="namespace">{resource.namespace}</td>}
                {COLUMNS.map((column) => <td key={column.key} class="figure">{column.cell(row)}</td>)}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
