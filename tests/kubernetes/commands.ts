/** kubectl and linkerd, run as a user runs them. */
import { equal } from "node:assert/strict";
import { bundleDirectory } from "../../src/local/bundles.ts";
import { kubernetesProgram } from "./harness/binaries.ts";
import type { KubernetesCluster } from "./harness/cluster.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(
  cluster: KubernetesCluster,
  argv: readonly [string, ...string[]],
  input: string,
): Promise<Outcome> {
  const kubeconfig = `${cluster.directory}/kubeconfig`, [program, ...args] = argv;
  await Deno.writeTextFile(kubeconfig, cluster.kubeconfig, { mode: 0o600 });
  const child = new Deno.Command(program, {
    args,
    env: { KUBECONFIG: kubeconfig },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  // A command that does not read its input may have ended before it is written.
  const written = writer.write(new TextEncoder().encode(input)).then(() => writer.close()).catch(() => {});
  const [{ code }, stdout, stderr] = await Promise.all([
    child.status,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    written,
  ]);
  return { code, stdout, stderr };
}

/** @param input what it reads from its standard input */
export function kubectl(cluster: KubernetesCluster, args: readonly string[], input = ""): Promise<Outcome> {
  return run(cluster, [kubernetesProgram("kubectl"), ...args], input);
}

export function runLinkerd(cluster: KubernetesCluster, args: readonly string[]): Promise<Outcome> {
  const script = `${bundleDirectory()}/linkerd/main.js`;
  const runtime = ["run", "--no-config", "--no-lock", "--quiet", "-A", script];
  return run(cluster, [Deno.execPath(), ...runtime, ...args], "");
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
