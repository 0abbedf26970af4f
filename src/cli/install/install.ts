/** `linkerd install`: prints the control plane's objects, or applies them with `--apply`. Source: cli.md §2.6. */
import {
  credentialValues,
  defaultValues,
  generateCredentials,
  mergeValues,
  renderCrds,
  renderInstall,
  toYaml,
} from "../../../manifests/render.ts";
import type { KubernetesObject } from "../../kube/resource.ts";
import { formatJson } from "../../mesh/table.ts";
import type { Values } from "../../mesh/values.ts";
import type { Connection, Environment } from "../environment.ts";
import type { GlobalOptions } from "../global_options.ts";
import { applyAndWait } from "./apply.ts";
import { overridesSecret } from "./overrides.ts";
import { apiServerPorts, checkDefinitions, checkVacancy } from "./preflight.ts";
import { checkCredentials, lacksCredentials, type ValueOptions, valuesOf } from "./values.ts";

export interface InstallOptions extends ValueOptions {
  readonly crds: boolean;
  readonly apply: boolean;
  readonly ignoreCluster: boolean;
  readonly outputChart?: string;
  readonly wait: number;
  readonly output: string;
}

/** Everything but the definitions. @throws MeshFailure when credentials are incomplete or do not count */
export function controlPlane(values: Values, now: number): KubernetesObject[] {
  checkCredentials(values, now);
  return [...renderInstall(values), overridesSecret(values)];
}

async function complete(values: Values, now: number): Promise<Values> {
  if (!lacksCredentials(values)) return values;
  return mergeValues(values, credentialValues(await generateCredentials(values, now)));
}

export function printObjects(objects: readonly KubernetesObject[], output: string, environment: Environment) {
  environment.print(
    output === "json" ? formatJson({ apiVersion: "v1", kind: "List", items: objects }) : toYaml(objects),
  );
}

/** What the cluster has a say in: nothing with --ignore-cluster, and nothing where definitions are only printed. */
async function askCluster(
  options: InstallOptions,
  global: GlobalOptions,
  connection: Connection,
): Promise<string | undefined> {
  if (options.ignoreCluster || options.crds) return undefined;
  await checkVacancy(connection, global.linkerdNamespace);
  if (!options.apply) await checkDefinitions(connection, renderCrds());
  return await apiServerPorts(connection);
}

export async function install(
  options: InstallOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  const base = { ...defaultValues(), namespace: global.linkerdNamespace };
  let values = valuesOf(base, options, environment);
  if (options.outputChart !== undefined) {
    return (await import("./output_chart.ts")).writeCharts(values, options.outputChart, environment);
  }
  const isAlone = !options.apply && (options.ignoreCluster || options.crds);
  const connection = isAlone ? undefined : await environment.connect(global);
  try {
    const ports = connection === undefined ? undefined : await askCluster(options, global, connection);
    if (ports !== undefined && values.proxyInit.kubeAPIServerPorts === base.proxyInit.kubeAPIServerPorts) {
      values = mergeValues(values, { proxyInit: { kubeAPIServerPorts: ports } });
    }
    const now = environment.now();
    const objects = options.crds ? renderCrds() : controlPlane(await complete(values, now), now);
    if (!options.apply || connection === undefined) return printObjects(objects, options.output, environment);
    await applyAndWait(connection, options.crds ? objects : [...renderCrds(), ...objects], {
      namespace: values.namespace,
      isJson: options.output === "json",
      ...(options.crds ? {} : { waitMs: options.wait }),
    }, environment);
  } finally {
    connection?.close();
  }
}
