/** `linkerd install --output-chart DIR`: the installation as Helm charts, for those who install by Helm or GitOps. */
import { charts } from "../../../manifests/chart/chart.ts";
import { MeshFailure } from "../../mesh/error.ts";
import type { Values } from "../../mesh/values.ts";
import type { Environment } from "../environment.ts";
import { HIGH_AVAILABILITY } from "./values.ts";

/** Writes both charts below `directory`. @throws MeshFailure when it cannot be written */
export function writeCharts(values: Values, directory: string, environment: Environment): void {
  const where = directory.replace(/\/+$/, "") || "/";
  try {
    for (const { path, text } of charts(values, HIGH_AVAILABILITY)) {
      const file = `${where}/${path}`;
      Deno.mkdirSync(file.slice(0, file.lastIndexOf("/")), { recursive: true });
      Deno.writeTextFileSync(file, text);
    }
  } catch (error) {
    if (
      !(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied ||
        error instanceof Deno.errors.AlreadyExists || error instanceof Deno.errors.NotADirectory)
    ) throw error;
    throw new MeshFailure({
      code: "chart-unwritable",
      source: "usage",
      detail: `the charts cannot be written to ${directory}: ${error.message}`,
      remedy: "name a directory that can be written",
    });
  }
  environment.print(`${where}/linkerd-crds\n${where}/linkerd-control-plane\n`);
  environment.tell(
    `install them with helm install linkerd-crds ${where}/linkerd-crds -n ${values.namespace} --create-namespace, ` +
      `then helm install linkerd-control-plane ${where}/linkerd-control-plane -n ${values.namespace} ` +
      "--set-file identityTrustAnchorsPEM=ca.crt,identity.issuer.tls.crtPEM=issuer.crt,identity.issuer.tls.keyPEM=issuer.key\n",
  );
}
