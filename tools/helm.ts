/**
 * Builds Helm from its Go module into .cache/bin, for the test of the chart that `linkerd install --output-chart` packs.
 *
 * usage: deno run -A tools/helm.ts [VERSION]   A few minutes and 500 MB of Go caches the first time.
 */
import { exists, must } from "./command.ts";

const version = Deno.args[0] ?? "3.22.0";
const directory = new URL("../.cache/bin", import.meta.url).pathname, helm = `${directory}/helm`;

if (exists(helm)) {
  console.log(`Helm is built already: ${helm}`);
} else {
  console.log(`building Helm ${version} ...`);
  try {
    await must("go", ["install", "-trimpath", "-ldflags=-s -w", `helm.sh/helm/v3/cmd/helm@v${version}`], {
      env: { GOBIN: directory, CGO_ENABLED: "0", GOFLAGS: "-mod=mod" },
    });
  } catch (error) {
    console.error(`Helm could not be built: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
  console.log(`built ${helm}`);
}
