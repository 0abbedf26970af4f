/** Where a running laptop cluster is to be found by other commands: one per user, in a directory of its own. */
import { MeshFailure } from "../../mesh/error.ts";
import { type Cluster, connectTo } from "../../local/cluster/cluster.ts";

export interface ClusterState {
  /** The process that holds the cluster: a SIGTERM ends both. */
  readonly pid: number;
  readonly apiPort: number;
  readonly dashboardPort: number | undefined;
  readonly startedAt: string;
}

/** The directory of this user's cluster. */
export function clusterDirectory(): string {
  const runtime = Deno.env.get("XDG_RUNTIME_DIR");
  return runtime ? `${runtime}/linkerd-local` : `/tmp/linkerd-local-${Deno.uid()}`;
}

export function kubeconfigPath(): string {
  return `${clusterDirectory()}/kubeconfig`;
}

export function writeState(state: ClusterState, kubeconfig: string): void {
  Deno.writeTextFileSync(kubeconfigPath(), kubeconfig, { mode: 0o600 });
  Deno.writeTextFileSync(`${clusterDirectory()}/cluster.json`, JSON.stringify(state), { mode: 0o600 });
}

function isAlive(pid: number): boolean {
  try {
    return Deno.statSync(`/proc/${pid}`).isDirectory;
  } catch {
    return false; // there is no such process
  }
}

/** The running cluster's state, or undefined. */
export function readState(): ClusterState | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(`${clusterDirectory()}/cluster.json`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const state = JSON.parse(text) as ClusterState;
  return isAlive(state.pid) ? state : undefined;
}

/** @throws MeshFailure when none runs */
export function requireState(): ClusterState {
  const state = readState();
  if (state !== undefined) return state;
  throw new MeshFailure({
    code: "no-local-cluster",
    source: "usage",
    detail: "no laptop cluster of yours is running",
    remedy: "start one with `linkerd local up`",
  });
}

/** A connection to the running cluster. @throws MeshFailure when none runs */
export function connectLocal(): Cluster {
  requireState();
  return connectTo(clusterDirectory(), 0, new Promise(() => {}), () => Promise.resolve());
}
