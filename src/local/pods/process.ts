/**
 * A container's processes: born in namespaces of their own, and gone together.
 *
 * The container's command is process 1 of a process-id namespace, so whatever it forks ends with it, by the kernel's
 * hand. No wrapper process stands in between: the runner's thread visits the namespaces and spawns there.
 */
import { inNamespaces, type Namespace, openOwnNamespace, setHostname } from "../../linux/namespace.ts";
import { SIGTERM } from "../../linux/signals.ts";
import { type Bind, makeRoot } from "./root.ts";

/** How a process ended. */
export interface Exit {
  /** 128 + signal for one that was ended by a signal. */
  readonly code: number;
  readonly signal: number;
}

export interface ProcessOptions {
  readonly argv: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  /** Working directory; the root when left out. */
  readonly directory?: string | undefined;
  readonly hostname: string;
  readonly network: Namespace;
  readonly binds: readonly Bind[];
  /** An existing empty directory, see makeRoot. */
  readonly stage: string;
}

/** A command that could not be started, in words. */
export class StartError extends Error {
  override readonly name = "StartError";
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
};

function exitOf({ code, signal }: Deno.CommandStatus): Exit {
  return { code, signal: signal === null ? 0 : SIGNAL_NUMBERS[signal] ?? code - 128 };
}

function spawn(
  argv: readonly string[],
  environment: ReadonlyMap<string, string>,
  directory: string,
): Deno.ChildProcess {
  const [program, ...args] = argv;
  try {
    return new Deno.Command(program!, {
      args,
      env: Object.fromEntries(environment),
      clearEnv: true,
      cwd: directory,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (!isDirectory(directory)) throw new StartError(`working directory ${directory} does not exist`);
    if (error instanceof Deno.errors.NotFound) {
      throw new StartError(`exec: "${program}": executable file not found`);
    }
    throw new StartError(`exec: "${program}": ${(error as Error).message}`);
  }
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    // Whatever keeps it from being looked at keeps a process from starting in it.
    return false;
  }
}

export class ContainerProcess {
  readonly pid: number;
  readonly stdout: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly stderr: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Settles when the command has ended, and with it all it forked. */
  readonly ended: Promise<Exit>;
  readonly #child: Deno.ChildProcess;
  readonly #namespaces: readonly Namespace[];
  readonly #options: ProcessOptions;
  #isTerminated = false;
  #hasEnded = false;

  /** Starts the command. @throws StartError; SystemError or NotFound when its file system cannot be made */
  constructor(options: ProcessOptions) {
    this.#options = options;
    const { network } = options;
    [this.#child, this.#namespaces] = inNamespaces(
      { enter: [network], unshare: ["mnt", "uts", "pid"] },
      () => {
        makeRoot(options.stage, options.binds);
        setHostname(options.hostname);
        const child = spawn(options.argv, options.environment, options.directory ?? "/");
        return [child, (["mnt", "uts", "pid"] as const).map(openOwnNamespace)] as const;
      },
    );
    this.pid = this.#child.pid;
    this.stdout = this.#child.stdout;
    this.stderr = this.#child.stderr;
    this.ended = this.#child.status.then((status) => {
      this.#hasEnded = true;
      for (const namespace of this.#namespaces) namespace.close();
      const exit = exitOf(status);
      // See terminate: a process that would have died of SIGTERM was ended in its name.
      return this.#isTerminated && exit.signal === SIGNAL_NUMBERS.SIGKILL
        ? { code: 128 + SIGTERM, signal: SIGTERM }
        : exit;
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Starts another command inside the container. @throws StartError */
  exec(argv: readonly string[], environment = this.#options.environment): Deno.ChildProcess {
    if (this.#hasEnded) throw new StartError("the container is not running");
    return inNamespaces(
      { enter: [this.#options.network, ...this.#namespaces] },
      () => spawn(argv, environment, this.#options.directory ?? "/"),
    );
  }

  /**
   * Asks the command to end. The kernel keeps signals from process 1 of a namespace that it does not handle; where the
   * default would have been to die, it dies.
   */
  terminate(): void {
    if (this.#hasEnded) return;
    this.#isTerminated = !handlesSigterm(this.pid);
    this.#kill(this.#isTerminated ? "SIGKILL" : "SIGTERM");
  }

  /** Ends the command and all it forked at once. */
  kill(): void {
    this.#isTerminated = false;
    this.#kill("SIGKILL");
  }

  #kill(signal: Deno.Signal): void {
    if (this.#hasEnded) return;
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended a moment ago; `ended` is about to say so.
    }
  }
}

/** Whether a process catches, blocks or ignores SIGTERM. Unknown counts as yes: then it gets its grace period. */
function handlesSigterm(pid: number): boolean {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    const masks = [...status.matchAll(/^Sig(?:Blk|Ign|Cgt):\s*([0-9a-f]+)$/gm)];
    return masks.some(([, mask]) => (BigInt(`0x${mask}`) >> BigInt(SIGTERM - 1) & 1n) === 1n);
  } catch {
    return true;
  }
}
