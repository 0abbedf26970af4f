/** A workload's requests, one by one, for as long as somebody wants to see them. */
import { useEffect, useState } from "preact/hooks";
import type { MeshError } from "../../mesh/error.ts";
import type { Call } from "../live/calls.ts";
import { Command, latencyText, Lock, Nothing } from "./figures.tsx";

/** The latest on top. */
const SHOWN = 25;

export interface LiveCallsProps {
  /** Of the stream of calls; missing where calls are not shown. */
  readonly path: string | undefined;
  /** The command that prints the same. */
  readonly command: string;
}

function statusClass({ status, grpc }: Call): string {
  if (status === 0 || status >= 500 || (grpc ?? 0) !== 0) return "rate bad";
  return status >= 400 ? "rate warn" : "rate good";
}

function CallRow({ call }: { call: Call }) {
  const isInbound = call.direction === "inbound";
  return (
    <tr>
      <th scope="row" class="name">
        {call.isMtls && (
          <span class="secure" title="mutual TLS">
            <Lock isClosed />
          </span>
        )}
        {call.peer}
      </th>
      <td>{isInbound ? "calls it" : "is called"}</td>
      <td>{call.method}</td>
      <td class="path">{call.path}</td>
      <td class="figure">
        <span class={statusClass(call)}>{call.status === 0 ? "none" : call.status}</span>
        {call.grpc !== undefined && <small>gRPC {call.grpc}</small>}
      </td>
      <td class="figure">{call.status === 0 ? <Nothing /> : latencyText(call.latencyMs)}</td>
    </tr>
  );
}

export function LiveCalls({ path, command }: LiveCallsProps) {
  const [isWatching, setWatching] = useState(false);
  const [calls, setCalls] = useState<readonly Call[]>([]);
  const [fault, setFault] = useState<MeshError | undefined>(undefined);
  useEffect(() => {
    if (!isWatching || path === undefined) return;
    const source = new EventSource(path);
    source.addEventListener("call", (event) => {
      const call = JSON.parse(event.data) as Call;
      setFault(undefined);
      setCalls((last) => [call, ...last].slice(0, SHOWN));
    });
    source.addEventListener("fault", (event) => {
      setFault(JSON.parse(event.data) as MeshError);
    });
    return () => source.close();
  }, [path, isWatching]);
  return (
    <section class="card" data-calls={calls.length}>
      <div class="bar">
        <h2>
          Live calls <small>its requests, one by one</small>
        </h2>
        {path !== undefined && (
          <button type="button" class="button" onClick={() => setWatching(!isWatching)}>
            {isWatching ? "Stop" : "Watch"}
          </button>
        )}
      </div>
      {fault !== undefined && <div class="note warn" role="alert">{fault.detail}</div>}
      {calls.length === 0 ? isWatching && <p class="nobody">Nothing yet.</p> : (
        <div class="scroll">
          <table class="rows calls">
            <caption class="sr">Its latest requests</caption>
            <thead>
              <tr>
                <th scope="col" class="name">Peer</th>
                <th scope="col">Way</th>
                <th scope="col">Method</th>
                <th scope="col">Path</th>
                <th scope="col" class="figure">Status</th>
                <th scope="col" class="figure">Latency</th>
              </tr>
            </thead>
            <tbody>{calls.map((call) => <CallRow key={`${call.at} ${call.id}`} call={call} />)}</tbody>
          </table>
        </div>
      )}
      <Command text={command} />
    </section>
  );
}
