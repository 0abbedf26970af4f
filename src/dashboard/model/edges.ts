/** Edges between the same two resources as one: they come apart by identity and by why there is no TLS. */
import type { Edge, RequestStats, TcpStats } from "../../mesh/api.ts";
import { resourceKey } from "./resource.ts";

/** How much of an edge's traffic is under mutual TLS. */
export type Security = "mtls" | "mixed" | "plain";

export interface MergedEdge {
  readonly key: string;
  readonly source: Edge["source"];
  readonly destination: Edge["destination"];
  readonly security: Security;
  readonly requests: RequestStats;
  readonly tcp: TcpStats;
}

export function edgeKey(edge: Pick<Edge, "source" | "destination">): string {
  return `${resourceKey(edge.source)} ${resourceKey(edge.destination)}`;
}

export function mergeEdges(edges: readonly Edge[]): MergedEdge[] {
  const groups = new Map<string, Edge[]>();
  for (const edge of edges) {
    const key = edgeKey(edge);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [edge]);
    else group.push(edge);
  }
  return [...groups].map(([key, group]): MergedEdge => {
    const secured = group.filter((edge) => edge.isMtls).length;
    return {
      key,
      source: group[0]!.source,
      destination: group[0]!.destination,
      security: secured === group.length ? "mtls" : secured === 0 ? "plain" : "mixed",
      requests: sumRequests(group.map((edge) => edge.requests)),
      tcp: sumTcp(group.map((edge) => edge.tcp)),
    };
  });
}

/**
 * Sums counts and rates. Quantiles cannot be summed: the highest of each stands, which is what a reader who looks for
 * trouble wants to see.
 */
export function sumRequests(all: readonly RequestStats[]): RequestStats {
  const sum = (pick: (one: RequestStats) => number) => all.reduce((total, one) => total + pick(one), 0);
  const success = sum((one) => one.success);
  const failure = sum((one) => one.failure);
  const count = success + failure;
  const highest = (pick: (one: RequestStats) => number | undefined) => {
    const values = all.map(pick).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : Math.max(...values);
  };
  const latency = {
    latencyP50: highest((one) => one.latencyP50),
    latencyP95: highest((one) => one.latencyP95),
    latencyP99: highest((one) => one.latencyP99),
  };
  const known = Object.entries(latency).filter(([, value]) => value !== undefined);
  return {
    success,
    failure,
    rps: sum((one) => one.rps),
    ...(count === 0 ? {} : {
      successRate: success / count,
      mtls: sum((one) => (one.mtls ?? 0) * (one.success + one.failure)) / count,
    }),
    ...Object.fromEntries(known),
  };
}

export function sumTcp(all: readonly TcpStats[]): TcpStats {
  const sum = (pick: (one: TcpStats) => number) => all.reduce((total, one) => total + pick(one), 0);
  return {
    openConnections: sum((one) => one.openConnections),
    readBytesPerSecond: sum((one) => one.readBytesPerSecond),
    writeBytesPerSecond: sum((one) => one.writeBytesPerSecond),
  };
}
