/**
 * The end of a replica by SIGKILL, and how many requests it takes with it.
 *
 * That number must be exact, or "at most those in flight" means nothing. So the world is stopped for a moment: first
 * the replica's application, so that what it has been asked stays unanswered, then the proxies of those that call it,
 * so that nothing more is asked. What its inbound proxy has forwarded and not answered is then in flight on it.
 */
import { type MachineProcess, processesBelow } from "./processes.ts";
import { type Cluster } from "../../src/local/cluster/cluster.ts";
import { more, SHOP } from "./meshed_shop.ts";
import { until } from "./until.ts";

const ADMIN_PORT = 4191;

interface Asked {
  /** Requests that came over the mesh, and those of them that were answered. */
  readonly requests: number;
  readonly responses: number;
}

/** What a pod's inbound proxy has counted. */
async function askedOf({ client }: Cluster, pod: string): Promise<Asked> {
  const path = `/api/v1/namespaces/${SHOP}/pods/${pod}:${ADMIN_PORT}/proxy/metrics`;
  const response = await client.raw("GET", path), text = await response.text();
  if (!response.ok) throw new Error(`metrics of ${pod}: HTTP ${response.status} ${text.slice(0, 100)}`);
  const sum = (metric: string) => {
    const lines = text.matchAll(new RegExp(`^${metric}\\{.*direction="inbound".*tls="true".* (\\d+)$`, "gm"));
    return [...lines].reduce((total, [, value]) => total + Number(value), 0);
  };
  return { requests: sum("request_total"), responses: sum("response_total") };
}

const inFlightOn = async (cluster: Cluster, pod: string): Promise<number> => {
  const { requests, responses } = await askedOf(cluster, pod);
  return requests - responses;
};

/** The one of `pods` that is asked most just now: a balancer leaves a replica that stalled alone for a while. */
async function busiest(cluster: Cluster, pods: readonly string[]): Promise<string> {
  const counts = () => Promise.all(pods.map((pod) => askedOf(cluster, pod)));
  const before = await counts();
  await more(cluster, 20);
  const grown = (await counts()).map(({ requests }, at) => requests - before[at]!.requests);
  return pods[grown.indexOf(Math.max(...grown))]!;
}

/** The processes of a pod's own containers, its proxy's first. */
function processesOf(cluster: Cluster, pod: string): MachineProcess[] {
  const found = processesBelow(cluster.pid!).filter((process) => process.pod === pod);
  return found.sort((left, right) => Number(right.program === "proxy") - Number(left.program === "proxy"));
}

/** Signals a process, which may have ended a moment ago: the proxies of a pod that was rolled do. */
function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Which of a pod's two processes are killed. */
export type Victims = "application" | "proxy" | "both";

export interface Killed {
  readonly pod: string;
  /** Requests it took with it, at most. */
  readonly inFlight: number;
}

/**
 * Kills a replica while requests are in flight on it.
 *
 * @param replicas of which the busiest is taken
 * @param callers names of the workloads whose proxies send to it
 */
export async function killReplica(
  cluster: Cluster,
  replicas: readonly string[],
  victims: Victims,
  callers: readonly string[],
): Promise<Killed> {
  const pod = await busiest(cluster, replicas), processes = processesOf(cluster, pod);
  const application = processes.find(({ program }) => program !== "proxy");
  const senders = processesBelow(cluster.pid!).filter(({ pod: owner, program }) =>
    program === "proxy" && callers.some((caller) => owner.startsWith(`${caller}-`))
  );
  if (application === undefined || processes.length !== 2 || senders.length === 0) {
    throw new Error(`${pod} has ${processes.length} processes, and ${senders.length} proxies call it`);
  }
  let inFlight = 0;
  Deno.kill(application.pid, "SIGSTOP");
  try {
    await until(`requests are in flight on ${pod}`, () => inFlightOn(cluster, pod), (count) => count > 0);
    for (const { pid } of senders) signal(pid, "SIGSTOP");
    // What the senders have written, its proxy has yet to read: the count stands still when it has.
    await until(`${pod} stands still`, async () => {
      const before = inFlight;
      inFlight = await inFlightOn(cluster, pod);
      return inFlight === before;
    }, (isStill) => isStill);
    for (const { pid, program } of processes) {
      if (victims === "both" || (victims === "proxy") === (program === "proxy")) Deno.kill(pid, "SIGKILL");
    }
  } finally {
    for (const { pid } of [...senders, application]) signal(pid, "SIGCONT");
  }
  return { pod, inFlight };
}
