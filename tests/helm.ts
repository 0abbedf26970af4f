/** A real Helm for tests: $HELM, .cache/bin/helm (tools/helm.ts builds it), or the PATH's. */
export const NO_HELM = "skipped: no helm; set HELM or run tools/helm.ts, which needs Go";

/** Its path, or undefined. */
export function findHelm(): string | undefined {
  const named = Deno.env.get("HELM"), built = new URL("../.cache/bin/helm", import.meta.url).pathname;
  for (const path of named === undefined ? [built, "helm"] : [named]) {
    try {
      const quiet = { stdout: "null", stderr: "null" } as const;
      if (new Deno.Command(path, { args: ["version", "--short"], ...quiet }).outputSync().success) {
        return path;
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}
