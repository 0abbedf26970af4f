/** kubectl and linkerd, run as a user runs them. */
import { equal } from "node:assert/strict";
import { LINKERD, type Outcome, runProgram } from "../e2e/linkerd.ts";
import { kubernetesProgram } from "./harness/binaries.ts";
import type { KubernetesCluster } from "./harness/cluster.ts";

async function run(
  cluster: KubernetesCluster,
  argv: readonly string[],
  input: string,
): Promise<Outcome> {
  return await runProgram(argv, { input, env: await withKubeconfig(cluster) });
}

/** The environment in which commands talk to the cluster. */
export async function withKubeconfig(cluster: KubernetesCluster): Promise<Record<string, string>> {
  const kubeconfig = `${cluster.directory}/kubeconfig`;
  await Deno.writeTextFile(kubeconfig, cluster.kubeconfig, { mode: 0o600 });
  return { KUBECONFIG: kubeconfig };
}

/** @param input what it reads from its standard input */
export function kubectl(cluster: KubernetesCluster, args: readonly string[], input = ""): Promise<Outcome> {
  return run(cluster, [kubernetesProgram("kubectl"), ...args], input);
}

export function runLinkerd(cluster: KubernetesCluster, args: readonly string[]): Promise<Outcome> {
  return run(cluster, [...LINKERD, ...args], "");
}

/** `linkerd ARGS`, which must succeed. @returns what it printed */
export async function linkerd(cluster: KubernetesCluster, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runLinkerd(cluster, args);
  equal(code, 0, `linkerd ${args.join(" ")}: ${stderr}${stdout}`);
  return stdout;
}

/** `linkerd ARGS | kubectl VERB -f -`, both of which must succeed. @returns what kubectl printed */
export async function linkerdInto(
  cluster: KubernetesCluster,
  verb: "apply" | "delete",
  ...args: string[]
): Promise<string> {
  const { code, stdout, stderr } = await kubectl(cluster, [verb, "-f", "-"], await linkerd(cluster, ...args));
  equal(code, 0, `linkerd ${args.join(" ")} | kubectl ${verb} -f -: ${stderr}`);
  return stdout;
}
