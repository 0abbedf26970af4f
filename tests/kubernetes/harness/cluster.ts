/**
 * A real Kubernetes node for tests, seen from outside: starts it in namespaces of its own, reaches it through sockets in
 * a directory, and ends it so that nothing is left. Several may run beside each other.
 */
import { fileURLToPath } from "node:url";
import { type Cluster, connectTo } from "../../../src/local/cluster/cluster.ts";
import { readLines } from "../../../src/kube/lines.ts";
import { unshareArguments } from "../../../src/linux/unshare.ts";
import { buildImage } from "../../../tools/image.ts";
import { ociArchive } from "../../../tools/image/archive.ts";
import { type Architecture, pauseProgram } from "../../../src/linux/launcher/launcher.ts";
import { Tree } from "../../../tools/image/tree.ts";
import { buildKubernetes } from "./binaries.ts";
import { CACHE } from "./cache.ts";
import { createCgroups, removeCgroups } from "./cgroups.ts";
import type { ComponentName } from "./components.ts";
import { runtimePrograms } from "./runtime_programs.ts";

const START_TIMEOUT_MS = 60_000;
const ARCHITECTURE: Architecture = Deno.build.arch === "aarch64" ? "arm64" : "amd64";

export interface KubernetesCluster extends Cluster {
  /** Ends a component of the node; the others notice as they would on any node. */
  stopComponent(name: ComponentName, signal?: Deno.Signal): Promise<void>;
  startComponent(name: ComponentName): Promise<void>;
}

/** What keeps a node from being run here, in one sentence; undefined for nothing. */
export function kubernetesObstacle(): string | undefined {
  if (Deno.build.os !== "linux") return `a Kubernetes node needs Linux; this is ${Deno.build.os}`;
  if (Deno.uid() !== 0) return "a Kubernetes node needs root: it makes namespaces, cgroups and mounts";
  try {
    removeCgroups(createCgroups("linkerd-probe"));
    return undefined;
  } catch (error) {
    return `a Kubernetes node needs cgroups to account its pods to: ${(error as Error).message}`;
  }
}

/**
 * Gets what takes long, once; the image is made of the build's present state each time.
 * @param versions tags that the image shall have @returns the image archives
 */
export async function prepareKubernetes(versions: readonly string[] = []): Promise<string[]> {
  await buildKubernetes(console.log);
  await runtimePrograms();
  const root = new Tree();
  root.file("/pause", pauseProgram(ARCHITECTURE), { isExecutable: true });
  const pause = `${CACHE}/pause.tar`, image = `${CACHE}/linkerd-deno.tar`;
  await Deno.writeFile(
    pause,
    await ociArchive({
      architecture: ARCHITECTURE,
      layers: [root],
      images: [{
        name: "localhost/pause:1",
        entrypoint: ["/pause"],
        user: "65535:65535",
        environment: {},
        labels: {},
      }],
      isCompressed: false,
    }),
  );
  await buildImage({
    architecture: ARCHITECTURE,
    output: image,
    ...(versions.length === 0 ? {} : { versions }),
  });
  return [pause, image];
}

function nodeCommand(directory: string, cgroupRoot: string, images: readonly string[]): string[] {
  const script = fileURLToPath(new URL("node.ts", import.meta.url));
  return [Deno.execPath(), "run", "--quiet", "-A", "--no-check", script, directory, cgroupRoot, ...images];
}

/** The last lines of each component's log, for a failure that has to be understood from afar. */
function lastWords(directory: string): string {
  return [...Deno.readDirSync(directory)].filter(({ name }) => name.endsWith(".log"))
    .map(({ name }) => {
      const lines = Deno.readTextFileSync(`${directory}/${name}`).trim().split("\n");
      return `--- ${name}\n${lines.slice(-5).join("\n")}`;
    }).join("\n");
}

/** Starts a node. @throws Error with what its components said last */
export async function startKubernetes(images: readonly string[]): Promise<KubernetesCluster> {
  const directory = await Deno.makeTempDir({ prefix: "linkerd-kubernetes-" });
  const cgroups = createCgroups(directory.split("/").at(-1)!);
  // However this process ends, the node and everything in it end too.
  const child = new Deno.Command("setpriv", {
    args: [
      "--pdeathsig",
      "KILL",
      "unshare",
      ...unshareArguments("root"),
      ...nodeCommand(directory, cgroups.name, images),
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const waiting = new Map<string, () => void>();
  const ready = new Promise<void>((done) => waiting.set("ready", done));
  const following = (async () => {
    for await (const line of readLines(child.stdout)) {
      const said = JSON.parse(line) as { ready?: true; done?: string };
      waiting.get(said.done ?? "ready")?.();
    }
  })();
  const ended = child.status.then(async ({ code }) => {
    await following;
    return `the node ended with code ${code}`;
  });
  const input = child.stdin.getWriter();
  const stop = async () => {
    await input.close().catch(() => {}); // the node is gone: so is its input
    const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
    await child.status;
    clearTimeout(timer);
    removeCgroups(cgroups);
    await Deno.remove(directory, { recursive: true });
  };
  const order = async (line: string) => {
    const done = new Promise<void>((resolve) => waiting.set(line, resolve));
    await input.write(new TextEncoder().encode(`${line}\n`));
    await done;
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((done) => {
    timer = setTimeout(() => done(`not ready within ${START_TIMEOUT_MS / 1000} s`), START_TIMEOUT_MS);
  });
  const failure = await Promise.race([ready.then(() => undefined), ended, late]);
  clearTimeout(timer);
  if (failure !== undefined) {
    const words = lastWords(directory);
    await stop();
    throw new Error(`the Kubernetes node did not start: ${failure}\n${words}`);
  }
  return {
    ...connectTo(directory, 0, ended, stop),
    pid: child.pid,
    stopComponent: (name, signal = "SIGTERM") => order(`stop ${name} ${signal}`),
    startComponent: (name) => order(`start ${name}`),
  };
}
