/**
 * The statistics API as a small shop's mesh would answer it: for browser tests, screenshots and work on the dashboard.
 *
 * The figures follow the clock alone, so that two requests of the same moment agree and a picture can be made again.
 *
 * usage: deno run -A tests/browser/fixture_api.ts [port]
 */
import type {
  Edge,
  EdgesResponse,
  NamespacesResponse,
  PodSummary,
  RequestStats,
  ResourceName,
  SeriesResponse,
  StatResponse,
  StatRow,
  StatusResponse,
  TcpStats,
  WorkloadsResponse,
} from "../../src/mesh/api.ts";
import { statKind } from "../../src/mesh/api.ts";
import type { StatInboundResponse, StatOutboundResponse } from "../../src/mesh/route_api.ts";
import { resourceKey } from "../../src/dashboard/model/resource.ts";
import { parseWindow } from "../../src/mesh/duration.ts";
import type { MeshError } from "../../src/mesh/error.ts";
import { inboundRoutes, outboundRoutes } from "./fixture_routes.ts";
import { fixtureTap } from "./fixture_tap.ts";
import { type FixtureWorkload, type Scenario, SCENARIOS } from "./fixture_mesh.ts";

export interface FixtureApi {
  readonly url: string;
  /** Requests answered so far, by path. */
  readonly asked: ReadonlyMap<string, number>;
  /** From now on every request is refused with this. */
  fail(error: MeshError | undefined): void;
  /** Proxies whose last scrape failed. */
  failingProxies: number;
  /** From now until the end of the issuer and of the trust anchor. */
  certificatesLastMs: { issuer: number; anchor: number };
  stop(): Promise<void>;
}

const DAY_MS = 86_400_000;
const NOISE = [0.31, 0.77, 0.12, 0.95, 0.54, 0.42, 0.88, 0.05, 0.63, 0.29, 0.71];

/** Between −1 and 1, the same for the same moment and salt. */
function wave(at: number, salt: string): number {
  const seconds = at / 1000;
  const shift = [...salt].reduce((sum, character) => sum + character.charCodeAt(0), 0);
  const noise = NOISE[(Math.floor(seconds / 3) + shift) % NOISE.length]! - 0.5;
  return 0.55 * Math.sin(seconds / 41 + shift) + 0.25 * Math.sin(seconds / 13 + shift * 2) + 0.5 * noise;
}

function requestsOf(load: FixtureWorkload["http"], at: number, salt: string, seconds: number): RequestStats {
  if (load === undefined) return { success: 0, failure: 0, rps: 0 };
  const rps = Math.max(0.1, load.rps * (1 + 0.12 * wave(at, salt)));
  const count = Math.round(rps * seconds);
  const failing = Math.max(0, load.failing * (1 + 0.3 * wave(at, `${salt} failing`)));
  const failure = Math.round(count * failing);
  const slow = 1 + 0.15 * wave(at, `${salt} latency`);
  return {
    success: count - failure,
    failure,
    rps,
    successRate: count === 0 ? 1 : (count - failure) / count,
    latencyP50: load.latency[0] * slow,
    latencyP95: load.latency[1] * slow,
    latencyP99: load.latency[2] * (1 + 0.3 * wave(at, `${salt} tail`)),
    mtls: load.mtls,
  };
}

function tcpOf(load: FixtureWorkload["tcp"], at: number, salt: string): TcpStats {
  if (load === undefined) return { openConnections: 0, readBytesPerSecond: 0, writeBytesPerSecond: 0 };
  const factor = 1 + 0.2 * wave(at, salt);
  return {
    openConnections: load.open,
    readBytesPerSecond: load.read * factor,
    writeBytesPerSecond: load.written * factor,
  };
}

const nameOf = ({ kind, namespace, name }: FixtureWorkload): ResourceName => ({ kind, namespace, name });
const identityOf = (one: { name: string; namespace: string }) =>
  `${one.name}.${one.namespace}.serviceaccount.identity.linkerd.cluster.local`;

function podsOf(workload: FixtureWorkload): PodSummary[] {
  return Array.from({ length: workload.pods }, (_, at): PodSummary => {
    const isMeshed = at < workload.meshed;
    const digits = [...workload.name].reduce(
      (sum, character) => sum * 31 + character.charCodeAt(0),
      at * 7 + 11,
    );
    const suffix = workload.kind === "statefulset"
      ? `${at}`
      : `${(digits % 0xfffff).toString(36)}${"xkqzt"[at % 5]}`;
    return {
      name: `${workload.name}-${suffix}`,
      ip: `10.42.0.${10 + (digits % 200)}`,
      node: "laptop",
      phase: workload.waiting !== undefined && at === workload.pods - 1 ? workload.waiting : "Running",
      isReady: workload.waiting === undefined || at < workload.pods - 1,
      isMeshed,
      identity: isMeshed ? identityOf(workload) : "",
      proxyVersion: isMeshed ? "0.1.0" : "",
      ...(isMeshed ? { scrapedAgoMs: 1_000 } : {}),
    };
  });
}

function statRow(workload: FixtureWorkload, at: number, seconds: number): StatRow {
  const { http, tcp, meshed, pods, name } = workload;
  return {
    resource: nameOf(workload),
    meshedPods: meshed,
    runningPods: pods,
    failedPods: workload.waiting === undefined ? 0 : 1,
    ...(http === undefined ? {} : { requests: requestsOf(http, at, name, seconds) }),
    ...(tcp === undefined ? {} : { tcp: tcpOf(tcp, at, name) }),
    total: { success: 0, failure: 0 },
  };
}

/** A workload's pods share its load; the last one is slower where the scenario says so. */
function podRows(workload: FixtureWorkload, at: number, seconds: number): StatRow[] {
  const { http, tcp, pods } = workload;
  return podsOf(workload).map((pod, index): StatRow => {
    const isSlow = workload.slowPod === true && index === pods - 1;
    const share = isSlow ? 0.12 : workload.slowPod === true ? 0.88 / (pods - 1) : 1 / pods;
    const latency = isSlow
      ? [27, 34, 36] as const
      : workload.slowPod === true
      ? [1, 2, 4] as const
      : http?.latency;
    const own = http === undefined ? undefined : { ...http, rps: http.rps * share, latency: latency! };
    return {
      resource: { kind: "pod", namespace: workload.namespace, name: pod.name },
      status: pod.phase,
      meshedPods: pod.isMeshed ? 1 : 0,
      runningPods: 1,
      failedPods: 0,
      ...(own === undefined || !pod.isMeshed ? {} : { requests: requestsOf(own, at, pod.name, seconds) }),
      ...(tcp === undefined || !pod.isMeshed ? {} : { tcp: tcpOf(tcp, at, pod.name) }),
      total: { success: 0, failure: 0 },
    };
  });
}

function edgeOf(scenario: Scenario, edge: Scenario["edges"][number], at: number, seconds: number): Edge {
  const find = (path: string) => {
    const found = scenario.workloads.find((one) => `${one.namespace}/${one.name}` === path);
    if (found === undefined) throw new Error(`the fixture has no ${path}`);
    return found;
  };
  const [source, destination] = [find(edge.from), find(edge.to)];
  const isMtls = edge.noTls === undefined;
  const http = edge.rps === undefined || destination.http === undefined
    ? undefined
    : { ...destination.http, rps: edge.rps, failing: edge.failing ?? destination.http.failing };
  const tcp = edge.open === undefined ? undefined : { open: edge.open, read: 900, written: 1_400 };
  return {
    source: nameOf(source),
    destination: nameOf(destination),
    clientId: isMtls ? identityOf(source) : "",
    serverId: isMtls ? identityOf(destination) : "",
    isMtls,
    noTlsReason: edge.noTls ?? "",
    requests: requestsOf(http, at, `${edge.from} ${edge.to}`, seconds),
    tcp: tcpOf(tcp, at, `${edge.from} ${edge.to}`),
  };
}

function seriesOf(workload: FixtureWorkload, at: number, windowMs: number): SeriesResponse {
  const stepMs = Math.max(2_000, Math.ceil(windowMs / 120 / 1000) * 1000);
  const until = Math.floor(at / stepMs) * stepMs;
  const points = Array.from({ length: Math.floor(windowMs / stepMs) }, (_, index) => {
    const then = until - windowMs + (index + 1) * stepMs;
    return {
      at: then,
      requests: requestsOf(workload.http, then, workload.name, 60),
      tcp: tcpOf(workload.tcp, then, workload.name),
    };
  });
  return { resource: nameOf(workload), stepMs, points };
}

export interface FixtureOptions {
  scenario?: keyof typeof SCENARIOS;
  port?: number;
  /** What time it is: fixed for pictures. */
  now?: () => number;
  /** How long the mesh has been watched; as long as figures are kept, by default. */
  ageMs?: number;
}

/** Serves on loopback until stopped. */
export function startFixtureApi(options: FixtureOptions = {}): FixtureApi {
  const scenario = SCENARIOS[options.scenario ?? "shop"];
  const now = options.now ?? Date.now;
  const asked = new Map<string, number>();
  const startedAt = now() - (options.ageMs ?? 21_600_000);
  let failure: MeshError | undefined;
  const own = {
    url: "",
    asked,
    failingProxies: 0,
    certificatesLastMs: { issuer: 365 * DAY_MS, anchor: 3_650 * DAY_MS },
    fail: (error: MeshError | undefined) => failure = error,
    stop: () => server.shutdown(),
  };
  const answer = (url: URL): object | undefined => {
    const at = now();
    const ask = (name: string) => url.searchParams.get(name) || undefined;
    const windowMs = parseWindow(ask("window") ?? "1m");
    if (windowMs === undefined) {
      return {
        error: {
          code: "window-invalid",
          source: "usage",
          detail: `not a time window: ${ask("window")}`,
          remedy: "write it like 30s, 5m or 1h",
        },
      };
    }
    const kind = statKind(ask("kind") ?? "deployment");
    const namespace = ask("namespace");
    const inNamespace = scenario.workloads.filter((one) =>
      namespace === undefined || one.namespace === namespace
    );
    const selected = inNamespace.filter((one) =>
      (ask("kind") === undefined || one.kind === kind) &&
      (ask("name") === undefined || one.name === ask("name"))
    );
    const seconds = windowMs / 1000;
    switch (url.pathname) {
      case "/api/v1/stat": {
        const rows = kind === "pod"
          ? inNamespace.flatMap((one) => podRows(one, at, seconds))
          : selected.map((one) => statRow(one, at, seconds));
        return { at, windowMs, coveredMs: windowMs, rows } satisfies StatResponse;
      }
      case "/api/v1/edges": {
        const edges = scenario.edges.map((edge) => edgeOf(scenario, edge, at, seconds)).filter((edge) =>
          namespace === undefined || edge.source.namespace === namespace ||
          edge.destination.namespace === namespace
        );
        return { at, windowMs, edges } satisfies EdgesResponse;
      }
      case "/api/v1/stat-inbound": {
        const rows = selected.flatMap((one) => inboundRoutes(statRow(one, at, seconds)));
        return { at, windowMs, coveredMs: windowMs, rows } satisfies StatInboundResponse;
      }
      case "/api/v1/stat-outbound": {
        const edges = scenario.edges.map((edge) => edgeOf(scenario, edge, at, seconds))
          .filter(({ source }) => selected.some((one) => resourceKey(nameOf(one)) === resourceKey(source)));
        const rows = outboundRoutes(edges);
        return { at, windowMs, coveredMs: windowMs, rows } satisfies StatOutboundResponse;
      }
      case "/api/v1/series":
        return selected[0] === undefined ? undefined : seriesOf(selected[0], at, windowMs);
      case "/api/v1/workloads":
        return {
          workloads: selected.map((one) => ({
            resource: nameOf(one),
            meshedPods: one.meshed,
            runningPods: one.pods,
            pods: podsOf(one),
          })),
        } satisfies WorkloadsResponse;
      case "/api/v1/namespaces":
        return {
          namespaces: scenario.namespaces.map((name) => {
            const own = scenario.workloads.filter((one) => one.namespace === name);
            return {
              name,
              isControlPlane: name === "linkerd",
              meshedPods: own.reduce((sum, one) => sum + one.meshed, 0),
              runningPods: own.reduce((sum, one) => sum + one.pods, 0),
            };
          }),
        } satisfies NamespacesResponse;
      case "/api/v1/status":
        return {
          version: "0.1.0",
          scrapeIntervalMs: 2_000,
          retentionMs: 21_600_000,
          targets: scenario.workloads.reduce((sum, one) => sum + one.meshed, 0),
          failing: own.failingProxies,
          startedAt,
          certificates: [{
            use: "issuer",
            name: "identity.linkerd.cluster.local",
            serial: "02",
            validUntil: at + own.certificatesLastMs.issuer,
          }, {
            use: "anchor",
            name: "root.linkerd.cluster.local",
            serial: "01",
            validUntil: at + own.certificatesLastMs.anchor,
          }],
        } satisfies StatusResponse;
      default:
        return undefined;
    }
  };
  const server = Deno.serve({ port: options.port ?? 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const url = new URL(request.url);
    asked.set(url.pathname, (asked.get(url.pathname) ?? 0) + 1);
    if (failure !== undefined) return Response.json({ error: failure }, { status: 500 });
    if (url.pathname === "/api/v1/tap") return fixtureTap();
    const body = answer(url);
    if (body === undefined) return Response.json({ error: { code: "path-unknown" } }, { status: 404 });
    return Response.json(body, { status: "error" in body ? 400 : 200 });
  });
  own.url = `http://127.0.0.1:${server.addr.port}`;
  return own;
}

if (import.meta.main) {
  const scenario = Deno.args[1] as keyof typeof SCENARIOS | undefined;
  const api = startFixtureApi({
    port: Number(Deno.args[0] ?? 0),
    ...(scenario === undefined ? {} : { scenario }),
  });
  console.log(api.url);
}
