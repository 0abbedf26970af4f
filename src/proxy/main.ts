/** The proxy's program: what it is told by its environment, or why that makes no proxy. */
import { KERNEL } from "./accept/listener.ts";
import { ConfigError, type ProxyConfig, readConfig } from "./config/environment.ts";
import { isWorkerThread, runWorker } from "./cores/worker_main.ts";
import { Proxy } from "./proxy.ts";

/** Exit code for an environment that makes no proxy (EX_USAGE of sysexits.h, as Linkerd's). */
const EXIT_USAGE = 64;

function configOrExit(environment: Record<string, string>): ProxyConfig {
  try {
    return readConfig(environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    Deno.exit(EXIT_USAGE);
  }
}

if (isWorkerThread()) await runWorker(KERNEL);
else if (import.meta.main) {
  const environment = Deno.env.toObject(), config = configOrExit(environment);
  await new Proxy({ config, environment, sockets: KERNEL, script: import.meta.url }).run();
  Deno.exit(0);
}
