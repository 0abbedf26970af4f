/**
 * A pod on its way: network and volumes, init containers in order with sidecars that stay, then the containers; and
 * back: containers first, sidecars last in reverse order, then network, volumes and files.
 */
import type { Container, Pod } from "../../kube/kinds.ts";
import { inNamespaces } from "../../linux/namespace.ts";
import type { PodNetwork } from "../network/node_network.ts";
import { ContainerRun, type RestartPolicy } from "./container.ts";
import { environmentOf, type PodFacts, serviceEnvironment } from "./environment.ts";
import { identityPrefix } from "./identity.ts";
import { resolveCommand, resolveProgram } from "./images.ts";
import { type ContainerHost, finishedInstance, type Instance, processInstance } from "./instance.ts";
import { LogFile } from "./log_file.ts";
import { Missing } from "./missing.ts";
import type { NodeContext } from "./node_context.ts";
import { hostnameOf, hostsFile, resolverFile } from "./pod_files.ts";
import { pause } from "./prober.ts";
import { ContainerProcess } from "./process.ts";
import type { Bind } from "./root.ts";
import { type ContainerView, type PodStatus, podStatus } from "./status.ts";
import { PodVolumes } from "./volumes.ts";

const DEFAULT_GRACE_SECONDS = 30;

export class PodRun implements ContainerHost {
  readonly uid: string;
  /** Settles when nothing of the pod runs any more and its network and volumes are gone. */
  readonly ended: Promise<void>;
  readonly #node: NodeContext;
  readonly #directory: string;
  readonly #startTime = new Date().toISOString().replace(/\.[0-9]+Z$/, "Z");
  readonly #stopping = new AbortController();
  readonly #initContainers: readonly ContainerRun[];
  readonly #containers: readonly ContainerRun[];
  readonly #sidecars: ReadonlySet<ContainerRun>;
  #pod: Pod;
  #network: PodNetwork | undefined;
  #volumes: PodVolumes | undefined;
  #podBinds: Bind[] = [];
  #isInitialized = false;
  #failure: { reason: string; message: string } | undefined;
  #graceMs: number | undefined;

  /** Begins at once. */
  constructor(pod: Pod, node: NodeContext) {
    this.#pod = pod;
    this.#node = node;
    this.uid = pod.metadata?.uid ?? "";
    this.#directory = `${node.directory}/pods/${this.uid}`;
    const podPolicy = (pod.spec?.restartPolicy ?? "Always") as RestartPolicy;
    const run = (container: Container, restartPolicy: RestartPolicy) =>
      new ContainerRun(container, this, { restartPolicy, backOff: node.backOff, podUid: this.uid });
    this.#initContainers = (pod.spec?.initContainers ?? []).map((container) =>
      run(container, isSidecar(container) ? "Always" : podPolicy === "Never" ? "Never" : "OnFailure")
    );
    this.#sidecars = new Set(this.#initContainers.filter(({ container }) => isSidecar(container)));
    this.#containers = (pod.spec?.containers ?? []).map((container) => run(container, podPolicy));
    this.ended = this.#run();
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** The pod's object has changed: its labels and annotations may show in its volumes. */
  update(pod: Pod): void {
    const shown = ({ metadata }: Pod) => JSON.stringify([metadata?.labels, metadata?.annotations]);
    const isShownAnew = shown(pod) !== shown(this.#pod);
    this.#pod = pod;
    if (isShownAnew) {
      this.refreshVolumes().catch((error) => this.#node.warn(pod, "FailedMount", error.message));
    }
  }

  get podAddress(): string {
    return this.#network?.address ?? "";
  }

  get gracePeriodSeconds(): number {
    return this.#pod.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
  }

  #facts(): PodFacts {
    const { nodeName, network, allocatable } = this.#node;
    return {
      pod: this.#pod,
      podAddress: this.podAddress,
      hostAddress: network.nodeAddress,
      nodeName,
      allocatable,
    };
  }

  async #run(): Promise<void> {
    let deadline: ReturnType<typeof setTimeout> | undefined;
    try {
      const seconds = this.#pod.spec?.activeDeadlineSeconds;
      if (seconds !== undefined) {
        deadline = setTimeout(
          () =>
            this.#fail("DeadlineExceeded", "Pod was active on the node longer than the specified deadline"),
          seconds * 1000,
        );
      }
      if (await this.#prepare() && await this.#initialize()) await this.#runContainers();
    } catch (error) {
      this.#fail("NodeError", (error as Error).message);
      this.#node.warn(this.#pod, "FailedCreatePodSandBox", (error as Error).message);
    } finally {
      clearTimeout(deadline);
      await this.#wind();
    }
  }

  #fail(reason: string, message: string): void {
    this.#failure ??= { reason, message };
    this.#stopping.abort();
  }

  /** Network, files and volumes. @returns false when the pod is to stop first */
  async #prepare(): Promise<boolean> {
    const { network, dns } = this.#node;
    this.#network = this.#pod.spec?.hostNetwork ? network.hostPod() : network.addPod();
    Deno.mkdirSync(`${this.#directory}/volumes`, { recursive: true });
    const resolver = resolverFile(this.#pod, dns);
    if (resolver !== undefined) this.#addFile("/etc/resolv.conf", resolver);
    this.#addFile("/etc/hosts", hostsFile(this.#pod, this.podAddress, dns));
    this.changed();
    this.#volumes = new PodVolumes({
      directory: `${this.#directory}/volumes`,
      claimsDirectory: `${this.#node.directory}/claims`,
      facts: () => this.#facts(),
      references: this.#node.references,
      issueToken: (wish) => this.#node.issueToken(this.#pod, wish),
    });
    const signal = this.#stopping.signal;
    while (!signal.aborted) {
      try {
        await this.#volumes.prepare();
        return !signal.aborted;
      } catch (error) {
        // Whatever keeps a volume from being made (an object, the API) may be there in a moment.
        this.#node.warn(this.#pod, "FailedMount", (error as Error).message);
        if (error instanceof Missing) await this.referencesChanged(signal);
        else await pause(1000, signal);
      }
    }
    return false;
  }

  #addFile(target: string, content: string): void {
    const source = `${this.#directory}/${target.slice(target.lastIndexOf("/") + 1)}`;
    Deno.writeTextFileSync(source, content);
    this.#podBinds.push({ source, target });
  }

  /** Init containers one after the other, sidecars until they have started. @returns false when one failed for good */
  async #initialize(): Promise<boolean> {
    for (const run of this.#initContainers) {
      if (this.#stopping.signal.aborted) return false;
      run.start();
      if (this.#sidecars.has(run)) await this.#unlessStopped(run.started);
      else {
        const outcome = await this.#unlessStopped(run.finished);
        if (outcome === undefined || outcome.exitCode !== 0) return false;
      }
    }
    if (this.#stopping.signal.aborted) return false;
    this.#isInitialized = true;
    this.changed();
    return true;
  }

  async #runContainers(): Promise<void> {
    for (const run of this.#containers) {
      if (this.#stopping.signal.aborted) return;
      run.start();
      // A postStart hook of one holds back the next, as Linkerd's await hook relies on.
      await this.#unlessStopped(run.launched);
    }
    await this.#unlessStopped(Promise.all(this.#containers.map(({ finished }) => finished)));
  }

  #unlessStopped<T>(promise: Promise<T>): Promise<T | undefined> {
    const signal = this.#stopping.signal;
    if (signal.aborted) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const stop = () => resolve(undefined);
      signal.addEventListener("abort", stop, { once: true });
      promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
    });
  }

  /** Ends what runs: containers together, then sidecars one by one from the last to the first; then the rest. */
  async #wind(): Promise<void> {
    const graceMs = () => this.#graceMs ?? this.gracePeriodSeconds * 1000;
    const deadline = Date.now() + graceMs();
    const ordinary = [...this.#initContainers.filter((run) => !this.#sidecars.has(run)), ...this.#containers];
    await Promise.all(ordinary.map((run) => run.stop(graceMs())));
    for (const sidecar of [...this.#sidecars].reverse()) {
      await sidecar.stop(Math.min(graceMs(), deadline - Date.now()));
    }
    this.#volumes?.close();
    this.#network?.close();
    this.changed();
  }

  /** Ends the pod: preStop hooks, SIGTERM, and SIGKILL after `graceMs`. A second call can only make it shorter. */
  stop(graceMs: number): void {
    const isShorter = this.#graceMs !== undefined && graceMs < this.#graceMs;
    this.#graceMs = Math.min(this.#graceMs ?? Infinity, graceMs);
    this.#stopping.abort();
    if (graceMs === 0 || isShorter) setTimeout(() => this.#killAll(), graceMs);
  }

  #killAll(): void {
    for (const run of [...this.#initContainers, ...this.#containers]) run.kill();
  }

  /** Removes the pod's files, once it has ended and its object is gone. */
  forget(): void {
    try {
      Deno.removeSync(this.#directory, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Brings mounted objects, labels and tokens up to date. */
  async refreshVolumes(): Promise<void> {
    await this.#volumes?.refresh();
  }

  /** When a mounted token is due for renewal, milliseconds since the epoch. */
  get renewAt(): number {
    return this.#volumes?.renewAt ?? Infinity;
  }

  status(): PodStatus {
    const view = (run: ContainerRun): ContainerView => ({
      status: run.status(),
      isFinished: run.isFinished,
      hasRun: run.hasRun,
      isSidecar: this.#sidecars.has(run),
    });
    return podStatus(
      {
        pod: this.#pod,
        podAddress: this.#network?.address,
        hostAddress: this.#node.network.nodeAddress,
        startTime: this.#startTime,
        initContainers: this.#initContainers.map(view),
        containers: this.#containers.map(view),
        isInitialized: this.#isInitialized,
        failure: this.#failure,
      },
      this.#pod.status ?? {},
      new Date().toISOString().replace(/\.[0-9]+Z$/, "Z"),
    );
  }

  /** A container of the pod; of any kind. */
  find(name: string): ContainerRun | undefined {
    return [...this.#initContainers, ...this.#containers].find(({ container }) => container.name === name);
  }

  // What follows serves the containers (ContainerHost).

  changed(): void {
    this.#node.statusChanged(this.uid);
  }

  warn(container: Container, reason: string, message: string): void {
    this.#node.warn(this.#pod, reason, message, container.name);
  }

  referencesChanged(signal: AbortSignal): Promise<void> {
    return this.#node.referencesChanged(signal);
  }

  openLog(container: Container, run: number): LogFile {
    const directory = `${this.#directory}/logs/${container.name}`;
    Deno.mkdirSync(directory, { recursive: true });
    for (const { name } of [...Deno.readDirSync(directory)]) {
      if (parseInt(name) < run - 1) Deno.removeSync(`${directory}/${name}`);
    }
    return new LogFile(`${directory}/${run}.log`, this.#node.logs);
  }

  start(container: Container, log: LogFile): Instance {
    const namespace = this.#pod.metadata?.namespace ?? "default", hostname = hostnameOf(this.#pod);
    const hasLinks = this.#pod.spec?.enableServiceLinks ?? true;
    const base = new Map([
      ...this.#node.environment,
      ["HOSTNAME", hostname] as const,
      ...serviceEnvironment(this.#node.services(), namespace, hasLinks),
    ]);
    const environment = environmentOf(container, this.#facts(), this.#node.references, base);
    const { argv, builtin } = resolveCommand(container, this.#node.images, environment);
    const network = this.#network!;
    if (builtin !== undefined) {
      const write = (line: string) => log.writeLine("stderr", line);
      return finishedInstance(
        inNamespaces({ enter: [network.namespace] }, () => builtin(argv.slice(1), write)),
      );
    }
    const binds = [...this.#podBinds, ...this.#volumes!.bindsOf(container, environment)];
    const identity = this.#identity(container);
    const process = new ContainerProcess({
      argv: [...identity, ...argv],
      environment,
      directory: container.workingDir || undefined,
      hostname,
      network: network.namespace,
      binds,
      stage: `${this.#node.directory}/stage`,
    });
    // Probes and hooks run as whom the container runs.
    return processInstance(process, log, ([program = "", ...args]) => [
      ...identity,
      ...resolveProgram(program, args, this.#node.images).argv,
    ]);
  }

  #identity(container: Container): string[] {
    const prefix = identityPrefix(container, this.#pod, this.#node.userRanges);
    if (prefix === undefined) this.#node.userIgnored(this.#pod, container);
    return prefix ?? [];
  }
}

function isSidecar(container: Container): boolean {
  return container.restartPolicy === "Always";
}
