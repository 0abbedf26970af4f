/**
 * `linkerd demo`: a laptop cluster, the mesh, a shop, and a live table of what its workloads do. `--once` ends when
 * every workload is meshed and has served 500 requests, which is also how it is tested.
 */
import { parseAllDocuments } from "yaml";
import { applyObjects } from "../../kube/apply.ts";
import type { KubernetesObject } from "../../kube/resource.ts";
import type { Cluster } from "../../local/cluster/cluster.ts";
import shop from "../../local/demo/shop.yaml" with { type: "text" };
import { waitForWorkloads } from "../../local/workloads.ts";
import { MeshFailure } from "../../mesh/error.ts";
import { Progress } from "../../mesh/progress.ts";
import { formatJson } from "../../mesh/table.ts";
import { SYSTEM } from "../environment.ts";
import { installOnLaptop, startLaptop } from "./mesh_on_laptop.ts";
import { formatShop, isComplete, readShop, type ShopState } from "./shop_table.ts";

export interface DemoOptions {
  readonly once: boolean;
  readonly dashboardPort: string;
  readonly output: string;
}

const NAMESPACE = "shop", REFRESH_MS = 1000, ONCE_TIMEOUT_MS = 120_000, READY_TIMEOUT_MS = 60_000;

function shopObjects(): KubernetesObject[] {
  return parseAllDocuments(shop).map((document) => document.toJS() as KubernetesObject);
}

async function deployShop(progress: Progress, { client }: Cluster): Promise<void> {
  await progress.step("deploy the demo shop", async (update) => {
    const onApplied = (_: unknown, done: number, total: number) => update(`${done} of ${total} objects`);
    await applyObjects(client, shopObjects(), { fieldManager: "linkerd-demo", onApplied });
    await waitForWorkloads(client, NAMESPACE, {
      timeoutMs: READY_TIMEOUT_MS,
      onProgress: (ready, total) => update(`${ready} of ${total} workloads ready`),
    });
  });
}

/** Polls until the table is complete. @throws MeshFailure that says what is still missing */
async function watchOnce(cluster: Cluster): Promise<ShopState> {
  const deadline = performance.now() + ONCE_TIMEOUT_MS;
  let problem = "no figures yet";
  while (performance.now() < deadline) {
    try {
      const latest = await readShop(cluster.client, NAMESPACE);
      const missing = isComplete(latest);
      if (missing === undefined) return latest;
      problem = missing;
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    await new Promise((done) => setTimeout(done, 200));
  }
  throw new MeshFailure({
    code: "demo-incomplete",
    source: "mesh",
    detail: `the demo is not complete after ${ONCE_TIMEOUT_MS / 1000} s: ${problem}`,
    remedy: "run it with LINKERD_LOCAL_LOG=1 to see what the node says",
  });
}

/** Waits until the first meshed request is counted, which is what a user waits for. */
async function firstTraffic(cluster: Cluster): Promise<void> {
  for (let i = 0; i < 300; i++) {
    try {
      const { rows } = await readShop(cluster.client, NAMESPACE);
      if (rows.some(({ total }) => total.success > 0)) return;
    } catch {
      // The first figures are a scrape away.
    }
    await new Promise((done) => setTimeout(done, 100));
  }
}

async function watchLive(cluster: Cluster, stop: Promise<string>): Promise<void> {
  let isStopped = false;
  const stopped = stop.then(() => isStopped = true);
  const isTerminal = Deno.stdout.isTerminal();
  let lines = 0;
  while (!isStopped) {
    let text: string;
    try {
      text = formatShop(await readShop(cluster.client, NAMESPACE));
    } catch (error) {
      text = `no figures: ${error instanceof Error ? error.message : error}\n`;
    }
    if (isStopped) return;
    const erase = isTerminal && lines > 0 ? `\x1b[${lines}A\x1b[J` : "";
    await Deno.stdout.write(new TextEncoder().encode(erase + text + (isTerminal ? "" : "\n")));
    lines = text.split("\n").length - 1;
    await Promise.race([stopped, new Promise((done) => setTimeout(done, REFRESH_MS))]);
  }
}

/** Runs the demo. @returns the exit code */
export async function demo(options: DemoOptions): Promise<number> {
  const progress = new Progress(), stop = SYSTEM.interrupted();
  const cluster = await startLaptop(progress);
  try {
    const work = (async () => {
      await installOnLaptop(progress, cluster);
      const dashboard = cluster.expose("linkerd", "web", 8084, Number(options.dashboardPort));
      progress.say(`  dashboard: http://127.0.0.1:${dashboard.port}`);
      const kubeconfig = `${cluster.directory}/kubeconfig`;
      Deno.writeTextFileSync(kubeconfig, cluster.kubeconfig, { mode: 0o600 });
      progress.say(`  from another terminal: export KUBECONFIG=${kubeconfig}`);
      await deployShop(progress, cluster);
      await firstTraffic(cluster);
      progress.say(`  meshed traffic after ${progress.elapsedSeconds.toFixed(1)} s`);
      if (!options.once) return await watchLive(cluster, stop);
      const state = await progress.step("serve 500 requests from every workload", () => watchOnce(cluster));
      console.log(options.output === "json" ? formatJson(state).trimEnd() : formatShop(state).trimEnd());
    })();
    const ended = cluster.ended.then((why) => {
      throw new MeshFailure({ code: "node-ended", source: "mesh", detail: why });
    });
    await Promise.race([work, stop, ended]);
    return 0;
  } finally {
    await progress.step("take everything down", () => cluster.stop());
  }
}
