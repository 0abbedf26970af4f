/**
 * A plain hop of one or more loops, with a control plane of fixed answers: loops_proxy.ts LISTEN APP_IP:APP_PORT LOOPS
 * Workers run this same file.
 */
import { parseAddress } from "../../src/linux/address.ts";
import { certificatesOfPem } from "../../src/linux/openssl/certificate.ts";
import { PrivateKey } from "../../src/linux/openssl/key.ts";
import { KERNEL, type SocketFacts } from "../../src/proxy/accept/listener.ts";
import { readConfig } from "../../src/proxy/config/environment.ts";
import { SharedPlane } from "../../src/proxy/control/shared_plane.ts";
import { Core } from "../../src/proxy/core.ts";
import { Supervisor } from "../../src/proxy/cores/supervisor.ts";
import { isWorkerThread, runWorker } from "../../src/proxy/cores/worker_main.ts";
import { Log } from "../../src/proxy/telemetry/log.ts";
import { Telemetry } from "../../src/proxy/telemetry/telemetry.ts";
import { TlsContexts } from "../../src/proxy/tls/contexts.ts";
import { Arena } from "../../src/proxy/worker/arena.ts";
import { Loop } from "../../src/proxy/worker/loop.ts";
import { DESTINATION, environmentOf, fixedPlane, NOWHERE, plainEndpoint } from "../peers/fixed_plane.ts";

const SOCKETS: SocketFacts = { ...KERNEL, originalDestination: () => DESTINATION };

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
  const { anchors, snapshot } = identity(directory);
  const environment = {
    ...environmentOf(listen, NOWHERE),
    LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS: anchors,
  };
  const fixed = fixedPlane(plainEndpoint(parseAddress(application)!), "detect");
  const loop = new Loop((error) => console.error(error)), arena = Arena.create();
  const control = new SharedPlane(fixed, loop.slices);
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
