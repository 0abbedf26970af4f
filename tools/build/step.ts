/** One generated artefact of the build: what it is made from, what it makes, and how. */
export interface BuildStep {
  /** Short name, as given to `deno task build NAME`. */
  readonly name: string;
  /** Files and folders, relative to the repository, whose bytes decide whether the step is stale. */
  readonly inputs: readonly string[];
  /** Files or folders, relative to the repository, that exist once the step has run. */
  readonly outputs: readonly string[];
  /** @param root absolute path of the repository. Throws with the tool's own output when it fails. */
  run(root: string): Promise<void>;
}

/** Runs a Deno program with this very Deno, so that no `deno` on the PATH is needed; throws what it printed. */
export async function runDeno(root: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: root,
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(`deno ${args.join(" ")}\n${text.decode(stdout)}${text.decode(stderr)}`);
  return text.decode(stdout);
}
