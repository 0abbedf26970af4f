/** The built command, run as a user runs it. */
import { bundleDirectory } from "../../src/local/bundles.ts";
import type { Cluster } from "../../src/local/cluster/cluster.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The cluster's kubeconfig as a file; it goes with the cluster's directory. */
function kubeconfigOf(cluster: Cluster): string {
  const path = `${cluster.directory}/kubeconfig`;
  Deno.writeTextFileSync(path, cluster.kubeconfig, { mode: 0o600 });
  return path;
}

/** Runs `linkerd ...args` against a cluster, or against none. */
export async function runLinkerd(
  cluster: Cluster | undefined,
  args: readonly string[],
  options: { readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-config",
      "--no-lock",
      "--quiet",
      "-A",
      `${bundleDirectory()}/linkerd/main.js`,
      ...args,
    ],
    env: {
      ...(cluster === undefined ? { KUBECONFIG: "/dev/null" } : { KUBECONFIG: kubeconfigOf(cluster) }),
      ...options.env,
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  // A command that does not read its input may have ended before it is written.
  const written = writer.write(new TextEncoder().encode(options.input ?? "")).then(() => writer.close())
    .catch(() => {});
  const [{ code }, stdout, stderr] = await Promise.all([
    child.status,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    written,
  ]);
  return { code, stdout, stderr };
}
