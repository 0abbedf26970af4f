/** A workload's figures now, large. */
import { healthOf } from "../model/health.ts";
import type { WorkloadView } from "../model/workload.ts";
import { bytesText, countText, latencyText, rateText, rpsText } from "./figures.tsx";
import { Tile } from "./tiles.tsx";

export function WorkloadTiles({ row }: { row: WorkloadView["row"] }) {
  const { requests, tcp, meshedPods = 0, runningPods = 0 } = row;
  const isAsked = requests?.successRate !== undefined;
  const latency = (value: number | undefined) => value === undefined ? undefined : latencyText(value);
  const share = requests?.mtls;
  const pods = (
    <Tile
      title="Meshed pods"
      value={`${meshedPods}/${runningPods}`}
      state={meshedPods === runningPods ? "" : "warn"}
    >
      {(row.failedPods ?? 0) > 0 && `${row.failedPods} not running well`}
    </Tile>
  );
  if (requests === undefined && tcp !== undefined) {
    return (
      <dl class="tiles">
        <Tile title="TCP connections" value={String(tcp.openConnections)}>open now</Tile>
        <Tile title="Read" value={bytesText(tcp.readBytesPerSecond)}>from its clients</Tile>
        <Tile title="Written" value={bytesText(tcp.writeBytesPerSecond)}>to its clients</Tile>
        {pods}
      </dl>
    );
  }
  return (
    <dl class="tiles">
      <Tile
        title="Success rate"
        value={isAsked ? rateText(requests.successRate!) : undefined}
        state={healthOf(requests)}
      >
        {isAsked
          ? requests.failure === 0
            ? "no failures"
            : `${countText(requests.failure)} of ${countText(requests.failure + requests.success)} failed`
          : "no requests"}
      </Tile>
      <Tile title="Requests" value={isAsked ? `${rpsText(requests.rps)}/s` : undefined} />
      <Tile title="Latency p50" value={latency(requests?.latencyP50)}>
        {requests?.latencyP95 !== undefined && `p95 ${latencyText(requests.latencyP95)}`}
      </Tile>
      <Tile title="Latency p99" value={latency(requests?.latencyP99)} />
      <Tile
        title="Mutual TLS"
        value={share === undefined ? undefined : share >= 0.99995 ? "100%" : `${(share * 100).toFixed(1)}%`}
        state={share === undefined ? "" : share >= 0.99995 ? "good" : "warn"}
      >
        of requests
      </Tile>
      {pods}
      <Tile title="TCP connections" value={tcp === undefined ? undefined : String(tcp.openConnections)}>
        {tcp !== undefined &&
          bytesText(tcp.readBytesPerSecond + tcp.writeBytesPerSecond)}
      </Tile>
    </dl>
  );
}
