/** A workload's pods: whether they run, whether they are meshed, and which of them is the odd one. */
import type { PodRow } from "../model/workload.ts";
import { Latency, Nothing, Rps, Success } from "./figures.tsx";

function Status({ pod }: { pod: PodRow }) {
  const isWell = pod.phase === "Running" && pod.isReady;
  return (
    <span class={`state ${isWell ? "good" : pod.phase === "Running" ? "warn" : "bad"}`}>
      {isWell ? "Running" : pod.phase === "Running" ? "Running, not ready" : pod.phase}
    </span>
  );
}

function Proxy({ pod }: { pod: PodRow }) {
  if (!pod.isMeshed) return <span class="insecure">not meshed</span>;
  return (
    <>
      {pod.proxyVersion || "yes"}
      {pod.scrapeError !== undefined && <span class="insecure" title={pod.scrapeError}>not scraped</span>}
    </>
  );
}

function Scraped({ pod }: { pod: PodRow }) {
  if (pod.scrapeError !== undefined) return <span class="insecure">{pod.scrapeError}</span>;
  return pod.scrapedAgoMs === undefined ? <Nothing /> : <>{(pod.scrapedAgoMs / 1000).toFixed(0)} s ago</>;
}

export function PodTable({ pods }: { pods: readonly PodRow[] }) {
  return (
    <div class="scroll">
      <table class="rows">
        <caption class="sr">Pods</caption>
        <thead>
          <tr>
            <th scope="col" class="name">Pod</th>
            <th scope="col">Status</th>
            <th scope="col">Proxy</th>
            <th scope="col" class="figure">Success</th>
            <th scope="col" class="figure">RPS</th>
            <th scope="col" class="figure">P50</th>
            <th scope="col" class="figure">P99</th>
            <th scope="col">Address</th>
            <th scope="col">Node</th>
            <th scope="col" class="figure">Scraped</th>
          </tr>
        </thead>
        <tbody>
          {pods.map((pod) => (
            <tr key={pod.name}>
              <th scope="row" class="name">{pod.name}</th>
              <td>
                <Status pod={pod} />
              </td>
              <td>
                <Proxy pod={pod} />
              </td>
              <td class="figure">
                <Success requests={pod.requests} />
              </td>
              <td class="figure">
                <Rps requests={pod.requests} />
              </td>
              <td class="figure">
                <Latency value={pod.requests?.latencyP50} />
              </td>
              <td class="figure">
                <Latency value={pod.requests?.latencyP99} />
              </td>
              <td class="mono">{pod.ip || <Nothing />}</td>
              <td>{pod.node || <Nothing />}</td>
              <td class="figure">
                <Scraped pod={pod} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
