/** A real kubectl for tests: $KUBECTL, .cache/bin/kubectl (tools/kubectl.ts builds it), or the PATH's. */

export const NO_KUBECTL = "skipped: no kubectl; set KUBECTL or run tools/kubectl.ts, which needs Go";

/** Its path, or undefined. */
export function findKubectl(): string | undefined {
  const named = Deno.env.get("KUBECTL");
  const built = new URL("../.cache/bin/kubectl", import.meta.url).pathname;
  for (const path of named === undefined ? [built, "kubectl"] : [named]) {
    try {
      const { success } = new Deno.Command(path, {
        args: ["version", "--client"],
        stdout: "null",
        stderr: "null",
      })
        .outputSync();
      if (success) return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}
