/**
 * A flow: traffic between one pod and one kind of peer, as that pod's proxy labels it.
 *
 * Proxies count by address, status and more; statistics are asked by workload, service, authority and identity. What is
 * kept is the second, so that what is stored grows with the mesh's shape and not with its traffic.
 */
import type { Shape, Store } from "./store.ts";
import { OWNER_KINDS, ownerMetricLabel } from "../../mesh/labels.ts";

export interface FlowDimensions {
  readonly kind: "http" | "tcp";
  readonly direction: "inbound" | "outbound";
  /** The scraped pod and its workload. */
  readonly namespace: string;
  readonly pod: string;
  readonly workloadKind: string;
  readonly workload: string;
  /** The peer of an outbound flow. */
  readonly dstNamespace: string;
  readonly dstPod: string;
  readonly dstWorkloadKind: string;
  readonly dstWorkload: string;
  readonly dstService: string;
  readonly authority: string;
  /** `true`, or what the proxy says instead. */
  readonly tls: string;
  /** Of the peer of an inbound flow. */
  readonly clientId: string;
  /** Of the peer of an outbound flow. */
  readonly serverId: string;
  readonly noTlsReason: string;
  /** The Server an inbound flow was admitted by. */
  readonly server: string;
}

export const DIMENSIONS = [
  "kind",
  "direction",
  "namespace",
  "pod",
  "workloadKind",
  "workload",
  "dstNamespace",
  "dstPod",
  "dstWorkloadKind",
  "dstWorkload",
  "dstService",
  "authority",
  "tls",
  "clientId",
  "serverId",
  "noTlsReason",
  "server",
] as const satisfies readonly (keyof FlowDimensions)[];

export const COUNTERS = ["success", "failure", "opened", "read", "written", "open"] as const;
/** `opened` connections, bytes `read` and `written`, connections `open` now. */
export type FlowCounter = typeof COUNTERS[number];

export const FLOWS: Shape<keyof FlowDimensions, FlowCounter> = {
  prefix: "",
  dimensions: DIMENSIONS,
  counters: COUNTERS,
  gauge: "open",
  sums: ["SUM(CASE WHEN f.tls = 'true' THEN s.success + s.failure ELSE 0 END) AS secured"],
};

export type FlowStore = Store<keyof FlowDimensions, FlowCounter>;

export interface ScrapedPod {
  readonly namespace: string;
  readonly name: string;
  readonly workloadKind: string;
  readonly workload: string;
}

/** The workload among a metric's `dst_<kind>` labels: the outermost, since a Deployment's pods name that alone. */
function destinationWorkload(labels: Readonly<Record<string, string>>): [string, string] {
  for (const kind of OWNER_KINDS) {
    const name = labels[`dst_${ownerMetricLabel(kind)}`];
    if (name !== undefined && name !== "") return [kind.toLowerCase(), name];
  }
  const pod = labels.dst_pod ?? "";
  return pod === "" ? ["", ""] : ["pod", pod];
}

/** The flow a series belongs to; undefined for one that is not to be counted. */
export function flowOf(
  kind: FlowDimensions["kind"],
  pod: ScrapedPod,
  labels: Readonly<Record<string, string>>,
): FlowDimensions | undefined {
  const { direction } = labels;
  if (direction !== "inbound" && direction !== "outbound") return undefined;
  // The kubelet's probes are nobody's traffic: they would add to rates and take from the share of mutual TLS.
  if (direction === "inbound" && labels.route_kind === "default" && labels.route_name === "probe") {
    return undefined;
  }
  const isOutbound = direction === "outbound";
  const [dstWorkloadKind, dstWorkload] = isOutbound ? destinationWorkload(labels) : ["", ""];
  const of = (label: string) => labels[label] ?? "";
  return {
    kind,
    direction,
    namespace: pod.namespace,
    pod: pod.name,
    workloadKind: pod.workloadKind,
    workload: pod.workload,
    dstNamespace: isOutbound ? of("dst_namespace") : "",
    dstPod: isOutbound ? of("dst_pod") : "",
    dstWorkloadKind,
    dstWorkload,
    dstService: isOutbound ? of("dst_service") : "",
    authority: of("authority"),
    tls: of("tls"),
    clientId: isOutbound ? "" : of("client_id"),
    serverId: isOutbound ? of("server_id") : "",
    noTlsReason: of("no_tls_reason"),
    server: isOutbound ? "" : of("srv_name"),
  };
}
