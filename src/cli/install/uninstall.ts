/** `linkerd uninstall` and `linkerd prune`: print what to delete, or delete it. Source: cli.md §2.6.5 and 2.6.6. */
import { renderCrds } from "../../../manifests/render.ts";
import { isNotFound, type KubeClient } from "../../kube/client.ts";
import { NAMESPACES, PODS } from "../../kube/kinds.ts";
import type { KubernetesObject } from "../../kube/resource.ts";
import { MeshFailure } from "../../mesh/error.ts";
import { CONTROL_PLANE_NS_LABEL, EXTENSION_LABEL } from "../../mesh/labels.ts";
import { Progress } from "../../mesh/progress.ts";
import type { Environment } from "../environment.ts";
import type { GlobalOptions } from "../global_options.ts";
import { controlPlane, printObjects } from "./install.ts";
import { CLUSTER_KINDS, findInstalled, NAMESPACE_KINDS } from "./installed.ts";
import { storedValues } from "./overrides.ts";

export interface UninstallOptions {
  readonly force: boolean;
  readonly apply: boolean;
  readonly output: string;
}

const MOST_NAMED = 20;

/** @throws MeshFailure naming the extensions and the meshed pods that would be left without a control plane */
async function checkUnused(client: KubeClient, namespace: string): Promise<void> {
  const [extensions, pods] = await Promise.all([
    client.list(NAMESPACES, { labelSelector: EXTENSION_LABEL }),
    client.list(PODS, { labelSelector: `${CONTROL_PLANE_NS_LABEL}=${namespace}` }),
  ]);
  const names = extensions.items.map(({ metadata }) => metadata?.name ?? "");
  const meshed = pods.items.map(({ metadata }) => metadata)
    .filter((pod) => pod?.namespace !== namespace && !names.includes(pod?.namespace ?? ""))
    .map((pod) => `${pod?.namespace}/${pod?.name}`).sort();
  if (names.length === 0 && meshed.length === 0) return;
  const more = meshed.length > MOST_NAMED ? ` and ${meshed.length - MOST_NAMED} more` : "";
  const reasons = [
    ...(names.length === 0 ? [] : [`extensions are installed in ${names.sort().join(", ")}`]),
    ...(meshed.length === 0 ? [] : [`pods are meshed: ${meshed.slice(0, MOST_NAMED).join(", ")}${more}`]),
  ];
  throw new MeshFailure({
    code: "still-in-use",
    source: "cluster",
    detail: `the control plane is still used: ${reasons.join("; ")}`,
    remedy: "uninstall the extensions and uninject the pods first, or insist with --force",
  });
}

export async function uninstall(
  options: UninstallOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  const connection = await environment.connect(global), { client } = connection;
  try {
    if (!options.force) await checkUnused(client, global.linkerdNamespace);
    const found = await findInstalled(client, CLUSTER_KINDS, global.linkerdNamespace);
    if (found.length === 0) {
      throw new MeshFailure({
        code: "not-installed",
        source: "cluster",
        detail: `nothing carries the label ${CONTROL_PLANE_NS_LABEL}=${global.linkerdNamespace}`,
        remedy: "name the control plane's namespace with --linkerd-namespace",
      });
    }
    if (!options.apply) return printObjects(found.map(({ object }) => object), options.output, environment);
    const progress = new Progress({ write: environment.tell, isTerminal: environment.isTerminal });
    await progress.step(`delete ${found.length} objects`, async (update) => {
      for (const [done, { kind, object }] of found.entries()) {
        update(`${done} of ${found.length}`);
        try {
          await client.delete(kind, object.metadata!.name!, object.metadata?.namespace);
        } catch (error) {
          if (!isNotFound(error)) throw error; // gone already: with its namespace, or by another hand
        }
      }
    });
    if (options.output === "json") printObjects(found.map(({ object }) => object), "json", environment);
  } finally {
    connection.close();
  }
}

function identity({ apiVersion = "", kind, metadata }: KubernetesObject): string {
  const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
  return `${group}/${kind}/${metadata?.namespace ?? ""}/${metadata?.name}`;
}

/** Objects of the installation that the current version would not install. */
export async function prune(
  options: { readonly output: string },
  global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  const connection = await environment.connect(global), { client } = connection;
  try {
    const values = await storedValues(client, global.linkerdNamespace);
    const wanted = new Set(
      [...renderCrds(), ...controlPlane(values, environment.now())].map(identity),
    );
    const kinds = [...CLUSTER_KINDS, ...NAMESPACE_KINDS];
    const stale = (await findInstalled(client, kinds, global.linkerdNamespace))
      .map(({ object }) => object).filter((object) => !wanted.has(identity(object)));
    if (stale.length === 0 && options.output !== "json") return environment.tell("nothing to prune\n");
    printObjects(stale, options.output, environment);
  } finally {
    connection.close();
  }
}
