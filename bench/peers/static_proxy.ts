/**
 * One side of our pair with a control plane of fixed answers, so that a benchmark measures the data path alone:
 *   static_proxy.ts outbound LISTEN PEER_IP:PEER_PORT APP_PORT CERTIFICATES   (requests go to PEER by mutual TLS)
 *   static_proxy.ts inbound LISTEN CERTIFICATES
 *   static_proxy.ts plain LISTEN APP_IP:APP_PORT CERTIFICATES                 (one hop, no TLS)
 * BENCH_OPAQUE=PORT: what goes to that port is opaque TCP.
 * CERTIFICATES is a directory of ca.crt, client.crt/.key, server.crt/.key (PEM).
 */
import { parseAddress } from "../../src/linux/address.ts";
import { certificatesOfPem } from "../../src/linux/openssl/certificate.ts";
import { PrivateKey } from "../../src/linux/openssl/key.ts";
import { peerAddress } from "../../src/linux/socket.ts";
import { readConfig } from "../../src/proxy/config/environment.ts";
import { Core } from "../../src/proxy/core.ts";
import { Log } from "../../src/proxy/telemetry/log.ts";
import { Telemetry } from "../../src/proxy/telemetry/telemetry.ts";
import { TlsContexts } from "../../src/proxy/tls/contexts.ts";
import { Arena } from "../../src/proxy/worker/arena.ts";
import { Loop } from "../../src/proxy/worker/loop.ts";
import { DESTINATION, environmentOf, fixedPlane, NOWHERE, plainEndpoint } from "./fixed_plane.ts";

const CLIENT = "client.bench.serviceaccount.identity.linkerd.cluster.local";
const SERVER = "server.bench.serviceaccount.identity.linkerd.cluster.local";
const opaquePort = Deno.env.get("BENCH_OPAQUE") ?? "";
const [mode = "", listen = "", target = "", ...rest] = Deno.args;
const certificates = mode === "inbound" ? target : rest.at(-1)!, name = mode === "inbound" ? SERVER : CLIENT;
const pem = (file: string) => Deno.readTextFileSync(`${certificates}/${file}`);

const peer = mode === "inbound" ? undefined : parseAddress(target)!;
const endpoint = peer && (mode === "plain" ? plainEndpoint(peer) : {
  ...plainEndpoint({ ip: peer.ip, port: Number(rest[0]) }),
  identity: { serverName: SERVER, name: SERVER },
  hint: "h2" as const,
  transportPort: peer.port,
});
const control = fixedPlane(endpoint, opaquePort === "" ? "detect" : "opaque");
const isInbound = mode === "inbound";
const config = readConfig({
  ...environmentOf(isInbound ? NOWHERE : listen, isInbound ? listen : NOWHERE),
  LINKERD2_PROXY_IDENTITY_LOCAL_NAME: name,
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
  sockets: { originalDestination: () => isInbound ? undefined : DESTINATION, peerAddress },
};
// Both pipelines stand, as in a sidecar; the one that is not measured listens where nobody comes.
new Core(runtime).listen(false);
console.log("ready");
await loop.run();
