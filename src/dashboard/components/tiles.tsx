/** Large figures with what they are. */
import type { ComponentChildren } from "preact";
import { healthOf } from "../model/health.ts";
import type { OverviewSummary } from "../model/overview.ts";
import { resourcePath, withWindow } from "../model/resource.ts";
import { countText, latencyText, rateText, rpsText } from "./figures.tsx";

export interface TileProps {
  readonly title: string;
  readonly value: string | undefined;
  readonly state?: string;
  readonly children?: ComponentChildren;
}

export function Tile({ title, value, state = "", children }: TileProps) {
  return (
    <div class={`tile ${value === undefined ? "idle" : state}`}>
      <dt>{title}</dt>
      <dd>
        <b>{value ?? "–"}</b>
        {children !== undefined && <small>{children}</small>}
      </dd>
    </div>
  );
}

export function OverviewTiles({ summary, window }: { summary: OverviewSummary; window: string }) {
  const { requests, slowest, meshedPods, runningPods, openConnections } = summary;
  const isAsked = requests.successRate !== undefined;
  const share = requests.mtls;
  return (
    <dl class="tiles">
      <Tile
        title="Success rate"
        value={isAsked ? rateText(requests.successRate!) : undefined}
        state={healthOf(requests)}
      >
        {isAsked
          ? requests.failure === 0 ? "no failures" : `${countText(requests.failure)} failed`
          : "no requests"}
      </Tile>
      <Tile title="Requests" value={isAsked ? `${rpsText(requests.rps)}/s` : undefined}>
        served by all workloads
      </Tile>
      <Tile title="Slowest p99" value={slowest && latencyText(slowest.latencyP99)}>
        {slowest && <a href={withWindow(resourcePath(slowest.resource), window)}>{slowest.resource.name}</a>}
      </Tile>
      <Tile
        title="Mutual TLS"
        value={share === undefined ? undefined : share >= 0.99995 ? "100%" : `${(share * 100).toFixed(1)}%`}
        state={share === undefined ? "" : share >= 0.99995 ? "good" : "warn"}
      >
        of requests
      </Tile>
      <Tile
        title="Meshed pods"
        value={`${meshedPods}/${runningPods}`}
        state={meshedPods === runningPods ? "" : "warn"}
      >
        {runningPods === 0
          ? "none runs"
          : meshedPods === runningPods
          ? "all that run"
          : `${runningPods - meshedPods} without a proxy`}
      </Tile>
      <Tile title="TCP connections" value={countText(openConnections)}>open now</Tile>
    </dl>
  );
}
