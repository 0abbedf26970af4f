/**
 * The laptop cluster's kubelet: runs the pods of one node as processes, and reports what becomes of them.
 *
 * It knows the API by the KubeClient interface alone. Everything it makes on the file system is in memory, mounted in
 * the mount namespace it runs in, so that nothing is left however it ends.
 */
import { isNotFound, type KubeClient, KubeError } from "../../kube/client.ts";
import type { Informer } from "../../kube/informer.ts";
import {
  type ConfigMap,
  type Container,
  type Pod,
  PODS,
  type Secret,
  type Service,
} from "../../kube/kinds.ts";
import { mountProc, mountTmpfs, unmount } from "../../linux/mount.ts";
import { leaveTerminal } from "../../linux/signals.ts";
import type { NodeNetwork } from "../network/node_network.ts";
import type { BackOffOptions } from "./back_off.ts";
import { EventRecorder } from "./events.ts";
import { ownIdRanges, requestedUser } from "./identity.ts";
import type { ImageMap } from "./images.ts";
import type { ReadOptions } from "./log_file.ts";
import type { NodeContext } from "./node_context.ts";
import { PodRun } from "./pod.ts";
import type { DnsSettings } from "./pod_files.ts";
import { pause } from "./prober.ts";
import { StatusReporter } from "./status_reporter.ts";
import { issueToken } from "./tokens.ts";

export interface PodRunnerOptions {
  readonly client: KubeClient;
  readonly network: NodeNetwork;
  readonly pods: Informer<Pod>;
  readonly configMaps: Informer<ConfigMap>;
  readonly secrets: Informer<Secret>;
  readonly services: Informer<Service>;
  readonly nodeName: string;
  /** An existing empty directory; memory is mounted there. */
  readonly directory: string;
  readonly images?: ImageMap;
  /** Default 10.43.0.10 and cluster.local. */
  readonly dns?: DnsSettings;
  /** Variables every container has. Default: PATH, HOME, LANG and Deno's and the temporary directory of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly backOff?: BackOffOptions;
  /** Bytes kept of a container's log, twice. */
  readonly logBytes?: number;
  /** Told of what goes wrong in the runner itself. Default: a line on stderr. */
  readonly onError?: (error: unknown) => void;
}

const INHERITED = ["PATH", "HOME", "LANG", "TMPDIR", "DENO_DIR", "XDG_CACHE_HOME", "DENO_NO_UPDATE_CHECK"];
const REFERENCE_RETRY_MS = 1000, RENEWAL_CHECK_MS = 10_000;

function inheritedEnvironment(): Map<string, string> {
  return new Map(INHERITED.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value] as const];
  }));
}

export class PodRunner {
  readonly #options: PodRunnerOptions;
  readonly #runs = new Map<string, PodRun>();
  readonly #unsubscribe: (() => void)[] = [];
  readonly #context: NodeContext;
  readonly #reporter: StatusReporter;
  readonly #waiters = new Set<() => void>();
  readonly #renewal: ReturnType<typeof setInterval>;
  #isStopped = false;
  #isRefreshing = false;
  #isUserNoted = false;

  /** Starts running the pods of its node. @throws SystemError when memory cannot be mounted at its directory */
  constructor(options: PodRunnerOptions) {
    this.#options = options;
    const { client, directory, configMaps, secrets, services, pods, dns, images } = options;
    showOwnProcesses();
    // Ctrl-C is for whoever started this process: the pods must not take it as an order of their own.
    leaveTerminal();
    mountTmpfs(directory);
    for (const name of ["stage", "claims", "pods"]) Deno.mkdirSync(`${directory}/${name}`);
    const events = new EventRecorder(client, options.nodeName);
    this.#reporter = new StatusReporter(client, (uid) => this.#runs.get(uid), (error) => this.#report(error));
    this.#context = {
      nodeName: options.nodeName,
      network: options.network,
      directory,
      images: images ?? {},
      dns: dns ?? { server: "10.43.0.10", domain: "cluster.local" },
      environment: options.environment === undefined
        ? inheritedEnvironment()
        : new Map(Object.entries(options.environment)),
      allocatable: { cpu: navigator.hardwareConcurrency, memoryBytes: Deno.systemMemoryInfo().total },
      userRanges: ownIdRanges(),
      references: {
        configMap: (namespace, name) => configMaps.get(namespace, name),
        secret: (namespace, name) => secrets.get(namespace, name),
      },
      backOff: options.backOff ?? {},
      logs: options.logBytes === undefined ? {} : { fileBytes: options.logBytes },
      services: () => services.list(),
      issueToken: (pod, wish) => issueToken(client, pod, wish),
      referencesChanged: (signal) => this.#referencesChanged(signal),
      statusChanged: (uid) => this.#reporter.changed(uid),
      userIgnored: (pod, container) => this.#noteUser(events, pod, container),
      warn: (pod, reason, message, container) => events.warn(pod, reason, message, container),
    };
    const changed = () => this.#wakeWaiters();
    const references = { added: changed, modified: changed, deleted: changed };
    this.#unsubscribe.push(
      configMaps.subscribe(references),
      secrets.subscribe(references),
      pods.subscribe({
        added: (pod) => this.#see(pod),
        modified: (pod) => this.#see(pod),
        deleted: (pod) => this.#gone(pod),
      }),
    );
    this.#renewal = setInterval(() => this.#renew(), RENEWAL_CHECK_MS);
  }

  /** Said once: it is true of every container that asks. */
  #noteUser(events: EventRecorder, pod: Pod, container: Container): void {
    if (this.#isUserNoted) return;
    this.#isUserNoted = true;
    const user = requestedUser(container, pod);
    const message =
      `runAsUser ${user} is not followed, for this and every other container: the cluster runs in a user ` +
      "namespace where only one user exists; run it as root for users of their own";
    events.warn(pod, "UserNotMapped", message, container.name);
  }

  #report(error: unknown): void {
    if (this.#options.onError !== undefined) this.#options.onError(error);
    else console.error("pod runner:", error instanceof Error ? error.message : error);
  }

  #wakeWaiters(): void {
    for (const wake of [...this.#waiters]) wake();
    if (this.#isRefreshing || this.#isStopped) return;
    this.#isRefreshing = true;
    // Many objects often change together.
    setTimeout(() => {
      this.#isRefreshing = false;
      for (const run of this.#runs.values()) run.refreshVolumes().catch((error) => this.#report(error));
    }, 20);
  }

  async #referencesChanged(signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const wake = () => woken.abort();
    this.#waiters.add(wake);
    signal.addEventListener("abort", wake, { once: true });
    await pause(REFERENCE_RETRY_MS, woken.signal);
    this.#waiters.delete(wake);
    signal.removeEventListener("abort", wake);
  }

  #renew(now = Date.now()): void {
    for (const run of this.#runs.values()) {
      if (run.renewAt <= now) run.refreshVolumes().catch((error) => this.#report(error));
    }
  }

  #see(pod: Pod): void {
    const { metadata, spec, status } = pod;
    const uid = metadata?.uid;
    if (
      this.#isStopped || uid === undefined ||
      (spec?.nodeName ?? this.#options.nodeName) !== this.#options.nodeName
    ) {
      return;
    }
    const run = this.#runs.get(uid);
    const isEnding = metadata?.deletionTimestamp !== undefined;
    if (run !== undefined) {
      run.update(pod);
      if (isEnding) run.stop((metadata?.deletionGracePeriodSeconds ?? run.gracePeriodSeconds) * 1000);
      return;
    }
    if (isEnding) return void this.#remove(pod);
    if (status?.phase === "Succeeded" || status?.phase === "Failed") return;
    if (!spec?.nodeName) this.#claim(pod);
    const started = new PodRun(pod, this.#context);
    this.#runs.set(uid, started);
    this.#reporter.changed(uid);
    started.ended.then(() => this.#hasEnded(started)).catch((error) => this.#report(error));
  }

  /** Says that the pod runs here, where no scheduler did. */
  #claim({ metadata }: Pod): void {
    const body = {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name: metadata?.name, namespace: metadata?.namespace },
      target: { apiVersion: "v1", kind: "Node", name: this.#options.nodeName },
    };
    this.#options.client.createSubresource(
      PODS,
      metadata?.name ?? "",
      metadata?.namespace ?? "default",
      "binding",
      body,
    )
      .catch((error) => this.#report(error));
  }

  async #hasEnded(run: PodRun): Promise<void> {
    await this.#reporter.flush(run.uid);
    if (run.pod.metadata?.deletionTimestamp !== undefined) await this.#remove(run.pod);
  }

  /** Ends an object whose pod has ended. */
  async #remove({ metadata }: Pod): Promise<void> {
    if (this.#isStopped) return;
    try {
      const name = metadata?.name ?? "", namespace = metadata?.namespace ?? "default";
      await this.#options.client.delete(PODS, name, namespace, { gracePeriodSeconds: 0 });
    } catch (error) {
      if (!isNotFound(error)) this.#report(error);
    }
  }

  /** The object is gone: whatever still runs of it must end now. */
  #gone({ metadata }: Pod): void {
    const run = this.#runs.get(metadata?.uid ?? "");
    if (run === undefined) return;
    run.stop(0);
    run.ended.finally(() => {
      this.#runs.delete(run.uid);
      if (!this.#isStopped) run.forget();
    }).catch((error) => this.#report(error));
  }

  #find(namespace: string, pod: string): PodRun | undefined {
    // Of two with one name the older is on its way out.
    return [...this.#runs.values()].findLast(({ pod: { metadata } }) =>
      metadata?.namespace === namespace && metadata.name === pod
    );
  }

  /**
   * A container's log, for the API server's pods/log.
   * @param container left out: the only one
   * @throws KubeError as the API answers it
   */
  readLogs(
    namespace: string,
    pod: string,
    container: string | undefined,
    options: ReadOptions & { readonly previous?: boolean } = {},
  ): ReadableStream<Uint8Array> {
    const run = this.#find(namespace, pod);
    if (run === undefined) throw new KubeError(404, "NotFound", `pods "${pod}" not found`);
    const names = (run.pod.spec?.containers ?? []).map(({ name }) => name);
    if (container === undefined && names.length !== 1) {
      throw new KubeError(
        400,
        "BadRequest",
        `a container name must be specified for pod ${pod}, choose one of: [${names.join(" ")}]`,
      );
    }
    const found = run.find(container ?? names[0]!);
    if (found === undefined) {
      throw new KubeError(400, "BadRequest", `container ${container} is not valid for pod ${pod}`);
    }
    const log = options.previous ? found.previousLog : found.log;
    if (log === undefined) {
      const name = found.container.name,
        reason = found.status().state?.waiting?.reason ?? "ContainerCreating";
      throw new KubeError(
        400,
        "BadRequest",
        options.previous
          ? `previous terminated container "${name}" in pod "${pod}" not found`
          : `container "${name}" in pod "${pod}" is waiting to start: ${reason}`,
      );
    }
    return log.read(options);
  }

  /** Runs a command in a running container. @returns undefined when it does not run; @throws StartError */
  exec(
    namespace: string,
    pod: string,
    container: string,
    command: readonly string[],
    signal: AbortSignal = new AbortController().signal,
  ): Promise<{ code: number; output: string }> | undefined {
    return this.#find(namespace, pod)?.find(container)?.instance?.exec(command, signal);
  }

  /**
   * Ends all pods and takes everything away.
   * @param graceMs for their processes, before they are killed
   */
  async stop(graceMs = 0): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    clearInterval(this.#renewal);
    this.#reporter.stop();
    for (const run of this.#runs.values()) run.stop(graceMs);
    await Promise.allSettled([...this.#runs.values()].map(({ ended }) => ended));
    unmount(this.#options.directory);
  }
}

/** Where /proc shows another process-id namespace, the runner could not look at its own children: shows the own one. */
function showOwnProcesses(): void {
  try {
    if (Deno.readLinkSync("/proc/self") !== String(Deno.pid)) mountProc("/proc");
  } catch {
    // Not allowed here (containers often mask /proc): then a container that ignores SIGTERM gets its grace period.
  }
}
