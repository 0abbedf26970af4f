/** `linkerd upgrade`: this version's control plane with the installation's own values and credentials. Source: cli.md §2.6.4. */
import { renderCrds } from "../../../manifests/render.ts";
import { sameAnchors } from "./anchors.ts";
import type { Environment } from "../environment.ts";
import type { GlobalOptions } from "../global_options.ts";
import { applyAndWait } from "./apply.ts";
import { controlPlane, printObjects } from "./install.ts";
import { storedValues } from "./overrides.ts";
import { checkDefinitions } from "./preflight.ts";
import { type ValueOptions, valuesOf } from "./values.ts";

export interface UpgradeOptions extends ValueOptions {
  readonly crds: boolean;
  readonly apply: boolean;
  readonly wait: number;
  readonly output: string;
}

export async function upgrade(
  options: UpgradeOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  if (options.crds && !options.apply) return printObjects(renderCrds(), options.output, environment);
  const connection = await environment.connect(global);
  try {
    const stored = await storedValues(connection.client, global.linkerdNamespace);
    if (!options.apply) await checkDefinitions(connection, renderCrds());
    const values = valuesOf(stored, options, environment);
    if (!sameAnchors(stored.identityTrustAnchorsPEM, values.identityTrustAnchorsPEM)) {
      environment.tell(
        "‼ the trust anchors change: restart every meshed workload once this is applied, before the issuer changes\n",
      );
    }
    const objects = options.crds ? [] : controlPlane(values, environment.now());
    if (!options.apply) return printObjects(objects, options.output, environment);
    await applyAndWait(connection, [...renderCrds(), ...objects], {
      namespace: values.namespace,
      isJson: options.output === "json",
      ...(options.crds ? {} : { waitMs: options.wait }),
    }, environment);
  } finally {
    connection.close();
  }
}
