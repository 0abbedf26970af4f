/**
 * A laptop cluster seen from outside: starts its node in namespaces of its own, reaches it through sockets in a
 * directory, and ends it so that nothing is left.
 */
import { createHttpKubeClient, type HttpKubeClient } from "../../kube/http_client.ts";
import { unshareArguments } from "../../linux/unshare.ts";
import { MeshFailure } from "../../mesh/error.ts";
import { formatKubeConfig } from "../api/kubeconfig.ts";
import { bundleDirectory } from "../bundles.ts";
import { joinStreams } from "../join_streams.ts";
import { checkPrerequisites } from "./prerequisites.ts";

const START_TIMEOUT_MS = 20_000;

/** A listener on this machine's loopback whose connections end up in the cluster. */
export interface Gateway {
  readonly port: number;
  /** Safe to call twice. */
  close(): void;
}

export interface Cluster {
  /** The process whose end is the end of the node and of all its pods; undefined where somebody else started it. */
  readonly pid?: number;
  /** Where the node's sockets, token and certificate are. */
  readonly directory: string;
  readonly client: HttpKubeClient;
  /** For kubectl and this project's own commands. */
  readonly kubeconfig: string;
  readonly apiPort: number;
  /** Makes a service of the cluster reachable on loopback; port 0 picks one. */
  expose(namespace: string, service: string, port: number, localPort?: number): Gateway;
  /** Resolves when the node has ended by itself, with what it last said. */
  readonly ended: Promise<string>;
  /** Ends everything. Safe to call twice. */
  stop(): Promise<void>;
}

function listenAndJoin(localPort: number, open: () => Promise<Deno.Conn>): Gateway {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: localPort });
  (async () => {
    for await (const near of listener) {
      open().then((far) => joinStreams(near, far)).catch(() => near.close()); // the node is gone: so is the connection
    }
  })().catch(() => {}); // the listener was closed
  let isOpen = true;
  const close = () => {
    if (isOpen) listener.close();
    isOpen = false;
  };
  return { port: listener.addr.port, close };
}

/** How the node's program is run. */
function nodeCommand(): string[] {
  const script = `${bundleDirectory()}/node/node.js`;
  return [Deno.execPath(), "run", "--no-config", "--no-lock", "--quiet", "-A", script];
}

export interface StartOptions {
  /** Where to put the cluster's directory; a temporary one by default. */
  readonly directory?: string;
  /** Told of every line that the node writes to its error output. */
  readonly onLog?: (line: string) => void;
  readonly apiPort?: number;
}

/** Starts a cluster. @throws MeshFailure that says what is missing or what the node said last */
export async function startCluster(options: StartOptions = {}): Promise<Cluster> {
  checkPrerequisites();
  const directory = options.directory ?? await Deno.makeTempDir({ prefix: "linkerd-" });
  // However this process ends, the node and everything in it end too.
  const child = new Deno.Command("setpriv", {
    args: ["--pdeathsig", "KILL", "unshare", ...unshareArguments(), ...nodeCommand(), directory],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let lastLines: string[] = [];
  const follow = async (stream: ReadableStream<Uint8Array>, onLine: (line: string) => void) => {
    let pending = "";
    for await (
      const text of stream.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    ) {
      const lines = (pending + text).split("\n");
      pending = lines.pop()!;
      for (const line of lines) onLine(line);
    }
  };
  let isReady = () => {};
  const ready = new Promise<void>((done) => isReady = done);
  const following = Promise.all([
    follow(child.stdout, (line) => line.includes('"ready":true') && isReady()),
    follow(child.stderr, (line) => {
      lastLines = [...lastLines, line].slice(-20);
      options.onLog?.(line);
    }),
  ]);
  const ended = child.status.then(async ({ code }) => {
    await following;
    return `the node ended with code ${code}: ${lastLines.join("\n") || "it said nothing"}`;
  });
  const stop = async () => {
    try {
      await child.stdin.close();
    } catch {
      // It has been closed before, or the node is gone.
    }
    const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
    await child.status;
    clearTimeout(timer);
    await removeDirectory(directory);
  };
  const timeout = new Promise<string>((done) => {
    const timer = setTimeout(
      () => done(`not ready within ${START_TIMEOUT_MS} ms: ${lastLines.join("\n")}`),
      START_TIMEOUT_MS,
    );
    Deno.unrefTimer(timer);
  });
  const failure = await Promise.race([ready.then(() => undefined), ended, timeout]);
  if (failure !== undefined) {
    await stop();
    throw new MeshFailure({
      code: "node-failed",
      source: "mesh",
      detail: `the laptop cluster did not start: ${failure}`,
      remedy: "report it with the lines above; `LINKERD_LOCAL_LOG=1` shows everything the node says",
    });
  }
  return { ...connectTo(directory, options.apiPort ?? 0, ended, stop), pid: child.pid };
}

/** The cluster whose node has its sockets in `directory`. */
export function connectTo(
  directory: string,
  apiPort: number,
  ended: Promise<string>,
  stopNode: () => Promise<void>,
): Cluster {
  const gateways: Gateway[] = [];
  const unix = (name: string) => Deno.connect({ transport: "unix", path: `${directory}/${name}` });
  const api = listenAndJoin(apiPort, () => unix("api.sock"));
  gateways.push(api);
  const server = `https://127.0.0.1:${api.port}`, caBundle = Deno.readTextFileSync(`${directory}/ca.crt`);
  const token = Deno.readTextFileSync(`${directory}/token`);
  const client = createHttpKubeClient({ server, caCertificate: caBundle, token });
  return {
    directory,
    client,
    kubeconfig: formatKubeConfig({ server, caBundle, token }),
    apiPort: api.port,
    ended,
    expose: (namespace, service, port, localPort = 0) => {
      const gateway = listenAndJoin(localPort, async () => {
        const connection = await unix("relay.sock");
        await connection.write(new TextEncoder().encode(`${namespace} ${service} ${port}\n`));
        return connection;
      });
      gateways.push(gateway);
      return gateway;
    },
    stop: async () => {
      for (const gateway of gateways) gateway.close();
      client.close();
      await stopNode();
    },
  };
}

async function removeDirectory(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
