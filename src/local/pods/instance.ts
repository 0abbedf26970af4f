/** One run of a container's command, as the container sees it: a process in namespaces, or a built-in command. */
import type { Container } from "../../kube/kinds.ts";
import type { LogFile } from "./log_file.ts";
import type { Exec } from "./probe.ts";
import { type ContainerProcess, type Exit, StartError } from "./process.ts";

export interface Instance {
  /** Settles when the command has ended and all it wrote is in the log. */
  readonly ended: Promise<Exit>;
  readonly hasEnded: boolean;
  terminate(): void;
  kill(): void;
  readonly exec: Exec;
}

const OUTPUT_LIMIT = 4096;

async function pipe(stream: ReadableStream<Uint8Array>, take: (bytes: Uint8Array) => void): Promise<void> {
  try {
    for await (const chunk of stream) take(chunk);
  } catch {
    // The command ended while it was being read: what came until then is there.
  }
}

/** @param resolve what stands for a command that is run inside the container */
export function processInstance(
  process: ContainerProcess,
  log: LogFile,
  resolve: (argv: readonly string[]) => readonly string[],
): Instance {
  const piped = Promise.all([
    pipe(process.stdout, (bytes) => log.write("stdout", bytes)),
    pipe(process.stderr, (bytes) => log.write("stderr", bytes)),
  ]);
  return {
    ended: process.ended.then((exit) => piped.then(() => exit)),
    get hasEnded() {
      return process.hasEnded;
    },
    terminate: () => process.terminate(),
    kill: () => process.kill(),
    exec: (argv, signal) => runInside(process, resolve(argv), signal),
  };
}

async function runInside(process: ContainerProcess, argv: readonly string[], signal: AbortSignal) {
  const child = process.exec(argv);
  const kill = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  signal.addEventListener("abort", kill, { once: true });
  const decoder = new TextDecoder();
  let output = "";
  const take = (bytes: Uint8Array) => {
    if (output.length < OUTPUT_LIMIT) output += decoder.decode(bytes.subarray(0, OUTPUT_LIMIT));
  };
  try {
    const [{ code }] = await Promise.all([child.status, pipe(child.stdout, take), pipe(child.stderr, take)]);
    return { code, output };
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

/** The instance of a command that ran inside the runner, and has ended already. */
export function finishedInstance(code: number): Instance {
  return {
    ended: Promise.resolve({ code, signal: 0 }),
    hasEnded: true,
    terminate: () => {},
    kill: () => {},
    exec: () => Promise.reject(new StartError("the container is not running")),
  };
}

/** What a container needs of the pod it belongs to. */
export interface ContainerHost {
  readonly podAddress: string;
  readonly gracePeriodSeconds: number;
  /** Starts its command. @throws Missing, ImageError, StartError and what the kernel refuses */
  start(container: Container, log: LogFile): Instance;
  /** A new log for its n-th run, counted from 0; older ones but the last are removed. */
  openLog(container: Container, run: number): LogFile;
  /** Resolves when an object the pod may refer to has changed, after a second, or when `signal` aborts. */
  referencesChanged(signal: AbortSignal): Promise<void>;
  /** Something to be seen in its status has changed. */
  changed(): void;
  warn(container: Container, reason: string, message: string): void;
}
