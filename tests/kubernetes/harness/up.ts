/**
 * A real Kubernetes node to work with by hand: `deno run -A tests/kubernetes/harness/up.ts`, then what it says.
 * Ctrl-C ends it and everything in it; `stop kube-apiserver` and `start kube-apiserver` on its input do what they say.
 */
import { readLines } from "../../../src/kube/lines.ts";
import { kubernetesProgram } from "./binaries.ts";
import { type ComponentName, START_ORDER } from "./components.ts";
import { kubernetesObstacle, prepareKubernetes, startKubernetes } from "./cluster.ts";

const obstacle = kubernetesObstacle();
if (obstacle !== undefined) {
  console.error(obstacle);
  Deno.exit(1);
}
const images = await prepareKubernetes();
const started = performance.now();
const cluster = await startKubernetes(images);
const kubeconfig = `${cluster.directory}/kubeconfig`;
await Deno.writeTextFile(kubeconfig, cluster.kubeconfig, { mode: 0o600 });
console.log(
  `ready after ${((performance.now() - started) / 1000).toFixed(1)} s; logs are in ${cluster.directory}`,
);
console.log(
  `export KUBECONFIG=${kubeconfig} PATH=${kubernetesProgram("kubectl").replace(/\/kubectl$/, "")}:$PATH`,
);
const asked = new Promise<string>((done) => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => done(signal));
});
async function obey(): Promise<void> {
  for await (const line of readLines(Deno.stdin.readable)) {
    const [verb, name] = line.split(" ") as [string, ComponentName];
    if (!START_ORDER.includes(name)) {
      console.error(`no component ${name}; there are ${START_ORDER.join(", ")}`);
    } else await (verb === "stop" ? cluster.stopComponent(name) : cluster.startComponent(name));
  }
}
obey().catch((error) => console.error(error));
console.log(await Promise.race([asked, cluster.ended]));
await cluster.stop();
