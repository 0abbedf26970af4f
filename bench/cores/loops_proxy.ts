/**
 * A plain hop of one or more loops, with a control plane of fixed answers: loops_proxy.ts LISTEN APP_IP:APP_PORT LOOPS
 * Workers run this same file.
 */
import { parseAddress } from "../../src/linux/address.ts";
import { certificatesOfPem } from "../../src/linux/openssl/certificate.ts";
import { PrivateKey } from "../../src/linux/openssl/key.ts";
import { KERNEL, type SocketFacts } from "../../src/proxy/accept/listener.ts";
import { readConfig } from "../../src/proxy/config/environment.ts";
import type { ControlPlane, OutboundDecision } from "../../src/proxy/control/plane.ts";
import { SharedPlane } from "../../src/proxy/control/shared_plane.ts";
import { Slices } from "../../src/proxy/control/slices.ts";
import { Core } from "../../src/proxy/core.ts";
import { Supervisor } from "../../src/proxy/cores/supervisor.ts";
import { isWorkerThread, runWorker } from "../../src/proxy/cores/worker_main.ts";
import { Log } from "../../src/proxy/telemetry/log.ts";
import { Telemetry } from "../../src/proxy/telemetry/telemetry.ts";
import { TlsContexts } from "../../src/proxy/tls/contexts.ts";
import { Arena } from "../../src/proxy/worker/arena.ts";
import { Loop } from "../../src/proxy/worker/loop.ts";

const SOCKETS: SocketFacts = { ...KERNEL, originalDestination: () => ({ ip: "10.43.0.7", port: 80 }) };

/** A self-signed certificate that nobody is shown: workers are not started without one. */
function identity(directory: string) {
  const pem = (file: string) => Deno.readTextFileSync(`${directory}/${file}`);
  const der = (text: string) => Uint8Array.fromBase64(text.replace(/-----[^-]+-----|\s/g, ""));
  const key = PrivateKey.fromDer(der(pem("client.key")))!;
  const anchors = pem("ca.crt"), chain = [der(pem("client.crt"))];
  return { anchors, snapshot: { key: key.toDer(), chain, anchors: certificatesOfPem(anchors) } };
}

async function runMain(): Promise<void> {
  const [listen = "", application = "", loops = "1", directory = ""] = Deno.args;
  const { anchors, snapshot } = identity(directory), nowhere = "localhost.:1";
  const environment = {
    LINKERD2_PROXY_IDENTITY_DIR: "unused",
    LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS: anchors,
    LINKERD2_PROXY_IDENTITY_TOKEN_FILE: "unused",
    LINKERD2_PROXY_IDENTITY_LOCAL_NAME: "bench",
    LINKERD2_PROXY_IDENTITY_SVC_ADDR: nowhere,
    LINKERD2_PROXY_DESTINATION_SVC_ADDR: nowhere,
    LINKERD2_PROXY_POLICY_SVC_ADDR: nowhere,
    LINKERD2_PROXY_POLICY_WORKLOAD: "bench",
    LINKERD2_PROXY_OUTBOUND_LISTEN_ADDR: listen,
    LINKERD2_PROXY_INBOUND_LISTEN_ADDR: "127.0.0.1:0",
  };
  const resource = { group: "core", kind: "Service", namespace: "bench", name: "web", port: 80, section: "" };
  const backends = [{ backend: { kind: "balancer" as const, path: "web:80", resource }, weight: 1 }];
  const decision: OutboundDecision = {
    protocol: "detect",
    detectTimeoutMs: 1000,
    authority: "web:80",
    parent: resource,
    http: { kind: "first-available", backends },
    opaque: { kind: "first-available", backends },
  };
  const endpoint = {
    address: parseAddress(application)!,
    weight: 1,
    identity: undefined,
    hint: "none" as const,
    transportPort: undefined,
    authorityOverride: undefined,
    labels: {},
  };
  const nothing = { cancel() {} };
  const fixed: ControlPlane = {
    watchInboundPort: () => nothing,
    watchOutbound: (_address, onUpdate) => {
      queueMicrotask(() => onUpdate(decision));
      return nothing;
    },
    resolve: (_path, onUpdate) => {
      queueMicrotask(() => onUpdate({ kind: "replace", endpoints: [endpoint] }));
      return nothing;
    },
  };
  const loop = new Loop((error) => console.error(error)), arena = Arena.create();
  const control = new SharedPlane(fixed, new Slices(loop, (error) => console.error(error)));
  const runtime = {
    config: readConfig(environment),
    loop,
    arena,
    telemetry: new Telemetry(arena),
    tls: new TlsContexts("bench", []),
    control,
    log: new Log("error", "plain"),
    sockets: SOCKETS,
  };
  const supervisor = new Supervisor({
    runtime,
    plane: control,
    environment,
    count: Number(loops) - 1,
    watchdog: undefined,
    spawn: (link) => new Worker(import.meta.url, { type: "module", name: JSON.stringify({ link }) }),
  });
  const addresses = new Core(runtime).listen(true);
  supervisor.setIdentity(snapshot);
  supervisor.start(addresses);
  await loop.run();
}

if (isWorkerThread()) await runWorker(SOCKETS);
else await runMain();
