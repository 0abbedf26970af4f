/**
 * A proxy for tests whose loop hangs for ever as it accepts its first connection: the main loop's (`stuck_process.ts
 * main`) or the worker's (`worker`). The other loops serve.
 */
import { KERNEL, type SocketFacts } from "../accept/listener.ts";
import { readConfig } from "../config/environment.ts";
import { isWorkerThread, runWorker } from "../cores/worker_main.ts";
import { Proxy } from "../proxy.ts";

const STUCK: SocketFacts = {
  ...KERNEL,
  peerAddress: () => {
    for (;;);
  },
};

if (isWorkerThread()) await runWorker(STUCK);
else {
  const environment = Deno.env.toObject(), sockets = Deno.args[0] === "main" ? STUCK : KERNEL;
  await new Proxy({ config: readConfig(environment), environment, sockets, script: import.meta.url }).run();
  Deno.exit(0);
}
