/** The dashboard's server: pages of routes/, their assets, and the feeds behind live pages. */
import { App } from "fresh";
import { manifest } from "../../dist/dashboard/manifest.ts";
import type { State } from "./define.ts";
import type { Asset } from "./fresh/manifest.ts";
import { Calls } from "./live/calls.ts";
import { Feeds } from "./live/feeds.ts";
import { connectMetricsApi } from "./metrics_api.ts";
import { DEFAULT_WINDOW } from "./model/resource.ts";
import { dashboardHosts } from "../mesh/dashboard_hosts.ts";
import { enforceHost, securityHeaders } from "./security.ts";

export interface DashboardOptions {
  /** 0 for any free one. */
  readonly port: number;
  readonly hostname?: string;
  /** Where the statistics API is served: `http://metrics-api.linkerd.svc.cluster.local:8080`. */
  readonly metricsApi: string;
  /** Names it is answered under: a regular expression; default mesh/dashboard_hosts.ts. */
  readonly enforcedHost?: string;
  /** Pages show requests one by one; default no. */
  readonly showsCalls?: boolean;
  /** Time between the views of a live page; default the interval at which figures are gathered. */
  readonly intervalMs?: number;
}

export interface Dashboard {
  readonly port: number;
  /** Ends the live streams, answers what is under way, closes. */
  stop(): Promise<void>;
}

const FOREVER = "public, max-age=31536000, immutable";

/** Serves until stopped. @throws when the port is taken or `enforcedHost` is no regular expression */
export function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const api = connectMetricsApi(options.metricsApi);
  let intervalMs = options.intervalMs ?? 2_000;
  const feeds = new Feeds({ intervalMs: () => intervalMs });
  const calls = new Calls(api);
  const app = new App<State>()
    .use(securityHeaders)
    .use(enforceHost(options.enforcedHost ?? dashboardHosts()))
    .use((context) => {
      const asset: Asset | undefined = manifest.assets[context.url.pathname];
      return asset === undefined ? context.next() : serveAsset(asset, FOREVER);
    })
    .use((context) => {
      Object.assign(context.state, {
        api: {
          ...api,
          // Figures change when proxies are scraped: to ask more often is to see the same.
          status: async () => {
            const status = await api.status();
            intervalMs = options.intervalMs ?? Math.min(10_000, Math.max(1_000, status.scrapeIntervalMs));
            return status;
          },
        },
        feeds,
        calls,
        showsCalls: options.showsCalls ?? false,
        asset: (name: string) => manifest.names[name] ?? `/assets/${name}`,
        title: "Linkerd",
        window: context.url.searchParams.get("window") || DEFAULT_WINDOW,
      });
      return context.next();
    })
    .get("/healthz", () => new Response("ok\n"))
    .get("/favicon.ico", () => serveAsset(manifest.assets[manifest.names["favicon.svg"]!]!, "max-age=86400"))
    .fsRoutes(manifest);
  const server = Deno.serve({
    port: options.port,
    hostname: options.hostname ?? "0.0.0.0",
    automaticCompression: true,
    onListen() {}, // who starts it says where it is
  }, app.handler());
  return Promise.resolve({
    port: server.addr.port,
    stop: async () => {
      feeds.stop();
      calls.stop();
      await server.shutdown();
    },
  });
}

function serveAsset({ type, body }: Asset, cache: string): Response {
  return new Response(body, { headers: { "content-type": type, "cache-control": cache } });
}
