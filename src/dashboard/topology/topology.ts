/**
 * The graph of who talks to whom: which resources are drawn, and where.
 *
 * A graph too large to be read (and to be laid out: 1.1 s at 300 resources) is drawn by namespaces; within one
 * namespace, the busiest are drawn. Only the structure decides the layout, so that it is computed when that changes.
 */
import type { StatRow } from "../../mesh/api.ts";
import { type MergedEdge, mergeEdges, sumRequests, sumTcp } from "../model/edges.ts";
import { resourceKey } from "../model/resource.ts";
import type { ResourceName } from "../../mesh/api.ts";
import { type Health, healthOf } from "../model/health.ts";
import { layOut } from "./layout.ts";

export interface TopologyNode {
  readonly key: string;
  readonly resource: ResourceName;
  /** What is drawn: the name, with its namespace where that is not clear from around it. */
  readonly label: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly health: Health;
  /** What it serves; missing where it serves no requests. */
  readonly rps?: number;
  /** What it asks of others. */
  readonly sentRps: number;
  /** Connections to it that carry no requests. */
  readonly openConnections: number;
  readonly isMeshed: boolean;
}

export interface TopologyEdge extends MergedEdge {
  /** An SVG path. */
  readonly path: string;
  /** Where its figure stands. */
  readonly labelX: number;
  readonly labelY: number;
  readonly health: Health;
}

export interface TopologyGroup {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Topology {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly TopologyNode[];
  readonly edges: readonly TopologyEdge[];
  readonly groups: readonly TopologyGroup[];
  /** Why not everything is drawn; missing where it is. */
  readonly reduction?: string;
}

export const MAX_NODES = 60;

export async function topologyOf(
  edges: readonly MergedEdge[],
  rows: readonly Pick<StatRow, "resource" | "requests" | "meshedPods">[],
  namespace: string | undefined,
): Promise<Topology> {
  const drawn = reduce(
    edges.filter((edge) => resourceKey(edge.source) !== resourceKey(edge.destination)),
    namespace,
  );
  const resources = new Map<string, ResourceName>();
  for (const { source, destination } of drawn.edges) {
    resources.set(resourceKey(source), source);
    resources.set(resourceKey(destination), destination);
  }
  const namespaces = new Set([...resources.values()].map((one) => one.namespace));
  const groupOf = (one: ResourceName) =>
    namespaces.size === 1 || one.namespace === namespace ? "" : one.namespace;
  const layout = await layOut(
    [...resources].map(([key, one]) => ({ key, label: one.name, group: groupOf(one) })),
    drawn.edges.map((edge) => ({
      key: edge.key,
      from: resourceKey(edge.source),
      to: resourceKey(edge.destination),
    })),
  );
  const rowOf = new Map(rows.map((row) => [resourceKey(row.resource), row]));
  return {
    width: layout.width,
    height: layout.height,
    groups: layout.groups,
    nodes: [...resources].map(([key, resource]) => {
      const inbound = drawn.edges.filter((edge) => resourceKey(edge.destination) === key);
      const outbound = drawn.edges.filter((edge) => resourceKey(edge.source) === key);
      // Of what lies outside of the filter, only what its clients saw is known.
      const row = rowOf.get(key);
      const requests = row === undefined ? sumRequests(inbound.map((edge) => edge.requests)) : row.requests;
      const isPlain = (edge: MergedEdge) => edge.requests.successRate === undefined;
      return {
        key,
        resource,
        label: resource.name,
        ...layout.nodes.get(key)!,
        health: healthOf(requests),
        ...(requests?.successRate === undefined ? {} : { rps: requests.rps }),
        sentRps: sumRequests(outbound.map((edge) => edge.requests)).rps,
        openConnections: sumTcp(inbound.filter(isPlain).map((edge) => edge.tcp)).openConnections,
        isMeshed: row === undefined
          ? outbound.length > 0 || inbound.some((edge) => edge.security !== "plain")
          : (row.meshedPods ?? 0) > 0,
      };
    }),
    edges: drawn.edges.map((edge) => ({
      ...edge,
      ...layout.edges.get(edge.key)!,
      health: healthOf(edge.requests),
    })),
    ...(drawn.reduction === undefined ? {} : { reduction: drawn.reduction }),
  };
}

function countOf(edges: readonly MergedEdge[]): number {
  return new Set(edges.flatMap((edge) => [resourceKey(edge.source), resourceKey(edge.destination)])).size;
}

function reduce(
  edges: readonly MergedEdge[],
  namespace: string | undefined,
): { edges: readonly MergedEdge[]; reduction?: string } {
  const total = countOf(edges);
  if (total <= MAX_NODES) return { edges };
  // Other namespaces are one node each; without a filter all are.
  const outer = (resource: ResourceName): ResourceName =>
    resource.namespace === namespace
      ? resource
      : { kind: "namespace", namespace: "", name: resource.namespace };
  const isMtls = (edge: MergedEdge) => edge.security === "mtls";
  const collapsed = mergeEdges(edges.map((edge) => ({
    source: outer(edge.source),
    destination: outer(edge.destination),
    clientId: "",
    serverId: "",
    isMtls: isMtls(edge),
    noTlsReason: "",
    requests: edge.requests,
    tcp: edge.tcp,
  }))).filter((edge) => resourceKey(edge.source) !== resourceKey(edge.destination));
  if (countOf(collapsed) <= MAX_NODES) {
    return { edges: collapsed, reduction: `${total} workloads, drawn by namespace` };
  }
  const busiest = [...collapsed].sort((left, right) => right.requests.rps - left.requests.rps);
  let kept = busiest.length;
  while (countOf(busiest.slice(0, kept)) > MAX_NODES) kept = Math.floor(kept * 0.9);
  return { edges: busiest.slice(0, kept), reduction: `the busiest ${kept} of ${busiest.length} edges` };
}
