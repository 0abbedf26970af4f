/** `linkerd upgrade`: this version's control plane with the installation's own values and credentials. Source: cli.md §2.6.4. */
import { renderCrds } from "../../../manifests/render.ts";
import type { KubernetesObject } from "../../kube/resource.ts";
import type { Values } from "../../mesh/values.ts";
import { sameAnchors } from "./anchors.ts";
import type { Environment } from "../environment.ts";
import type { GlobalOptions } from "../global_options.ts";
import { applyAndWait } from "./apply.ts";
import { controlPlane, printObjects } from "./install.ts";
import { readDocuments } from "../inject/documents.ts";
import { readSources } from "../inject/sources.ts";
import { manifestValues, storedValues } from "./overrides.ts";
import { checkDefinitions } from "./preflight.ts";
import { type ValueOptions, valuesOf } from "./values.ts";

export interface UpgradeOptions extends ValueOptions {
  readonly crds: boolean;
  readonly fromManifests?: string;
  readonly apply: boolean;
  readonly wait: number;
  readonly output: string;
}

async function valuesOfFile(file: string, environment: Environment): Promise<Values> {
  const texts = await readSources(file, environment);
  return manifestValues(
    texts.flatMap((one) => readDocuments(one.text, one.file)) as KubernetesObject[],
    file,
  );
}

/** The stored values with those that flags ask for. */
function changed(stored: Values, options: UpgradeOptions, environment: Environment): Values {
  const values = valuesOf(stored, options, environment);
  if (!sameAnchors(stored.identityTrustAnchorsPEM, values.identityTrustAnchorsPEM)) {
    environment.tell(
      "‼ the trust anchors change: wait one issuance lifetime once this is applied, before the issuer changes\n",
    );
  }
  return values;
}

export async function upgrade(
  options: UpgradeOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  if (options.crds && !options.apply) return printObjects(renderCrds(), options.output, environment);
  const file = options.fromManifests;
  if (file !== undefined && !options.apply) {
    const values = changed(await valuesOfFile(file, environment), options, environment);
    return printObjects(controlPlane(values, environment.now()), options.output, environment);
  }
  const connection = await environment.connect(global);
  try {
    const stored = file === undefined
      ? await storedValues(connection.client, global.linkerdNamespace)
      : await valuesOfFile(file, environment);
    if (!options.apply) await checkDefinitions(connection, renderCrds());
    const values = changed(stored, options, environment);
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
