/** The dashboard's server. */
import { toMeshError } from "../mesh/error.ts";
import { formatRate } from "../mesh/table.ts";
import { connectMetricsApi } from "./metrics_api.ts";

export interface DashboardOptions {
  /** 0 for any free one. */
  readonly port: number;
  readonly hostname?: string;
  /** Where the statistics API is served: `http://metrics-api.linkerd.svc.cluster.local:8080`. */
  readonly metricsApi: string;
}

const escape = (text: string) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** Serves the dashboard until stopped. */
export function startDashboard(options: DashboardOptions) {
  const api = connectMetricsApi(options.metricsApi);
  const server = Deno.serve({
    port: options.port,
    hostname: options.hostname ?? "0.0.0.0",
    automaticCompression: true,
    onListen: ({ port }) => console.error(`dashboard on port ${port}`),
  }, async (request) => {
    if (new URL(request.url).pathname === "/healthz") return new Response("ok\n");
    const headers = { "content-type": "text/html; charset=utf-8" };
    try {
      const { rows } = await api.stat({ kind: "deployment" });
      const lines = rows.map(({ resource, requests, meshedPods, runningPods }) =>
        `<tr><td>${escape(resource.namespace)}/${
          escape(resource.name)
        }</td><td>${meshedPods}/${runningPods}</td>` +
        `<td>${formatRate(requests?.successRate) ?? "-"}</td><td>${requests?.rps ?? "-"}</td></tr>`
      ).join("");
      return new Response(`<!doctype html><title>linkerd</title><table>${lines}</table>`, { headers });
    } catch (error) {
      return new Response(
        `<!doctype html><pre>${escape(JSON.stringify(toMeshError(error), null, 2))}</pre>`,
        {
          headers,
          status: 503,
        },
      );
    }
  });
  return Promise.resolve({ port: server.addr.port, stop: () => server.shutdown() });
}
