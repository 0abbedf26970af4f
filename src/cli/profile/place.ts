/** The namespace and the domain that a service's full name is made of. */
import { CONFIG_MAPS } from "../../kube/kinds.ts";
import { parse } from "../../kube/yaml.ts";
import { CLUSTER_DOMAIN, CONFIG_MAP } from "../../mesh/names.ts";
import type { Environment } from "../environment.ts";
import type { GlobalOptions } from "../global_options.ts";

/** Where the service is, as the cluster knows it. */
export async function placeOf(
  options: { readonly namespace?: string; readonly ignoreCluster: boolean },
  global: GlobalOptions,
  environment: Environment,
): Promise<{ namespace: string; domain: string }> {
  if (options.ignoreCluster) return { namespace: options.namespace ?? "default", domain: CLUSTER_DOMAIN };
  const connection = await environment.connect(global);
  try {
    const config = await connection.client.get(CONFIG_MAPS, CONFIG_MAP, global.linkerdNamespace);
    const values = (parse(config.data?.["values"] ?? "") ?? {}) as { clusterDomain?: string };
    return {
      namespace: options.namespace ?? connection.namespace,
      domain: values.clusterDomain ?? CLUSTER_DOMAIN,
    };
  } finally {
    connection.close();
  }
}
