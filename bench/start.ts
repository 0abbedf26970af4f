/**
 * Start to ready of the proxy's bundle on a warm cache, with a control plane on the same machine, and its private
 * memory then:
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
const authority = await TestAuthority.create(), control = await startControlServices(authority);

async function start(): Promise<{ ready: number; memory: number }> {
  const process = await startProcess({
    name: "web.shop.serviceaccount.identity.linkerd.cluster.local",
    anchors: authority.certificate.toString("pem"),
    control,
    environment: { LINKERD2_PROXY_CORES: values.cores },
    ...(values.bundle === undefined ? {} : { script: values.bundle }),
  });
  if (Number(values.cores) > 1) await process.logged("worker ready");
  const memory = privateMemory([process.pid]);
  await process.stop();
  return { ready: process.readyMs, memory };
}

await start(); // fills the caches
const runs: { ready: number; memory: number }[] = [];
for (let i = 0; i < Number(values.starts); i++) runs.push(await start());
const quantile = (values: number[], q: number) =>
  values.sort((a, b) => a - b)[Math.floor(q * (values.length - 1))]!;
const ready = runs.map((run) => run.ready), memory = runs.map((run) => run.memory / 1024);
console.log(
  `start to ready: median ${quantile(ready, 0.5).toFixed(0)} ms, worst ${
    quantile(ready, 1).toFixed(0)
  } ms; ` +
    `private memory: median ${
      quantile(memory, 0.5).toFixed(1)
    } MiB (${runs.length} starts, ${values.cores} core(s))`,
);
control.close();
Deno.exit(0);
