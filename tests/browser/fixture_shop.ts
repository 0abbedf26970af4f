/**
 * A shop that was never deployed: what the statistics API would say about it at a given time. Figures breathe with the
 * clock, and the same clock gives the same figures. Payments fail now and then, the store is outside of the mesh, and
 * one proxy cannot be scraped, so that pages have something to point at.
 */
import type {
  Edge,
  PodSummary,
  RequestStats,
  ResourceName,
  StatKind,
  StatRow,
  TcpStats,
} from "../../src/mesh/api.ts";

interface Sketch {
  readonly name: string;
  readonly namespace: string;
  readonly kind: StatKind;
  readonly replicas: number;
  readonly isMeshed: boolean;
  /** Requests per second it is sent; 0 for what only sends, or speaks no HTTP. */
  readonly rps: number;
  readonly successRate: number;
  /** Median in milliseconds. */
  readonly latency: number;
  readonly connections: number;
}

const shop = (name: string, replicas: number, rps: number, successRate: number, latency: number): Sketch => ({
  name,
  namespace: "shop",
  kind: "deployment",
  replicas,
  isMeshed: true,
  rps,
  successRate,
  latency,
  connections: 2 * replicas,
});
const own = (name: string, rps: number): Sketch => ({
  ...shop(name, 1, rps, 1, 2),
  namespace: "linkerd",
  connections: 8,
});

export const SKETCHES: readonly Sketch[] = [
  own("linkerd-destination", 0.4),
  own("linkerd-identity", 0.2),
  own("linkerd-proxy-injector", 0.3),
  own("metrics-api", 1.4),
  own("web", 0.5),
  shop("cart", 2, 18, 0.997, 9),
  shop("catalog", 3, 64, 1, 6),
  shop("load", 1, 0, 1, 0),
  shop("payment", 2, 9, 0.91, 38),
  shop("recommend", 1, 46, 0.984, 14),
  { ...shop("store", 1, 0, 1, 0), kind: "statefulset", isMeshed: false, connections: 6 },
  shop("web", 2, 46, 0.993, 21),
];

/** Caller, callee; who is called with TCP alone has no requests. */
const CALLS: readonly (readonly [string, string, number])[] = [
  ["load", "web", 46],
  ["web", "catalog", 46],
  ["web", "recommend", 46],
  ["web", "cart", 18],
  ["web", "payment", 9],
  ["recommend", "catalog", 18],
  ["cart", "store", 0],
  ["catalog", "store", 0],
];

const sketchOf = (name: string) => SKETCHES.find((one) => one.namespace === "shop" && one.name === name)!;
export const resourceOf = ({ kind, namespace, name }: Sketch): ResourceName => ({ kind, namespace, name });
const identity = ({ name, namespace }: Sketch) =>
  `${name}.${namespace}.serviceaccount.identity.linkerd.cluster.local`;

/** Between -1 and 1, slowly and unevenly: another course for every name. */
function breath(name: string, at: number): number {
  const phase = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
  return 0.6 * Math.sin(at / 61_000 + phase) + 0.4 * Math.sin(at / 17_000 + phase * 3);
}

/** Everything there is to say about requests at one rate. */
export function requestsAt(sketch: Sketch, rate: number, at: number, windowMs: number): RequestStats {
  const wave = breath(sketch.name, at);
  const rps = Math.max(0, rate * (1 + 0.18 * wave));
  const count = Math.round(rps * windowMs / 1000);
  if (count === 0) return { success: 0, failure: 0, rps: 0 };
  const failure = Math.round(count * Math.min(1, (1 - sketch.successRate) * (1 + 0.6 * wave)));
  const latency = sketch.latency * (1 + 0.15 * breath(sketch.name + "latency", at));
  return {
    success: count - failure,
    failure,
    successRate: (count - failure) / count,
    rps: count * 1000 / windowMs,
    latencyP50: latency,
    latencyP95: latency * 2.6,
    latencyP99: latency * (4.2 + wave),
    mtls: sketch.isMeshed ? 1 : 0,
  };
}

export function tcpAt(name: string, connections: number, at: number): TcpStats {
  const wave = 1 + 0.2 * breath(name, at);
  return {
    openConnections: connections,
    readBytesPerSecond: Math.round(connections * 2_300 * wave),
    writeBytesPerSecond: Math.round(connections * 4_100 * wave),
  };
}

export function statRow(sketch: Sketch, at: number, windowMs: number): StatRow {
  const requests = requestsAt(sketch, sketch.rps, at, windowMs);
  return {
    resource: resourceOf(sketch),
    meshedPods: sketch.isMeshed ? sketch.replicas : 0,
    runningPods: sketch.replicas,
    failedPods: 0,
    ...(sketch.rps === 0 ? {} : { requests }),
    ...(sketch.isMeshed ? { tcp: tcpAt(sketch.name, sketch.connections, at) } : {}),
    total: { success: requests.success * 40, failure: requests.failure * 40 },
  };
}

export function edgesAt(at: number, windowMs: number): Edge[] {
  return CALLS.map(([from, to, rate]): Edge => {
    const [source, destination] = [sketchOf(from), sketchOf(to)];
    const isMtls = destination.isMeshed;
    return {
      source: resourceOf(source),
      destination: resourceOf(destination),
      clientId: isMtls ? identity(source) : "",
      serverId: isMtls ? identity(destination) : "",
      isMtls,
      noTlsReason: isMtls ? "" : "not_provided_by_service_discovery",
      requests: requestsAt(destination, rate, at, windowMs),
      tcp: tcpAt(from + to, source.replicas, at),
    };
  });
}

export function podsOf(sketch: Sketch): PodSummary[] {
  const at = SKETCHES.indexOf(sketch);
  return Array.from({ length: sketch.replicas }, (_, index): PodSummary => ({
    name: sketch.kind === "statefulset"
      ? `${sketch.name}-${index}`
      : `${sketch.name}-7d9c8b6f${at}-${["x2kqp", "m8fzt", "b4vwn"][index] ?? index}`,
    ip: `10.42.0.${10 + at * 4 + index}`,
    node: "laptop",
    phase: "Running",
    isReady: true,
    isMeshed: sketch.isMeshed,
    identity: sketch.isMeshed ? identity(sketch) : "",
    proxyVersion: sketch.isMeshed ? "0.1.0" : "",
    ...(sketch.isMeshed ? { scrapedAgoMs: 400 } : {}),
    ...(sketch.name === "cart" && index === 1
      ? { scrapeError: "connection refused", scrapedAgoMs: 31_000 }
      : {}),
  }));
}
