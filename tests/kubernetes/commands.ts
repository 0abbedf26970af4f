/** kubectl and linkerd, run as a user runs them. */
import { equal } from "node:assert/strict";
import { type Outcome, runLinkerd } from "../e2e/linkerd.ts";
import { kubernetesProgram } from "./harness/binaries.ts";
import type { KubernetesCluster } from "./harness/cluster.ts";

/** @param input what it reads from its standard input */
export async function kubectl(
  cluster: KubernetesCluster,
  args: readonly string[],
  input = "",
): Promise<Outcome> {
  const kubeconfig = `${cluster.directory}/kubectl.kubeconfig`;
  await Deno.writeTextFile(kubeconfig, cluster.kubeconfig, { mode: 0o600 });
  const child = new Deno.Command(kubernetesProgram("kubectl"), {
    args: ["--kubeconfig", kubeconfig, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const [{ code }, stdout, stderr] = await Promise.all([
    child.status,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code, stdout, stderr };
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
