/** What `local up` and `demo` share: a cluster with the mesh in it, started step by step. */
import { CONTROL_PLANE_NAMESPACE } from "../../mesh/names.ts";
import type { Progress } from "../../mesh/progress.ts";
import { type Cluster, startCluster, type StartOptions } from "../../local/cluster/cluster.ts";
import { installMesh } from "../../local/install.ts";
import { waitForWorkloads } from "../../local/workloads.ts";

const READY_TIMEOUT_MS = 60_000;

/** Everything the node says goes to standard error where that is asked for. */
function logging(): Pick<StartOptions, "onLog"> {
  return Deno.env.get("LINKERD_LOCAL_LOG") ? { onLog: (line) => console.error(line) } : {};
}

/** Starts the cluster. @throws MeshFailure */
export function startLaptop(progress: Progress, options: StartOptions = {}): Promise<Cluster> {
  return progress.step("start the laptop cluster", () => startCluster({ ...logging(), ...options }));
}

/** Installs the control plane and waits until it is ready; ends the cluster when that fails. */
export async function installOnLaptop(progress: Progress, cluster: Cluster): Promise<void> {
  const { client } = cluster;
  await progress.step(
    "install the control plane",
    (update) => installMesh(client, (done, total) => update(`${done} of ${total} objects`)),
  );
  await progress.step(
    "wait for the control plane",
    (update) =>
      waitForWorkloads(client, CONTROL_PLANE_NAMESPACE, {
        timeoutMs: READY_TIMEOUT_MS,
        onProgress: (ready, total) => update(`${ready} of ${total} ready`),
      }),
  );
}
