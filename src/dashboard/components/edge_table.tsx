/** A workload's edges: with whom, as whom, and how well. */
import type { Edge } from "../../mesh/api.ts";
import { parseServiceAccountIdentity } from "../../mesh/identity.ts";
import { HEALTH_TITLES, healthOf } from "../model/health.ts";
import { resourceKey, resourcePath, withWindow } from "../model/resource.ts";
import { bytesText, Dot, Lock, Nothing, RequestCells, RequestHeads } from "./figures.tsx";

export interface EdgeTableProps {
  readonly edges: readonly Edge[];
  /** The other end: who asks, or who is asked. */
  readonly peer: "source" | "destination";
  readonly namespace: string;
  readonly window: string;
}

/** `web` in `shop` for a service account's identity, and the whole where it is of another form. */
export function IdentityName({ identity }: { identity: string }) {
  const parts = parseServiceAccountIdentity(identity);
  return (
    <span class="identity" title={identity}>
      {parts === undefined ? identity : (
        <>
          {parts.name}
          <small>.{parts.namespace}</small>
        </>
      )}
    </span>
  );
}

const REASONS: Readonly<Record<string, string>> = {
  not_provided_by_service_discovery: "peer not meshed",
  no_tls_from_remote: "peer sent no TLS",
  loopback: "same pod",
  disabled: "identity is off",
  port_skipped: "port skipped",
  ingress_non_meshed: "ingress, not meshed",
  not_http: "not HTTP",
};

function Security({ edge, identity }: { edge: Edge; identity: string }) {
  if (!edge.isMtls) {
    return (
      <span class="insecure" title={edge.noTlsReason}>
        <Lock isClosed={false} />
        {REASONS[edge.noTlsReason] ?? (edge.noTlsReason || "plain text")}
      </span>
    );
  }
  return (
    <span class="secure">
      <Lock isClosed />
      {identity === "" ? "mutual TLS" : <IdentityName identity={identity} />}
    </span>
  );
}

export function EdgeTable({ edges, peer, namespace, window }: EdgeTableProps) {
  const identityOf = (edge: Edge) => peer === "source" ? edge.clientId : edge.serverId;
  return (
    <div class="scroll">
      <table class="rows edges">
        <caption class="sr">{peer === "source" ? "Who calls it" : "Whom it calls"}</caption>
        <thead>
          <tr>
            <th scope="col" class="name">{peer === "source" ? "From" : "To"}</th>
            <th scope="col">Identity under mTLS</th>
            <RequestHeads more={["TCP", "Bytes"]} />
          </tr>
        </thead>
        <tbody>
          {edges.map((edge) => {
            const { requests, tcp } = edge;
            const other = edge[peer];
            const bytes = tcp.readBytesPerSecond + tcp.writeBytesPerSecond;
            return (
              <tr key={`${resourceKey(other)} ${identityOf(edge)} ${edge.noTlsReason}`}>
                <th scope="row" class="name">
                  <Dot health={healthOf(requests)} label={HEALTH_TITLES[healthOf(requests)]} />
                  <a href={withWindow(resourcePath(other), window)}>{other.name}</a>
                  {other.namespace !== namespace && <small>in {other.namespace}</small>}
                </th>
                <td>
                  <Security edge={edge} identity={identityOf(edge)} />
                </td>
                <RequestCells requests={requests} />
                <td class="figure">{tcp.openConnections > 0 ? tcp.openConnections : <Nothing />}</td>
                <td class="figure">{bytes > 0 ? bytesText(bytes) : <Nothing />}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
