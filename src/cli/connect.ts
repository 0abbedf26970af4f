/** The cluster that a command talks to: as the flags, the environment and the kubeconfig say. */
import { type KubeConfigOptions, loadKubeConfig } from "../kube/config.ts";
import { createHttpKubeClient } from "../kube/http_client.ts";
import type { Connection } from "./environment.ts";
import type { GlobalOptions } from "./global_options.ts";

/** @throws KubeConfigError that says which file and what is wrong with it */
export async function connect(options: GlobalOptions): Promise<Connection> {
  const wanted: KubeConfigOptions = {};
  if (options.kubeconfig !== undefined) wanted.path = options.kubeconfig;
  if (options.context !== undefined) wanted.context = options.context;
  if (options.as !== undefined) wanted.as = options.as;
  if (options.asGroup !== undefined && options.asGroup.length > 0) wanted.asGroups = [...options.asGroup];
  const connection = await loadKubeConfig(wanted);
  const client = createHttpKubeClient(connection);
  return {
    client,
    namespace: connection.namespace ?? "default",
    server: connection.server,
    close: () => client.close(),
  };
}
