/** The dashboard's HTTP server: pages rendered from the statistics API, and nothing else. */
import { h } from "preact";
import { renderToString } from "preact-render-to-string";
import type { WorkloadsResponse } from "../mesh/api.ts";

export interface DashboardOptions {
  /** 0: any free port. */
  readonly port: number;
  /** Base address of the statistics API: `http://metrics-api.linkerd.svc.cluster.local:8080`. */
  readonly metricsApi: string;
}

export interface Dashboard {
  readonly port: number;
  stop(): Promise<void>;
}

async function overview(metricsApi: string): Promise<Response> {
  const answer = await fetch(new URL("/api/v1/workloads", metricsApi), {
    signal: AbortSignal.timeout(5_000),
  });
  const { workloads } = await answer.json() as WorkloadsResponse;
  const rows = workloads.map(({ resource, meshedPods, runningPods }) =>
    h(
      "tr",
      null,
      h("td", null, resource.namespace),
      h("td", null, resource.name),
      h("td", null, `${meshedPods}/${runningPods}`),
    )
  );
  const page = h(
    "html",
    { lang: "en" },
    h("head", null, h("title", null, "Mesh")),
    h("body", null, h("h1", null, "Workloads"), h("table", null, rows)),
  );
  return new Response(`<!doctype html>${renderToString(page)}`, {
    headers: { "content-type": "text/html; charset=utf-8" },
  });
}

/** Listens on all addresses; resolves once it accepts connections. */
export async function startDashboard({ port, metricsApi }: DashboardOptions): Promise<Dashboard> {
  const { promise: listening, resolve } = Promise.withResolvers<number>();
  const server = Deno.serve(
    { port, automaticCompression: true, onListen: (address) => resolve(address.port) },
    async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/healthz") return new Response("ok\n");
      if (pathname !== "/") return new Response("not found\n", { status: 404 });
      try {
        return await overview(metricsApi);
      } catch (error) {
        const cause = error instanceof Error ? error.message : String(error);
        return new Response(`metrics API at ${metricsApi}: ${cause}\n`, { status: 502 });
      }
    },
  );
  return { port: await listening, stop: () => server.shutdown() };
}
