/** What is measured: a proxy or a pair of them, and how processes of ours and of others are started. */
import { makeLean } from "../../tools/build/lean.ts";
import type { Environment, Side } from "./environment.ts";
import { run } from "./programs.ts";

/**
 * What a candidate is compared by: a pair with mutual TLS between, the same with HTTP/2 all the way, with gRPC, with a
 * new connection for each request, or one hop without TLS.
 */
export type Figure = "pair" | "http2" | "grpc" | "handshake" | "plain";

export interface Candidate {
  readonly name: string;
  readonly figure: Figure;
  readonly isOurs: boolean;
  readonly port: number;
  /** Of a pair: first the proxy beside the client, then the one beside the server. */
  readonly pids: readonly number[];
}

const STATIC_PROXY = new URL("static_proxy.ts", import.meta.url).pathname;
const WASM = new URL("../../dist/wasm/mesh.wasm", import.meta.url);

/**
 * Bundles a program of ours, as the real proxy runs from dist/proxy.js.
 * @param wasm of the checkout that the source is of
 * @param v8Flags for the engine, beside the proxy's
 * @returns the command that runs it
 */
export function bundle(
  directory: string,
  name: string,
  source: string,
  { wasm = WASM, v8Flags = [] }: { wasm?: string | URL; v8Flags?: readonly string[] } = {},
): string[] {
  const program = `${directory}/ours/${name}.js`;
  Deno.mkdirSync(`${directory}/ours/wasm`, { recursive: true });
  Deno.copyFileSync(wasm, `${directory}/ours/wasm/mesh.wasm`);
  run(Deno.execPath(), ..."bundle --quiet --platform deno --minify --output".split(" "), program, source);
  makeLean(`${directory}/ours`, name);
  const flags = ["--max-semi-space-size=1", "--expose-gc", ...v8Flags].join(",");
  return [Deno.execPath(), "run", "-A", `--v8-flags=${flags}`, program];
}

/** Our side of a pair. @returns the command that runs it */
export function bundleOurs(directory: string): string[] {
  return bundle(directory, "static_proxy", STATIC_PROXY);
}

/** Starts a process and waits until it listens. */
export async function start(
  environment: Environment,
  side: Side,
  name: string,
  port: number,
  argv: readonly string[],
) {
  const pid = environment.start(side, name, ...argv);
  await environment.listening(side, port, name);
  return pid;
}
