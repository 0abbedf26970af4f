/**
 * The statistics API of a shop that was never deployed, for tests and screenshots: every path of src/mesh/api.ts.
 *
 * usage: deno run -A tests/browser/fixture_api.ts [port]
 */
import {
  type Edge,
  type EdgesResponse,
  type ErrorResponse,
  type NamespacesResponse,
  type SeriesResponse,
  type StatResponse,
  type StatRow,
  type StatusResponse,
  type WorkloadsResponse,
} from "../../src/mesh/api.ts";
import { parseWindow } from "../../src/mesh/duration.ts";
import { edgesAt, podsOf, requestsAt, resourceOf, SKETCHES, statRow, tcpAt } from "./fixture_shop.ts";

/** `empty`: a cluster with the control plane alone. `failing`: every question is answered with status 500. */
export type Scene = "shop" | "empty" | "failing";

export interface FixtureApi {
  readonly url: string;
  readonly port: number;
  /** May be changed while it runs. */
  scene: Scene;
  stop(): Promise<void>;
}

export interface FixtureOptions {
  readonly scene?: Scene;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Milliseconds since the epoch; default the real clock. */
  readonly now?: () => number;
}

export function startFixtureApi(options: FixtureOptions = {}): FixtureApi {
  const now = options.now ?? Date.now;
  const startedAt = now() - 3_600_000;
  const server = Deno.serve(
    { port: options.port ?? 0, hostname: "127.0.0.1", onListen() {} },
    (request) => {
      const url = new URL(request.url);
      if (fixture.scene === "failing") return refuse(500, "unexpected", "the store of figures is locked");
      return answer(url, fixture.scene, now, startedAt);
    },
  );
  const { port } = server.addr;
  const fixture: FixtureApi = {
    url: `http://127.0.0.1:${port}`,
    port,
    scene: options.scene ?? "shop",
    stop: () => server.shutdown(),
  };
  return fixture;
}

function refuse(status: number, code: string, detail: string): Response {
  const body: ErrorResponse = { error: { code, source: status === 500 ? "mesh" : "usage", detail } };
  return Response.json(body, { status });
}

function answer(url: URL, scene: Scene, now: () => number, startedAt: number): Response {
  const at = now();
  const asked = (name: string) => url.searchParams.get(name) ?? "";
  const isAsked = (value: string, name: string) => asked(name) === "" || asked(name) === value;
  const windowMs = parseWindow(asked("window") || "1m") ?? 60_000;
  const sketches = SKETCHES.filter((one) => scene === "shop" || one.namespace === "linkerd")
    .filter((one) => isAsked(one.namespace, "namespace"));
  const named = sketches.filter((one) => isAsked(one.kind, "kind") && isAsked(one.name, "name"));
  const stat = (): StatResponse => ({
    at: now(),
    windowMs,
    coveredMs: Math.min(windowMs, now() - startedAt),
    rows: asked("kind") === "pod"
      ? podRows(sketches, now(), windowMs)
      : named.map((one) => statRow(one, now(), windowMs)),
  });
  switch (url.pathname) {
    case "/api/v1/stat":
      return Response.json(stat());
    case "/api/v1/stat/watch":
      return watch(stat, parseWindow(asked("interval") || "1s") ?? 1_000);
    case "/api/v1/edges": {
      const isNear = ({ source, destination }: Edge) =>
        isAsked(source.namespace, "namespace") || isAsked(destination.namespace, "namespace");
      const edges = scene === "shop" ? edgesAt(at, windowMs).filter(isNear) : [];
      return Response.json({ at, windowMs, edges } satisfies EdgesResponse);
    }
    case "/api/v1/series": {
      const [sketch] = named;
      if (sketch === undefined) return refuse(400, "resource-unknown", `there is no ${asked("name")}`);
      const spanMs = parseWindow(asked("window") || "10m") ?? 600_000;
      const stepMs = Math.max(1_000, parseWindow(asked("step") || "") ?? spanMs / 120);
      const points = Array.from({ length: Math.floor(spanMs / stepMs) }, (_, index) => {
        const end = at - spanMs + (index + 1) * stepMs;
        return {
          at: end,
          requests: requestsAt(sketch, sketch.rps, end, stepMs),
          tcp: tcpAt(sketch.name, sketch.connections, end),
        };
      });
      return Response.json({ resource: resourceOf(sketch), stepMs, points } satisfies SeriesResponse);
    }
    case "/api/v1/workloads": {
      const workloads = named.map((one) => ({
        resource: resourceOf(one),
        meshedPods: one.isMeshed ? one.replicas : 0,
        runningPods: one.replicas,
        pods: podsOf(one),
      }));
      return Response.json({ workloads } satisfies WorkloadsResponse);
    }
    case "/api/v1/namespaces": {
      const count = (name: string, isMeshed: boolean) =>
        sketches.filter((one) => one.namespace === name && (!isMeshed || one.isMeshed))
          .reduce((sum, one) => sum + one.replicas, 0);
      const namespaces = ["default", "linkerd", "shop"].filter((name) => scene === "shop" || name !== "shop")
        .map((name) => ({
          name,
          isControlPlane: name === "linkerd",
          meshedPods: count(name, true),
          runningPods: count(name, false),
        }));
      return Response.json({ namespaces } satisfies NamespacesResponse);
    }
    case "/api/v1/status": {
      const pods = sketches.flatMap(podsOf).filter((pod) => pod.isMeshed);
      const failing = pods.filter((pod) => pod.scrapeError !== undefined).length;
      return Response.json(
        {
          version: "0.1.0",
          scrapeIntervalMs: 1_000,
          retentionMs: 21_600_000,
          targets: pods.length,
          failing,
          startedAt,
        } satisfies StatusResponse,
      );
    }
    default:
      return refuse(404, "path-unknown", `there is no ${url.pathname}`);
  }
}

function podRows(sketches: typeof SKETCHES, at: number, windowMs: number): StatRow[] {
  return sketches.flatMap((sketch) =>
    podsOf(sketch).map((pod): StatRow => {
      const share = { ...sketch, rps: sketch.rps / sketch.replicas, replicas: 1 };
      const row = statRow(share, at, windowMs);
      return {
        ...row,
        resource: { kind: "pod", namespace: sketch.namespace, name: pod.name },
        status: pod.phase,
      };
    })
  );
}

function watch(value: () => object, intervalMs: number): Response {
  const encoder = new TextEncoder();
  const event = () => encoder.encode(`event: stat\ndata: ${JSON.stringify(value())}\n\n`);
  let timer: number | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(event());
      timer = setInterval(() => controller.enqueue(event()), intervalMs);
    },
    cancel: () => clearInterval(timer),
  });
  return new Response(body, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
  });
}

if (import.meta.main) {
  const fixture = startFixtureApi({ port: Number(Deno.args[0] ?? 0) });
  console.log(fixture.url);
}
