/** Asks the statistics API of the mesh: through the API server, or at `--api-addr`. */
import { getJson } from "../kube/service_proxy.ts";
import { apiPath, type ErrorResponse } from "../mesh/api.ts";
import { MeshFailure } from "../mesh/error.ts";
import { CONTROL_PORTS } from "../mesh/names.ts";
import type { Environment } from "./environment.ts";
import type { GlobalOptions } from "./global_options.ts";

export interface MetricsApi {
  /** @throws MeshFailure with the API's own error, or with what stood in the way */
  get<T>(path: string, query?: object): Promise<T>;
  /** The namespace of the kubeconfig's context. */
  readonly namespace: string;
  close(): void;
}

export async function openMetricsApi(global: GlobalOptions, environment: Environment): Promise<MetricsApi> {
  const { apiAddr } = global;
  if (apiAddr !== undefined) {
    return {
      namespace: "default",
      get: (path, query) => getDirect(environment, `http://${apiAddr}${apiPath(path, query)}`),
      close: () => {},
    };
  }
  const { client, namespace, close } = await environment.connect(global);
  const service = {
    namespace: global.linkerdNamespace,
    name: "metrics-api",
    port: CONTROL_PORTS.metricsApiHttp,
  };
  return { namespace, get: (path, query) => getJson(client, service, apiPath(path, query)), close };
}

async function getDirect<T>(environment: Environment, url: string): Promise<T> {
  const unreachable = (why: string) =>
    new MeshFailure({
      code: "service-unreachable",
      source: "cluster",
      detail: `${url.replace(/\?.*/, "")}: ${why}`,
      remedy: "--api-addr takes host:port of the metrics-api's HTTP port",
    });
  let response: Response;
  try {
    response = await environment.fetch(url);
  } catch (error) {
    throw unreachable(error instanceof Error ? error.message : String(error));
  }
  const body = await response.json().catch(() => undefined) as T & Partial<ErrorResponse> | undefined;
  if (body?.error !== undefined) throw new MeshFailure(body.error);
  if (!response.ok || body === undefined) throw unreachable(`HTTP ${response.status}`);
  return body;
}
