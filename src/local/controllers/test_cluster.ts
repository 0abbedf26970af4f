/**
 * A cluster for tests: API server, controllers, and a stand-in for the pod runner that calls every pod running and
 * ready as soon as it is there, and lets a deleted one go at once.
 */
import type { KubeClient } from "../../kube/client.ts";
import { type Pod, PODS } from "../../kube/kinds.ts";
import { startInformer } from "../../kube/informer.ts";
import { type ApiServer, type ApiServerOptions, startApiServer } from "../api/server.ts";
import { type Controllers, startControllers } from "./start.ts";

export interface TestClusterOptions extends ApiServerOptions {
  /** What becomes of a new pod. Default: running and ready. */
  run?: (pod: Pod) => Partial<NonNullable<Pod["status"]>> | undefined;
  /** Failures the test brings about; any other makes it fail. */
  expected?: RegExp;
}

export interface TestCluster {
  server: ApiServer;
  controllers: Controllers;
  client: KubeClient;
  /** What the stand-in is called for, by pods' names. */
  setStatus(pod: Pod, status: Partial<NonNullable<Pod["status"]>>): Promise<void>;
  stop(): Promise<void>;
}

export function readyStatus(pod: Pod, address: string, ready = true): Partial<NonNullable<Pod["status"]>> {
  const startedAt = `${new Date().toISOString().slice(0, 19)}Z`;
  return {
    phase: "Running",
    startTime: startedAt,
    containerStatuses: pod.spec!.containers.map(({ name, image = "" }) => ({
      name,
      image,
      imageID: image,
      ready,
      started: true,
      restartCount: 0,
      state: { running: { startedAt } },
    })),
    podIP: address,
    podIPs: [{ ip: address }],
    conditions: ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map((type) => ({
      type,
      status: ready || type === "PodScheduled" || type === "Initialized" ? "True" : "False",
      lastTransitionTime: startedAt,
    })),
  };
}

export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  let last = 1;
  const { run = (pod) => readyStatus(pod, `10.42.0.${++last}`), expected, ...serverOptions } = options;
  const failures: unknown[] = [];
  const onError = (error: unknown) => {
    if (expected === undefined || !expected.test(String(error))) failures.push(error);
  };
  const server = await startApiServer({
    nodeName: "laptop",
    onError,
    ...serverOptions,
  });
  const controllers = startControllers(server, { onError });
  const client = server.clientFor("pod-runner");
  const setStatus = async (pod: Pod, status: Partial<NonNullable<Pod["status"]>>) => {
    const { name, namespace } = pod.metadata!;
    await client.patch(PODS, name!, namespace, { status }, { type: "merge", subresource: "status" });
  };
  const ignore = (error: unknown) => {
    // The pod went meanwhile.
    if ((error as { status?: number }).status !== 404) onError(error);
  };
  const pods = startInformer(client, PODS);
  const release = (pod: Pod) => {
    const { name, namespace, deletionTimestamp } = pod.metadata!;
    if (deletionTimestamp === undefined) return;
    client.delete(PODS, name!, namespace, { gracePeriodSeconds: 0 }).catch(ignore);
  };
  pods.subscribe({
    added(pod) {
      const status = run(pod);
      if (status !== undefined) setStatus(pod, status).catch(ignore);
    },
    modified: release,
  });
  await controllers.synced;
  return {
    server,
    controllers,
    client: server.client,
    setStatus,
    async stop() {
      pods.stop();
      controllers.stop();
      await server.stop();
      if (failures.length > 0) throw new AggregateError(failures, `in the cluster: ${failures[0]}`);
    },
  };
}

/** Runs a test in a cluster of its own. */
export async function withCluster(
  use: (cluster: TestCluster) => Promise<void>,
  options: TestClusterOptions = {},
): Promise<void> {
  const cluster = await startTestCluster(options);
  try {
    await use(cluster);
  } finally {
    await cluster.stop();
  }
}

/** Resolves when `condition` holds; looked at after every change in the cluster. */
export async function until(
  cluster: TestCluster,
  what: string,
  condition: () => Promise<boolean> | boolean,
  timeoutMs = 5000,
): Promise<void> {
  let wake = () => {};
  const unlisten = cluster.server.onChange(() => wake());
  const deadline = performance.now() + timeoutMs;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    while (!(await condition())) {
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`in ${timeoutMs} ms it did not come about that ${what}`);
      await new Promise<void>((resolve) => {
        wake = resolve;
        timer = setTimeout(resolve, Math.min(left, 50));
      });
      clearTimeout(timer);
    }
  } finally {
    unlisten();
    clearTimeout(timer);
  }
}
