/**
 * A container over all its runs: start, hooks, probes, restarts with back-off, and the end.
 *
 * Source: kubelet's syncPod and the pod lifecycle documentation.
 */
import type { Container, ContainerStatus } from "../../kube/kinds.ts";
import { BackOff, type BackOffOptions } from "./back_off.ts";
import { ImageError } from "./images.ts";
import { type ContainerHost, finishedInstance, type Instance } from "./instance.ts";
import type { LogFile } from "./log_file.ts";
import { Missing } from "./missing.ts";
import { type Action, runProbe } from "./probe.ts";
import { pause, Prober } from "./prober.ts";

export type RestartPolicy = "Always" | "OnFailure" | "Never";
type State = NonNullable<ContainerStatus["state"]>;
type Terminated = NonNullable<State["terminated"]>;
type Hook = NonNullable<NonNullable<Container["lifecycle"]>["postStart"]>;

const HOOK_TIMEOUT_MS = 600_000, MINIMUM_GRACE_MS = 2000;
const now = () => new Date().toISOString().replace(/\.[0-9]+Z$/, "Z");

export interface ContainerOptions {
  readonly restartPolicy: RestartPolicy;
  readonly backOff?: BackOffOptions;
  /** A unique name of the pod, for the container's id. */
  readonly podUid: string;
}

export class ContainerRun {
  /** Settles when its command runs and its postStart hook is done, or when that will never be. */
  readonly launched: Promise<void>;
  /** Settles when its startup probe has succeeded too, or when that will never be. */
  readonly started: Promise<void>;
  /** Settles when it will not run again; with how it ended, if it ever ran. */
  readonly finished: Promise<Terminated | undefined>;
  readonly container: Container;
  readonly #host: ContainerHost;
  readonly #options: ContainerOptions;
  readonly #stopping = new AbortController();
  readonly #backOff: BackOff;
  #state: State = { waiting: { reason: "PodInitializing" } };
  #lastState: State = {};
  #restarts = 0;
  #isStarted = false;
  #isReady = false;
  #isFinished = false;
  #instance: Instance | undefined;
  #shuttingDown: Promise<void> | undefined;
  #probers: Prober[] = [];
  /** Why the command could not be started, the last time it was tried. */
  #startFailure: string | undefined;
  #log: LogFile | undefined;
  #previousLog: LogFile | undefined;
  #resolveLaunched!: () => void;
  #resolveStarted!: () => void;
  #begin!: () => void;

  constructor(container: Container, host: ContainerHost, options: ContainerOptions) {
    this.container = container;
    this.#host = host;
    this.#options = options;
    this.#backOff = new BackOff(options.backOff);
    this.launched = new Promise((resolve) => this.#resolveLaunched = resolve);
    this.started = new Promise((resolve) => this.#resolveStarted = resolve);
    const begun = new Promise<void>((resolve) => this.#begin = resolve);
    this.#stopping.signal.addEventListener("abort", () => this.#begin(), { once: true });
    this.finished = begun.then(() => this.#run()).finally(() => {
      this.#isFinished = true;
      this.#isReady = this.#isStarted = false;
      this.#resolveLaunched();
      this.#resolveStarted();
      this.#host.changed();
    });
  }

  /** Lets it begin; before, it waits for others. */
  start(): void {
    this.#begin();
  }

  get isFinished(): boolean {
    return this.#isFinished;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** How it ended last, when it will not run again. */
  get outcome(): Terminated | undefined {
    return this.#isFinished ? this.#state.terminated : undefined;
  }

  /** True once its command has run. */
  get hasRun(): boolean {
    return this.#state.running !== undefined || this.#state.terminated !== undefined ||
      this.#lastState.terminated !== undefined;
  }

  get log(): LogFile | undefined {
    return this.#log;
  }

  get previousLog(): LogFile | undefined {
    return this.#previousLog;
  }

  /** Its running command. @returns undefined when it does not run now */
  get instance(): Instance | undefined {
    return this.#instance;
  }

  /** As the pod's status shows it. */
  status(): ContainerStatus {
    const { name, image = "" } = this.container;
    return {
      name,
      image,
      imageID: "",
      ready: this.#isReady,
      started: this.#isStarted,
      restartCount: this.#restarts,
      state: this.#state,
      lastState: this.#lastState,
      ...(this.hasRun ? { containerID: this.#id() } : {}),
    };
  }

  #id(): string {
    return `process://${this.#options.podUid}/${this.container.name}/${this.#restarts}`;
  }

  #wait(reason: string, message?: string): void {
    this.#state = { waiting: { reason, ...(message === undefined ? {} : { message }) } };
    this.#host.changed();
  }

  async #run(): Promise<Terminated | undefined> {
    const signal = this.#stopping.signal;
    while (!signal.aborted) {
      const startedAt = now(), began = Date.now();
      const instance = await this.#launch();
      if (instance === undefined) break;
      const terminated = await this.#live(instance, startedAt);
      this.#state = { terminated };
      this.#isReady = this.#isStarted = false;
      this.#host.changed();
      const { restartPolicy } = this.#options;
      if (
        signal.aborted || restartPolicy === "Never" ||
        restartPolicy === "OnFailure" && terminated.exitCode === 0
      ) {
        return terminated;
      }
      await this.#waitBeforeRestart(terminated, Date.now() - began);
    }
    return this.#state.terminated ?? this.#lastState.terminated;
  }

  async #waitBeforeRestart(terminated: Terminated, ranMs: number): Promise<void> {
    const waitMs = this.#backOff.next(ranMs);
    if (waitMs > 0) {
      const message = `back-off ${waitMs / 1000}s restarting failed container=${this.container.name}`;
      this.#lastState = { terminated };
      this.#wait("CrashLoopBackOff", message);
      this.#host.warn(this.container, "BackOff", message);
      await pause(waitMs, this.#stopping.signal);
    }
    if (this.#stopping.signal.aborted) {
      this.#state = { terminated };
      return;
    }
    this.#lastState = { terminated };
    this.#restarts++;
  }

  /** Starts the command as soon as what it needs is there. @returns undefined when it is to stop first */
  async #launch(): Promise<Instance | undefined> {
    const signal = this.#stopping.signal;
    this.#previousLog = this.#log;
    this.#startFailure = undefined;
    const log = this.#log = this.#host.openLog(this.container, this.#restarts);
    while (!signal.aborted) {
      try {
        return this.#host.start(this.container, log);
      } catch (error) {
        const message = (error as Error).message;
        if (error instanceof Missing) {
          this.#wait("CreateContainerConfigError", message);
          this.#host.warn(this.container, "Failed", `Error: ${message}`);
          await this.#host.referencesChanged(signal);
        } else if (error instanceof ImageError) {
          this.#wait(error.reason, message);
          this.#host.warn(this.container, "Failed", message);
          await pause(Infinity, signal);
        } else {
          this.#host.warn(this.container, "Failed", `Error: ${message}`);
          log.writeLine("stderr", message);
          this.#startFailure = message;
          return finishedInstance(128);
        }
      }
    }
    log.close();
    return undefined;
  }

  async #live(instance: Instance, startedAt: string): Promise<Terminated> {
    this.#instance = instance;
    this.#shuttingDown = undefined;
    if (!instance.hasEnded) {
      this.#state = { running: { startedAt } };
      this.#host.changed();
      this.#watch(instance);
    }
    const { code, signal } = await instance.ended;
    this.#instance = undefined;
    this.#stopProbers();
    const isFailure = code !== 0 && this.container.terminationMessagePolicy === "FallbackToLogsOnError";
    const message = this.#startFailure ?? (isFailure ? this.#log?.tail(80, 2048) ?? "" : "");
    this.#log?.close();
    return {
      exitCode: code,
      ...(signal === 0 ? {} : { signal }),
      reason: this.#startFailure !== undefined ? "StartError" : code === 0 ? "Completed" : "Error",
      ...(message === "" ? {} : { message }),
      startedAt,
      finishedAt: now(),
      containerID: this.#id(),
    };
  }

  /** Hooks and probes of a run, in their order. */
  async #watch(instance: Instance): Promise<void> {
    const { lifecycle, startupProbe } = this.container;
    if (lifecycle?.postStart !== undefined) {
      const message = await this.#hook(lifecycle.postStart, instance, HOOK_TIMEOUT_MS);
      if (this.#instance !== instance) return;
      if (message !== undefined) {
        this.#host.warn(this.container, "FailedPostStartHook", message);
        return void this.#shutDown(instance, this.#host.gracePeriodSeconds * 1000);
      }
    }
    this.#resolveLaunched();
    if (startupProbe === undefined) return this.#becomeStarted(instance);
    this.#probe("Startup", startupProbe, instance, true, (isOk, message) => {
      if (isOk) {
        this.#stopProbers();
        this.#becomeStarted(instance);
      } else this.#failProbe("Startup", message, instance);
    });
  }

  #becomeStarted(instance: Instance): void {
    const { readinessProbe, livenessProbe } = this.container;
    this.#isStarted = true;
    this.#isReady = readinessProbe === undefined;
    this.#resolveStarted();
    this.#host.changed();
    if (readinessProbe !== undefined) {
      this.#probe("Readiness", readinessProbe, instance, true, (isOk, message) => {
        if (!isOk) this.#host.warn(this.container, "Unhealthy", `Readiness probe failed: ${message}`);
        this.#isReady = isOk;
        this.#host.changed();
      });
    }
    if (livenessProbe !== undefined) {
      this.#probe("Liveness", livenessProbe, instance, false, (isOk, message) => {
        if (!isOk) this.#failProbe("Liveness", message, instance);
      });
    }
  }

  #failProbe(kind: string, message: string, instance: Instance): void {
    this.#stopProbers();
    this.#host.warn(
      this.container,
      "Unhealthy",
      `${kind} probe failed: ${message}; the container will be restarted`,
    );
    this.#shutDown(instance, this.#host.gracePeriodSeconds * 1000);
  }

  #probe(
    kind: string,
    probe: NonNullable<Container["livenessProbe"]>,
    instance: Instance,
    isEager: boolean,
    onVerdict: (isOk: boolean, message: string) => void,
  ): void {
    this.#probers.push(
      new Prober({
        probe,
        isEager,
        check: (timeoutMs) => this.#act(probe, instance, timeoutMs),
        onVerdict,
        onFailure: (message) => {
          if (kind === "Liveness") {
            this.#host.warn(this.container, "Unhealthy", `${kind} probe failed: ${message}`);
          }
        },
      }),
    );
  }

  #act(action: Action, instance: Instance, timeoutMs: number) {
    const target = { address: this.#host.podAddress, container: this.container, exec: instance.exec };
    return runProbe(action, target, timeoutMs);
  }

  /** Runs a lifecycle hook. @returns what went wrong */
  async #hook(hook: Hook, instance: Instance, timeoutMs: number): Promise<string | undefined> {
    if (hook.sleep !== undefined) {
      await pause(Math.min(timeoutMs, hook.sleep.seconds * 1000), new AbortController().signal);
      return undefined;
    }
    const result = await this.#act(hook as Action, instance, timeoutMs);
    return result.isOk ? undefined : result.message;
  }

  #stopProbers(): void {
    for (const prober of this.#probers.splice(0)) prober.stop();
  }

  #shutDown(instance: Instance, graceMs: number): Promise<void> {
    return this.#shuttingDown ??= this.#endGracefully(instance, graceMs);
  }

  async #endGracefully(instance: Instance, graceMs: number): Promise<void> {
    const ended = new AbortController();
    instance.ended.then(() => ended.abort());
    const deadline = Date.now() + graceMs;
    const preStop = this.container.lifecycle?.preStop;
    if (preStop !== undefined && graceMs > 0) {
      const message = await Promise.race([
        this.#hook(preStop, instance, graceMs),
        pause(graceMs, ended.signal).then(() => undefined),
      ]);
      if (message !== undefined) this.#host.warn(this.container, "FailedPreStopHook", message);
    }
    if (graceMs > 0) {
      instance.terminate();
      await pause(Math.max(MINIMUM_GRACE_MS, deadline - Date.now()), ended.signal);
    }
    instance.kill();
    await instance.ended;
  }

  /** Ends it for good: preStop, SIGTERM, and SIGKILL when the time is up. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    this.#stopProbers();
    if (this.#isReady) {
      this.#isReady = false;
      this.#host.changed();
    }
    if (this.#instance !== undefined) await this.#shutDown(this.#instance, graceMs);
    await this.finished;
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    this.#stopping.abort();
    this.#stopProbers();
    this.#instance?.kill();
    await this.finished;
  }
}
