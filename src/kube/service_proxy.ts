/**
 * Asks a service inside the cluster by way of the API server: works wherever kubectl does, without a port-forward.
 * Source: Kubernetes API concepts, "proxy" subresource of services.
 */
import { MeshFailure } from "../mesh/error.ts";
import type { KubeClient } from "./client.ts";

/** GET of JSON. @throws MeshFailure with the service's own error, or with what stood in the way */
export async function getJson<T>(
  client: KubeClient,
  service: { readonly namespace: string; readonly name: string; readonly port: number },
  path: string,
  signal?: AbortSignal,
): Promise<T> {
  const { namespace, name, port } = service;
  const base = `/api/v1/namespaces/${namespace}/services/${name}:${port}/proxy`;
  const response = await client.raw("GET", `${base}${path}`, signal === undefined ? {} : { signal });
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined; // a proxy's own page: its status and text are told below
  }
  if (response.ok && body !== undefined) return body as T;
  const error = (body as { error?: MeshFailure["error"] } | undefined)?.error;
  if (error !== undefined) throw new MeshFailure(error);
  const message = (body as { message?: string } | undefined)?.message ?? text.trim().slice(0, 200);
  throw new MeshFailure({
    code: response.status === 404 ? "service-not-found" : "service-unreachable",
    source: "cluster",
    detail: `${namespace}/${name}:${port}${path.replace(/\?.*/, "")}: HTTP ${response.status} ${message}`,
    remedy: `see whether its pods are ready: kubectl -n ${namespace} get pods`,
  });
}
