/** The overview's figures, topology and table: rendered by the server, then kept up to date. */
import { useEffect, useState } from "preact/hooks";
import { EmptyNotice } from "../src/dashboard/components/empty.tsx";
import { Command } from "../src/dashboard/components/figures.tsx";
import { LiveNotes, LiveStatus, Source } from "../src/dashboard/components/live_status.tsx";
import { OverviewTiles } from "../src/dashboard/components/tiles.tsx";
import { TopologyMap } from "../src/dashboard/components/topology_map.tsx";
import { useLive } from "../src/dashboard/components/use_live.ts";
import { WindowChoice } from "../src/dashboard/components/window_choice.tsx";
import {
  filterRows,
  type Sort,
  sortRows,
  WorkloadTable,
} from "../src/dashboard/components/workload_table.tsx";
import type { OverviewView } from "../src/dashboard/model/overview.ts";
import {
  DEFAULT_WINDOW,
  namespaceFlag,
  namespacePath,
  shortKinds,
  statCommand,
} from "../src/dashboard/model/resource.ts";

export interface OverviewProps {
  readonly view: OverviewView;
  /** The stream of later views. */
  readonly stream: string;
  readonly sort: Sort;
  readonly filter: string;
}

export default function Overview({ view: initial, stream, ...asked }: OverviewProps) {
  const live = useLive(initial, stream);
  const [sort, setSort] = useState(asked.sort);
  const [filter, setFilter] = useState(asked.filter);
  const { view } = live;
  const { namespace, window, rows, summary, topology } = view;
  const path = namespacePath(namespace);
  const address = (sort: Sort, filter: string) => {
    const all = { window: window === DEFAULT_WINDOW ? "" : window, sort, filter };
    const text = new URLSearchParams(Object.entries(all).filter(([, value]) => value !== "")).toString();
    return text === "" ? path : `${path}?${text}`;
  };
  useEffect(() => {
    if (live.updates > 0 || sort !== asked.sort || filter !== asked.filter) {
      history.replaceState(null, "", address(sort, filter));
    }
  }, [sort, filter]);
  const shown = sortRows(filterRows(rows, filter), sort);
  return (
    <div class="page" data-updates={live.updates} data-connection={live.connection}>
      <header class="title">
        <h1>{namespace ?? "All namespaces"}</h1>
        <LiveStatus live={live} />
        <WindowChoice path={path} window={window} />
      </header>
      <LiveNotes live={live} />
      {summary.meshedPods > 0 && <OverviewTiles summary={summary} window={window} />}
      <EmptyNotice view={view} />
      {topology.nodes.length > 0 && (
        <section class="card">
          <h2>Topology</h2>
          <TopologyMap topology={topology} window={window} />
          <Command text={`linkerd edges deploy ${namespaceFlag(namespace)}`} />
        </section>
      )}
      {rows.length > 0 && (
        <section class="card">
          <header class="bar">
            <h2>Workloads</h2>
            <form class="filter" method="get" action={path} role="search">
              {window !== DEFAULT_WINDOW && <input type="hidden" name="window" value={window} />}
              {sort !== "" && <input type="hidden" name="sort" value={sort} />}
              <input
                type="search"
                name="filter"
                value={filter}
                placeholder="Filter by name"
                aria-label="Filter workloads by name"
                autocomplete="off"
                onInput={(event) => setFilter(event.currentTarget.value)}
              />
            </form>
          </header>
          <WorkloadTable
            rows={shown}
            sort={sort}
            window={window}
            hasNamespace={namespace === undefined}
            sortPath={(next) => address(next, filter)}
            onSort={(next, event) => {
              if (event.metaKey || event.ctrlKey || event.shiftKey) return; // opens elsewhere, as links do
              event.preventDefault();
              setSort(next);
            }}
          />
          {shown.length === 0 && <p class="nobody">No workload has “{filter}” in its name.</p>}
          {shortKinds(rows.map((row) => row.resource)).map((kind) => (
            <Command key={kind} text={statCommand(kind, { namespace, window, more: "-o wide" })} />
          ))}
        </section>
      )}
      <Source status={view.status} at={view.at} />
    </div>
  );
}
