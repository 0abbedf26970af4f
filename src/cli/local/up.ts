/** `linkerd local up`: a laptop cluster that stays until it is told to go. */
import { MeshFailure } from "../../mesh/error.ts";
import { Progress } from "../../mesh/progress.ts";
import { formatJson } from "../../mesh/table.ts";
import { SYSTEM } from "../environment.ts";
import { installOnLaptop, startLaptop } from "./mesh_on_laptop.ts";
import { clusterDirectory, kubeconfigPath, readState, writeState } from "./state.ts";

export interface UpOptions {
  readonly apiPort: string;
  readonly dashboardPort: string;
  readonly mesh: boolean;
  readonly output: string;
}

export async function up(options: UpOptions): Promise<number> {
  const running = readState();
  if (running !== undefined) {
    throw new MeshFailure({
      code: "already-running",
      source: "usage",
      detail: `a laptop cluster of yours runs already (process ${running.pid})`,
      remedy: "use it, or end it with `linkerd local down`",
    });
  }
  const directory = clusterDirectory(), progress = new Progress(), stop = SYSTEM.interrupted();
  await Deno.remove(directory, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.mkdir(directory, { mode: 0o700 });
  const cluster = await startLaptop(progress, { directory, apiPort: Number(options.apiPort) });
  try {
    let dashboardPort: number | undefined;
    if (options.mesh) {
      await installOnLaptop(progress, cluster);
      dashboardPort = cluster.expose("linkerd", "web", 8084, Number(options.dashboardPort)).port;
      progress.say(`  dashboard: http://127.0.0.1:${dashboardPort}`);
    }
    const state = {
      pid: Deno.pid,
      apiPort: cluster.apiPort,
      dashboardPort,
      startedAt: new Date().toISOString(),
    };
    writeState(state, cluster.kubeconfig);
    if (options.output === "json") {
      console.log(formatJson({ ...state, kubeconfig: kubeconfigPath() }).trimEnd());
    }
    progress.say(
      `  ready after ${progress.elapsedSeconds.toFixed(1)} s; export KUBECONFIG=${kubeconfigPath()}`,
    );
    const why = await Promise.race([stop, cluster.ended]);
    if (!why.startsWith("SIG")) {
      throw new MeshFailure({ code: "node-ended", source: "mesh", detail: why });
    }
    return 0;
  } finally {
    await progress.step("take everything down", () => cluster.stop());
  }
}
