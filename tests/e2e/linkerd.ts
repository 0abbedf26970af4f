/** The built command, run as a user runs it. */
import { bundleDirectory } from "../../src/local/bundles.ts";
import type { Cluster } from "../../src/local/cluster/cluster.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The cluster's kubeconfig as a file; it goes with the cluster's directory. */
export function kubeconfigOf(cluster: Cluster): string {
  const path = `${cluster.directory}/kubeconfig`;
  Deno.writeTextFileSync(path, cluster.kubeconfig, { mode: 0o600 });
  return path;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs `linkerd ...args`. @param kubeconfig the cluster's; undefined for a user who has none */
export async function runLinkerd(
  kubeconfig: string | undefined,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  return await runProgram([...LINKERD, ...args], {
    ...options,
    env: { KUBECONFIG: kubeconfig ?? "/dev/null", ...options.env },
  });
}

/** The command without its arguments. */
export const LINKERD: readonly string[] = [
  Deno.execPath(),
  ...["run", "--no-config", "--no-lock", "--quiet", "-A", `${bundleDirectory()}/linkerd/main.js`],
];

/** Runs a program to its end. */
export async function runProgram(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const [program = "", ...args] = argv;
  const child = new Deno.Command(program, {
    args,
    env: { ...options.env },
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
