/**
 * A real Kubernetes node to work with by hand: `deno run -A tests/kubernetes/harness/up.ts`, then what it says.
 * Ctrl-C ends it and everything in it.
 */
import { kubernetesProgram } from "./binaries.ts";
import { kubernetesObstacle, prepareKubernetes, startKubernetes } from "./cluster.ts";

const obstacle = kubernetesObstacle();
if (obstacle !== undefined) {
  console.error(obstacle);
  Deno.exit(1);
}
const images = await prepareKubernetes();
const started = performance.now();
const cluster = await startKubernetes(images);
const kubeconfig = `${cluster.directory}/outside.kubeconfig`;
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
console.log(await Promise.race([asked, cluster.ended]));
await cluster.stop();
