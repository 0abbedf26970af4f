/**
 * linkerd-await: waits until the pod's proxy is ready. Where the proxy is no native sidecar, its postStart hook runs
 * this, and the application's container starts after it.
 */
import { durationFlag, readFlags } from "./flags.ts";
import { UsageError } from "./options.ts";

/** As linkerd-await has it: EX_UNAVAILABLE. */
const NOT_READY = 69;
const DEFAULTS = { port: "4191", timeout: "2m", backoff: "100ms" } as const;

async function isReady(port: number): Promise<string | true> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/ready`, { signal: AbortSignal.timeout(1000) });
    const said = (await response.text()).trim();
    return response.ok || `it answers ${response.status} ${said}`;
  } catch (error) {
    return `it does not answer: ${error instanceof Error ? error.message : error}`;
  }
}

/** @param write takes one line of log @returns the exit status */
export async function runAwait(args: readonly string[], write: (line: string) => void): Promise<number> {
  let port: number, timeoutMs: number, backOffMs: number;
  try {
    const flags = readFlags(args, DEFAULTS);
    port = Number(flags.port);
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      throw new UsageError(`--port: ${JSON.stringify(flags.port)} is not a port`);
    }
    timeoutMs = durationFlag(flags.timeout, "timeout");
    backOffMs = durationFlag(flags.backoff, "backoff");
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    write(`linkerd-await: ${error.message}`);
    return 1;
  }
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const state = await isReady(port);
    if (state === true) return 0;
    if (performance.now() + backOffMs > deadline) {
      write(`linkerd-await: the proxy at port ${port} is not ready after ${timeoutMs / 1000} s: ${state}`);
      return NOT_READY;
    }
    await new Promise((done) => setTimeout(done, backOffMs));
  }
}

if (import.meta.main) Deno.exit(await runAwait(Deno.args, (line) => console.error(line)));
