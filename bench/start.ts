/**
 * Start to ready of the proxy's bundle on a warm cache, with a control plane on the same machine, and its private
 * memory then and once it is idle:
 *   deno run -A bench/start.ts [--starts N] [--cores N]
 */
import { parseArgs } from "node:util";
import { TestAuthority } from "../src/proxy/testing/certificates.ts";
import { startControlServices } from "../src/proxy/testing/control_services.ts";
import { startProcess } from "../src/proxy/testing/process.ts";
import { privateMemory } from "./peers/measure.ts";

const { values } = parseArgs({
  options: {
    starts: { type: "string", default: "15" },
    cores: { type: "string", default: "1" },
    bundle: { type: "string" },
  },
});
/** Long enough for the proxy to give back what starting took. */
const IDLE_MS = 2500;
const authority = await TestAuthority.create(), control = await startControlServices(authority);

/** A proxy, once it is ready. */
async function launch() {
  const process = await startProcess({
    name: "web.shop.serviceaccount.identity.linkerd.cluster.local",
    anchors: authority.certificate.toString("pem"),
    control,
    environment: { LINKERD2_PROXY_CORES: values.cores },
    ...(values.bundle === undefined ? {} : { script: values.bundle }),
  });
  if (Number(values.cores) > 1) await process.logged("worker ready");
  return process;
}

async function start(): Promise<{ ready: number; memory: number; idle: number }> {
  const process = await launch();
  const memory = privateMemory([process.pid]);
  await new Promise((done) => setTimeout(done, IDLE_MS));
  const idle = privateMemory([process.pid]);
  await process.stop();
  return { ready: process.readyMs, memory, idle };
}

/** Fills the caches, and shares the pages of program and libraries with those measured, as other pods of a node do. */
const neighbour = await launch();
const runs: Awaited<ReturnType<typeof start>>[] = [];
for (let i = 0; i < Number(values.starts); i++) runs.push(await start());
const quantile = (values: number[], q: number) =>
  values.sort((a, b) => a - b)[Math.floor(q * (values.length - 1))]!;
const ready = runs.map((run) => run.ready), memory = runs.map((run) => run.memory / 1024);
const idle = runs.map((run) => run.idle / 1024);
console.log(
  `start to ready: median ${quantile(ready, 0.5).toFixed(0)} ms, worst ${
    quantile(ready, 1).toFixed(0)
  } ms; ` +
    `private memory: median ${quantile(memory, 0.5).toFixed(1)} MiB, idle ${
      quantile(idle, 0.5).toFixed(1)
    } MiB ` +
    `(${runs.length} starts, ${values.cores} core(s))`,
);
await neighbour.stop();
control.close();
Deno.exit(0);
