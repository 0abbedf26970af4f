/**
 * The metrics-api role: scrapes, stores, answers.
 *
 * The interval is 10 s unless `--scrape-interval` says otherwise: Prometheus' in Linkerd, and 1000 proxies then cost about
 * a twentieth of a core. On a laptop it is 1 s, so that figures move while one looks.
 */
import { Gauge } from "prom-client";
import { ApiDefinition } from "../../../proto/gen/viz.ts";
import {
  CLUSTER_DOMAIN,
  CONTROL_PLANE_NAMESPACE,
  CONTROL_PORTS,
  TAP_TOKEN_HEADER,
} from "../../mesh/names.ts";
import { GrpcServer } from "../grpc/server.ts";
import { FlagError } from "../process/flags.ts";
import { grpcMetrics } from "../process/metrics.ts";
import type { Role, RunningRole } from "../process/role.ts";
import type { StatisticsContext } from "./answers/context.ts";
import { Certificates } from "./certificates.ts";
import { FLOWS } from "./flow.ts";
import { flowLedger } from "./flow_ledger.ts";
import { httpApi } from "./http_api.ts";
import { Inventory } from "./inventory.ts";
import { ROUTES } from "./route_flow.ts";
import { routeLedger } from "./route_ledger.ts";
import { Scraper } from "./scraper.ts";
import { Store } from "./store.ts";
import { TAP_PATH, tapApi } from "./tap/tap_api.ts";
import { vizHandlers } from "./viz_api.ts";

const MAINTENANCE_MS = 10_000;

export const telemetryRole: Role = {
  adminPort: CONTROL_PORTS.metricsApiAdmin,
  async start({ flags, registry, cluster }): Promise<RunningRole> {
    const grpcPort = flags.port("addr", CONTROL_PORTS.metricsApi);
    const httpPort = flags.port("http-addr", CONTROL_PORTS.metricsApiHttp);
    const intervalMs = flags.duration("scrape-interval", "10s");
    const retentionMs = flags.duration("retention", "6h");
    if (intervalMs < 100) throw new FlagError("--scrape-interval: at least 100ms");
    if (retentionMs < 600_000) throw new FlagError("--retention: at least 10m");
    const path = flags.string("store", ":memory:");
    const concurrency = flags.number("scrape-concurrency", 16);
    const domain = {
      controlPlaneNamespace: flags.string("controller-namespace", CONTROL_PLANE_NAMESPACE),
      trustDomain: flags.string("identity-trust-domain", flags.string("cluster-domain", CLUSTER_DOMAIN)),
    };
    const tapClient = flags.string("tap-client", "") || undefined;
    const client = await cluster(), inventory = new Inventory(client, domain);
    const store = new Store(FLOWS, { path, retentionMs }), routes = new Store(ROUTES, { path, retentionMs });
    const ledgers = [flowLedger(store), routeLedger(routes)];
    const scraper = new Scraper({ inventory, ledgers, intervalMs, concurrency });
    const certificates = new Certificates({ inventory, namespace: domain.controlPlaneNamespace });
    const context: StatisticsContext = {
      store,
      routes,
      inventory,
      scraper,
      certificates,
      intervalMs,
      retentionMs,
      now: Date.now,
    };
    const stopped = new AbortController();
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers: [registry],
        collect() {
          this.set(read());
        },
      });
    gauge("scrape_targets", "Proxies that are scraped.", () => scraper.counts().targets);
    gauge("scrape_failing", "Proxies whose last scrape failed.", () => scraper.counts().failing);
    gauge("statistics_flows", "Flows kept.", () => store.flows);
    gauge("statistics_route_flows", "Flows of routes kept.", () => routes.flows);
    const grpc = new GrpcServer(grpcMetrics(registry));
    grpc.add(ApiDefinition, vizHandlers(context));
    await grpc.listen(grpcPort);
    const statistics = httpApi(context, stopped.signal);
    const taps = tapApi(context, stopped.signal, async (headers) => {
      const { authorizeTap, isTapClient } = await import("./tap/authorize.ts");
      if (isTapClient(headers, tapClient)) return;
      await authorizeTap(client, domain.controlPlaneNamespace, headers.get(TAP_TOKEN_HEADER));
    });
    const http = Deno.serve(
      { port: httpPort, hostname: "0.0.0.0", onListen: () => {} },
      (request) => new URL(request.url).pathname === TAP_PATH ? taps(request) : statistics(request),
    );
    inventory.ready.then(() => {
      scraper.start();
      certificates.start();
    });
    const maintenance = setInterval(() => {
      try {
        for (const one of [store, routes]) one.maintain(Date.now());
      } catch (error) {
        console.error(`the store could not be tidied: ${error}`);
      }
    }, MAINTENANCE_MS);
    return {
      waitingFor: () => inventory.waitingFor(),
      async stop() {
        stopped.abort();
        clearInterval(maintenance);
        scraper.stop();
        certificates.stop();
        inventory.stop();
        await Promise.all([http.shutdown(), grpc.stop()]);
        for (const one of [store, routes]) one.close();
      },
    };
  },
};
