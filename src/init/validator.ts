/**
 * linkerd2-network-validator: with a CNI plugin there is no init container that redirects, and a pod that started
 * before the plugin was there would speak past its proxy. So this runs first in such pods and fails where redirection
 * is absent, with the exit code by which the plugin's repair finds the pod.
 *
 * It listens where the proxy's outbound side will, connects to an address that leads nowhere, and must meet itself.
 */
import { addressFlag, durationFlag, readFlags } from "./flags.ts";
import { UsageError } from "./options.ts";

/** What tells the repair controller that this pod's network has to be made anew. */
export const NOT_REDIRECTED = 95;

const DEFAULTS = {
  "connect-addr": "1.1.1.1:20001",
  "listen-addr": "0.0.0.0:4140",
  "timeout": "10s",
  "log-level": "info",
  "log-format": "plain",
} as const;

type Outcome = "redirected" | "elsewhere" | "timeout" | { readonly refusal: unknown };

/** Where a connection to `target` arrives, when `listener` is where it should. */
async function connectionArrives(
  listener: Deno.TcpListener,
  target: { hostname: string; port: number },
  timeoutMs: number,
): Promise<Outcome> {
  // What only this run can know: another process may listen, too, and answer.
  const token = crypto.getRandomValues(new Uint8Array(32));
  const serve = async () => {
    for await (const connection of listener) {
      await connection.write(token);
      connection.close();
    }
  };
  serve().catch(() => {}); // the listener was closed
  const meet = async (): Promise<Outcome> => {
    let connection: Deno.TcpConn;
    try {
      connection = await Deno.connect(target);
    } catch (refusal) {
      return { refusal };
    }
    const got = new Uint8Array(token.length);
    let length = 0;
    for (let count: number | null = 0; length < got.length; length += count) {
      count = await connection.read(got.subarray(length));
      if (count === null) break;
    }
    connection.close();
    return length === token.length && got.every((byte, index) => byte === token[index])
      ? "redirected"
      : "elsewhere";
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Outcome>((done) => timer = setTimeout(() => done("timeout"), timeoutMs));
  try {
    return await Promise.race([meet(), late]);
  } finally {
    clearTimeout(timer);
    listener.close();
  }
}

function explain(outcome: Exclude<Outcome, "redirected">, target: string, timeout: string): string {
  if (outcome === "elsewhere") return `a connection to ${target} was answered by something else`;
  if (outcome === "timeout") return `a connection to ${target} did not come back within ${timeout}`;
  const { refusal } = outcome;
  return `a connection to ${target} failed: ${refusal instanceof Error ? refusal.message : refusal}`;
}

/** @param write takes one line of log @returns the exit status */
export async function runValidator(args: readonly string[], write: (line: string) => void): Promise<number> {
  let flags: Record<keyof typeof DEFAULTS, string>, timeoutMs: number;
  let target: { hostname: string; port: number }, own: { hostname: string; port: number };
  try {
    flags = readFlags(args, DEFAULTS);
    timeoutMs = durationFlag(flags.timeout, "timeout");
    target = addressFlag(flags["connect-addr"], "connect-addr");
    own = addressFlag(flags["listen-addr"], "listen-addr");
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    write(`network-validator: ${error.message}`);
    return 1;
  }
  const log = (level: "info" | "error", message: string) => {
    const time = new Date().toISOString();
    const isJson = flags["log-format"] === "json";
    write(isJson ? JSON.stringify({ level, message, time }) : `${time} ${level} ${message}`);
  };
  let listener: Deno.TcpListener;
  try {
    listener = Deno.listen(own);
  } catch (error) {
    log("error", `cannot listen at ${flags["listen-addr"]}: ${(error as Error).message}`);
    return 1;
  }
  const outcome = await connectionArrives(listener, target, timeoutMs);
  if (outcome === "redirected") {
    log("info", "connections of this pod are redirected to its proxy");
    return 0;
  }
  log(
    "error",
    `connections of this pod are not redirected to its proxy (${
      explain(outcome, flags["connect-addr"], flags.timeout)
    }): is the linkerd-cni plugin installed on this node, and was it before this pod started?`,
  );
  return NOT_REDIRECTED;
}

if (import.meta.main) Deno.exit(await runValidator(Deno.args, (line) => console.error(line)));
