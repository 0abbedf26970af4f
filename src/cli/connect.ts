/** The cluster that a command talks to: as the flags, the environment and the kubeconfig say. */
import { type KubeConfigOptions, loadKubeConfig } from "../kube/config.ts";
import { createHttpKubeClient, type HttpKubeClient } from "../kube/http_client.ts";
import type { GlobalOptions } from "./global_options.ts";

export interface Connection {
  readonly client: HttpKubeClient;
  /** The context's namespace, `default` where it names none. */
  readonly namespace: string;
}

/** @throws KubeConfigError that says which file and what is wrong with it */
export async function connect(options: GlobalOptions): Promise<Connection> {
  const wanted: KubeConfigOptions = {};
  if (options.kubeconfig !== undefined) wanted.path = options.kubeconfig;
  if (options.context !== undefined) wanted.context = options.context;
  if (options.as !== undefined) wanted.as = options.as;
  if (options.asGroup !== undefined) wanted.asGroups = [...options.asGroup];
  const connection = await loadKubeConfig(wanted);
  return { client: createHttpKubeClient(connection), namespace: connection.namespace ?? "default" };
}
