/**
 * One side of our pair with a control plane of fixed answers, so that a benchmark measures the data path alone:
 *   static_proxy.ts outbound LISTEN PEER_IP:PEER_PORT APP_PORT CERTIFICATES   (requests go to PEER by mutual TLS)
 *   static_proxy.ts inbound LISTEN CERTIFICATES
 *   static_proxy.ts plain LISTEN APP_IP:APP_PORT CERTIFICATES                 (one hop, no TLS)
 * BENCH_OPAQUE=PORT: what goes to that port is opaque TCP.
 * CERTIFICATES is a directory of ca.crt, client.crt/.key, server.crt/.key (PEM).
 */
import { parseAddress, type SocketAddress } from "../../src/linux/address.ts";
import { certificatesOfPem } from "../../src/linux/openssl/certificate.ts";
import { PrivateKey } from "../../src/linux/openssl/key.ts";
import { peerAddress } from "../../src/linux/socket.ts";
import { readConfig } from "../../src/proxy/config/environment.ts";
import { Core } from "../../src/proxy/core.ts";
import type { ControlPlane, EndpointInfo, OutboundDecision } from "../../src/proxy/control/plane.ts";
import { Log } from "../../src/proxy/telemetry/log.ts";
import { Telemetry } from "../../src/proxy/telemetry/telemetry.ts";
import { TlsContexts } from "../../src/proxy/tls/contexts.ts";
import { Arena } from "../../src/proxy/worker/arena.ts";
import { Loop } from "../../src/proxy/worker/loop.ts";

const CLIENT = "client.bench.serviceaccount.identity.linkerd.cluster.local";
const SERVER = "server.bench.serviceaccount.identity.linkerd.cluster.local";
const opaquePort = Deno.env.get("BENCH_OPAQUE") ?? "";
const [mode = "", listen = "", target = "", ...rest] = Deno.args;
const certificates = mode === "inbound" ? target : rest.at(-1)!, name = mode === "inbound" ? SERVER : CLIENT;
const pem = (file: string) => Deno.readTextFileSync(`${certificates}/${file}`);

const destination: SocketAddress = { ip: "10.43.0.7", port: 80 };
const peer = mode === "inbound" ? undefined : parseAddress(target)!;
const endpoint: EndpointInfo | undefined = peer && {
  address: mode === "plain" ? peer : { ip: peer.ip, port: Number(rest[0]) },
  weight: 1,
  identity: mode === "plain" ? undefined : { serverName: SERVER, name: SERVER },
  hint: "h2",
  transportPort: mode === "plain" ? undefined : peer.port,
  authorityOverride: undefined,
  labels: {},
};
const resource = { group: "core", kind: "Service", namespace: "bench", name: "web", port: 80, section: "" };
const backends = [{ backend: { kind: "balancer" as const, path: "web:80", resource }, weight: 1 }];
const decision: OutboundDecision = {
  protocol: opaquePort === "" ? "detect" : "opaque",
  detectTimeoutMs: 1000,
  authority: "web:80",
  parent: resource,
  http: { kind: "first-available", backends },
  opaque: { kind: "first-available", backends },
};
const nothing = { cancel() {} };
const control: ControlPlane = {
  watchInboundPort: () => nothing,
  watchOutbound: (_address, onUpdate) => {
    queueMicrotask(() => onUpdate(decision));
    return nothing;
  },
  resolve: (_path, onUpdate) => {
    queueMicrotask(() => onUpdate({ kind: "replace", endpoints: [endpoint!] }));
    return nothing;
  },
};

const NOWHERE = "127.0.0.1:0";
const config = readConfig({
  LINKERD2_PROXY_IDENTITY_DIR: "unused",
  LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS: "unused",
  LINKERD2_PROXY_IDENTITY_TOKEN_FILE: "unused",
  LINKERD2_PROXY_IDENTITY_LOCAL_NAME: name,
  LINKERD2_PROXY_IDENTITY_SVC_ADDR: "localhost.:1",
  LINKERD2_PROXY_DESTINATION_SVC_ADDR: "localhost.:1",
  LINKERD2_PROXY_POLICY_SVC_ADDR: "localhost.:1",
  LINKERD2_PROXY_POLICY_WORKLOAD: "bench",
  LINKERD2_PROXY_OUTBOUND_LISTEN_ADDR: mode === "inbound" ? NOWHERE : listen,
  LINKERD2_PROXY_INBOUND_LISTEN_ADDR: mode === "inbound" ? listen : NOWHERE,
  LINKERD2_PROXY_INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION: opaquePort,
});
const loop = new Loop((error) => console.error(error)), arena = Arena.create();
const tls = new TlsContexts(name, certificatesOfPem(pem("ca.crt")));
const side = mode === "inbound" ? "server" : "client";
const keyDer = Uint8Array.from(
  atob(pem(`${side}.key`).replace(/-----[^-]+-----|\s/g, "")),
  (c) => c.charCodeAt(0),
);
tls.install({ key: PrivateKey.fromDer(keyDer)!, chain: certificatesOfPem(pem(`${side}.crt`)) });
const runtime = {
  config,
  loop,
  arena,
  telemetry: new Telemetry(arena),
  tls,
  control,
  log: new Log("error", "plain"),
  sockets: { originalDestination: () => mode === "inbound" ? undefined : destination, peerAddress },
};
// Both pipelines stand, as in a sidecar; the one that is not measured listens where nobody comes.
new Core(runtime).listen(false);
console.log("ready");
await loop.run();
