/** A proxy's process whose connections seem to have been on their way to the address that REDIRECTED_FROM says. */
import { parseAddress } from "../../../src/linux/address.ts";
import { KERNEL, type SocketFacts } from "../../../src/proxy/accept/listener.ts";
import { readConfig } from "../../../src/proxy/config/environment.ts";
import { isWorkerThread, runWorker } from "../../../src/proxy/cores/worker_main.ts";
import { Proxy } from "../../../src/proxy/proxy.ts";

const environment = Deno.env.toObject(), destination = parseAddress(environment.REDIRECTED_FROM!)!;
const sockets: SocketFacts = { ...KERNEL, originalDestination: () => destination };

if (isWorkerThread()) await runWorker(sockets);
else {
  await new Proxy({ config: readConfig(environment), environment, sockets, script: import.meta.url }).run();
  Deno.exit(0);
}
