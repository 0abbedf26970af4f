/** A workload's figures, charts, edges and pods: rendered by the server, then kept up to date. */
import type { Edge } from "../src/mesh/api.ts";
import { ChartFigure } from "../src/dashboard/components/chart.tsx";
import { chartSpecs } from "../src/dashboard/components/chart_lines.ts";
import { EdgeTable } from "../src/dashboard/components/edge_table.tsx";
import { Command } from "../src/dashboard/components/figures.tsx";
import { LiveCalls } from "../src/dashboard/components/live_calls.tsx";
import { LiveNotes, LiveStatus, Source } from "../src/dashboard/components/live_status.tsx";
import { PodTable } from "../src/dashboard/components/pod_table.tsx";
import { InboundRoutes, OutboundRoutes } from "../src/dashboard/components/route_tables.tsx";
import { useLive } from "../src/dashboard/components/use_live.ts";
import { WindowChoice } from "../src/dashboard/components/window_choice.tsx";
import { WorkloadTiles } from "../src/dashboard/components/workload_tiles.tsx";
import {
  kindTitle,
  namespacePath,
  resourcePath,
  shortKinds,
  shortName,
  statCommand,
  withWindow,
} from "../src/dashboard/model/resource.ts";
import type { WorkloadView } from "../src/dashboard/model/workload.ts";

export interface WorkloadDetailProps {
  readonly view: WorkloadView;
  /** The stream of later views. */
  readonly stream: string;
  /** The stream of its requests; missing where they are not shown. */
  readonly calls?: string | undefined;
}

interface EdgeCommandsProps {
  readonly edges: readonly Edge[];
  readonly peer: "source" | "destination";
  readonly more: string;
  readonly view: WorkloadView;
}

/** One command for each kind of peer in the namespace: `stat` takes one at a time together with --to and --from. */
function EdgeCommands({ edges, peer, more, view }: EdgeCommandsProps) {
  const { namespace } = view.row.resource;
  const own = edges.map((edge) => edge[peer]).filter((one) => one.namespace === namespace);
  return (
    <>
      {shortKinds(own).map((kind) => (
        <Command key={kind} text={statCommand(kind, { namespace, window: view.window, more })} />
      ))}
    </>
  );
}

/** The command that prints the same. */
function routeCommand(
  direction: "inbound" | "outbound",
  { row: { resource }, window }: WorkloadView,
): string {
  const ago = window === "1m" ? "" : ` -t ${window}`;
  return `linkerd stat-${direction} ${shortName(resource)} -n ${resource.namespace}${ago}`;
}

export default function WorkloadDetail({ view: initial, stream, calls }: WorkloadDetailProps) {
  const live = useLive(initial, stream);
  const { row, window, chart, inbound, outbound, inboundRoutes, outboundRoutes, pods, status } = live.view;
  const { resource } = row;
  const { namespace, name } = resource;
  const short = shortName(resource);
  const isUnmeshed = row.meshedPods === 0;
  const hasRequests = row.requests !== undefined || row.tcp === undefined;
  const nobody = isUnmeshed ? "Not meshed: its proxy would tell." : "Nobody in this window.";
  return (
    <div class="page" data-updates={live.updates} data-connection={live.connection}>
      <header class="title">
        <div>
          <p class="crumbs">
            <a href={withWindow("/", window)}>All namespaces</a> /{" "}
            <a href={withWindow(namespacePath(namespace), window)}>{namespace}</a> /{" "}
            {kindTitle(resource.kind)}
          </p>
          <h1>{name}</h1>
        </div>
        <LiveStatus live={live} />
        <WindowChoice path={resourcePath(resource)} window={window} />
      </header>
      <LiveNotes live={live} />
      {isUnmeshed && (
        <div class="note warn">
          None of its pods is meshed, so nothing is known of what it serves. Mesh it:
          <pre><code>kubectl get {resource.kind} {name} -n {namespace} -o yaml | linkerd inject - | kubectl apply -f -</code></pre>
        </div>
      )}
      {!isUnmeshed && <WorkloadTiles row={row} />}
      {!isUnmeshed && (
        <section aria-label="Charts">
          <div class="charts">
            {chartSpecs(chart, hasRequests).map((spec) => <ChartFigure key={spec.key} spec={spec} />)}
          </div>
          <p class="aside">Charts: inbound, the last {live.view.chartTitle}.</p>
        </section>
      )}
      <section class="card">
        <h2>
          Inbound <small>who calls it</small>
        </h2>
        {inbound.length === 0
          ? <p class="nobody">{nobody}</p>
          : <EdgeTable edges={inbound} peer="source" namespace={namespace} window={window} />}
        <EdgeCommands edges={inbound} peer="source" more={`--to ${short}`} view={live.view} />
      </section>
      <section class="card">
        <h2>
          Outbound <small>whom it calls</small>
        </h2>
        {outbound.length === 0
          ? <p class="nobody">{nobody}</p>
          : <EdgeTable edges={outbound} peer="destination" namespace={namespace} window={window} />}
        <EdgeCommands edges={outbound} peer="destination" more={`--from ${short}`} view={live.view} />
      </section>
      {inboundRoutes.length + outboundRoutes.length > 0 && (
        <section class="card">
          <h2>
            Routes <small>what was admitted, and asked for, by which rule</small>
          </h2>
          {inboundRoutes.length > 0 && <InboundRoutes rows={inboundRoutes} />}
          {outboundRoutes.length > 0 && <OutboundRoutes rows={outboundRoutes} />}
          {inboundRoutes.length > 0 && <Command text={routeCommand("inbound", live.view)} />}
          {outboundRoutes.length > 0 && <Command text={routeCommand("outbound", live.view)} />}
        </section>
      )}
      {!isUnmeshed && <LiveCalls path={calls} command={`linkerd tap ${short} -n ${namespace}`} />}
      <section class="card">
        <h2>Pods</h2>
        {pods.length === 0 ? <p class="nobody">None runs.</p> : <PodTable pods={pods} />}
        <Command text={statCommand("pods", { namespace, window })} />
      </section>
      <Source status={status} at={live.view.at} />
    </div>
  );
}
