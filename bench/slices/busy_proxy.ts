/**
 * A plain hop whose control side is busy: busy_proxy.ts LISTEN ADMIN APP_IP:APP_PORT quiet|sliced|whole
 * Every two seconds a name that no request goes to gets 10,000 other endpoints, and /metrics tells 3,000 peers;
 * `whole` works each update and each scrape off in one go, as a proxy without slices would.
 */
import { Update } from "../../proto/gen/destination.ts";
import { parseAddress } from "../../src/linux/address.ts";
import { peerAddress } from "../../src/linux/socket.ts";
import { AdminServer } from "../../src/proxy/admin/http.ts";
import { answerAdmin } from "../../src/proxy/admin/routes.ts";
import { readConfig } from "../../src/proxy/config/environment.ts";
import { Dialer } from "../../src/proxy/connect/dialer.ts";
import { EndpointFeed } from "../../src/proxy/control/endpoint_feed.ts";
import { tcpAddressOf } from "../../src/proxy/control/translate_net.ts";
import { Core } from "../../src/proxy/core.ts";
import { Services } from "../../src/proxy/route/services.ts";
import { Log } from "../../src/proxy/telemetry/log.ts";
import { renderRows } from "../../src/proxy/telemetry/render.ts";
import { rowsOf } from "../../src/proxy/telemetry/rows.ts";
import { Telemetry } from "../../src/proxy/telemetry/telemetry.ts";
import { TlsContexts } from "../../src/proxy/tls/contexts.ts";
import { Arena } from "../../src/proxy/worker/arena.ts";
import { Loop } from "../../src/proxy/worker/loop.ts";
import { DESTINATION, environmentOf, fixedPlane, NOWHERE, plainEndpoint } from "../peers/fixed_plane.ts";

const ENDPOINTS = 10_000, EVERY_MS = 2000, SERIES = 3000, BIG = "big.shop.svc.cluster.local:80";
const [listen = "", admin = "", application = "", mode = ""] = Deno.args;
/** An update as it comes off the wire, of the `set`th ten thousand addresses. */
function updateOf(set: number): Uint8Array {
  const addrs = Array.from({ length: ENDPOINTS }, (_, i) => ({
    addr: tcpAddressOf({ ip: `10.${100 + set}.${i >> 8}.${i & 255}`, port: 8080 }),
    weight: 10_000,
    metricLabels: { pod: `big-7f9c6d5b8-${i}`, deployment: "big", serviceaccount: "big", zone: "a" },
    tlsIdentity: undefined,
    protocolHint: undefined,
    authorityOverride: undefined,
    http2: undefined,
    resourceRef: undefined,
  }));
  const metricLabels = { namespace: "shop", service: "big" };
  return Update.encode({ update: { $case: "add", value: { addrs, metricLabels } } }).finish();
}

const loop = new Loop((error) => console.error(error)), arena = Arena.create();
if (mode === "whole") {
  loop.slices.run = (task) => {
    while (task.next().done !== true);
    return () => {};
  };
}
const updates = [updateOf(0), updateOf(1)];
const control = fixedPlane(plainEndpoint(parseAddress(application)!), "detect", (_path, onUpdate) => {
  const feed = new EndpointFeed(loop.slices, onUpdate);
  let count = 0;
  const next = () => {
    feed.push(updates[count++ % 2]!, true);
    loop.after(EVERY_MS, next);
  };
  next();
});
const config = readConfig({ ...environmentOf(listen, NOWHERE), LINKERD2_PROXY_ADMIN_LISTEN_ADDR: admin });
const runtime = {
  config,
  loop,
  arena,
  telemetry: new Telemetry(arena),
  tls: new TlsContexts("bench", []),
  control,
  log: new Log("error", "plain"),
  sockets: { originalDestination: () => DESTINATION, peerAddress },
};
const state = {
  isReady: true,
  shutdown: () => loop.stop(),
  environment: {},
  complaint: () => undefined,
  onLogFilter: () => {},
  metrics: () => {
    const slices = renderRows(rowsOf(runtime.telemetry, arena));
    return mode === "whole" ? [...slices].map((slice) => slice.slice()) : slices;
  },
};
for (let i = 0; i < SERIES; i++) {
  const labels = {
    direction: "outbound",
    target_addr: `10.42.${i >> 8}.${i & 255}:8080`,
    dst_pod: `pod-${i}`,
  };
  const series = runtime.telemetry.httpSeries(labels);
  series.request();
  series.response(200, undefined, i);
  runtime.telemetry.tcpSeries(labels).connectionOpened(loop.now);
}
new AdminServer(runtime, (request) => answerAdmin(request, runtime, state));
new Core(runtime).listen(false);
if (mode !== "quiet") {
  const big = { group: "core", kind: "Service", namespace: "shop", name: "big", port: 80, section: "" };
  const services = new Services(runtime, new Dialer(loop, arena, config.outbound, runtime.tls));
  services.use({ kind: "balancer", path: BIG, resource: big }, big);
}
await loop.run();
