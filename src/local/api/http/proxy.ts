/** pods/NAME/proxy and services/NAME/proxy: a request passed on to a pod or to one endpoint of a Service. */
import type { Pod, Service } from "../../../kube/kinds.ts";
import { KubeError } from "../../../kube/client.ts";
import type { ServiceResolver } from "../admission/webhooks.ts";
import type { Api } from "../api.ts";
import { badRequest } from "../errors.ts";
import { getObject } from "../verbs/read.ts";
import type { ResourceRequest } from "./request_info.ts";

/** `https:name:port` or `name:port` or `name`. */
function parseName(text: string): { scheme: string; name: string; port: string } {
  const parts = text.split(":");
  if (parts.length === 3) return { scheme: parts[0] || "http", name: parts[1]!, port: parts[2]! };
  return { scheme: "http", name: parts[0]!, port: parts[1] ?? "" };
}

/** Headers that belong to one connection, and the caller's own credentials. */
const DROPPED = ["host", "connection", "keep-alive", "transfer-encoding", "upgrade", "authorization"];

export async function proxy(
  api: Api,
  resolve: ServiceResolver,
  info: ResourceRequest,
  request: Request,
): Promise<Response> {
  const { scheme, name, port } = parseName(info.name!);
  const endpoint = info.plural === "pods"
    ? podEndpoint(api, info.namespace, name, port)
    : serviceEndpoint(api, resolve, info.namespace, name, port);
  const url = new URL(request.url);
  const target = `${scheme}://${endpoint.hostname}:${endpoint.port}/${info.rest}${url.search}`;
  const headers = new Headers(request.headers);
  for (const header of DROPPED) headers.delete(header);
  try {
    return await fetch(target, {
      method: request.method,
      headers,
      body: request.body,
      redirect: "manual",
    });
  } catch (error) {
    throw new KubeError(
      503,
      "ServiceUnavailable",
      `error trying to reach service: ${(error as Error).message}`,
    );
  }
}

function podEndpoint(
  api: Api,
  namespace: string | undefined,
  name: string,
  port: string,
): { hostname: string; port: number } {
  const pod = api.pod(namespace, name) as unknown as Pod;
  const address = pod.status?.podIP;
  if (!address) throw new KubeError(503, "ServiceUnavailable", `pod ${name} has no address yet`);
  const ports = (pod.spec?.containers ?? []).flatMap(({ ports = [] }) => ports);
  const number = port === ""
    ? ports[0]?.containerPort ?? 80
    : /^\d+$/.test(port)
    ? Number(port)
    : ports.find((each) => each.name === port)?.containerPort;
  if (number === undefined) throw badRequest(`pod ${name} has no port "${port}"`);
  return { hostname: address, port: number };
}

function serviceEndpoint(
  api: Api,
  resolve: ServiceResolver,
  namespace: string | undefined,
  name: string,
  port: string,
): { hostname: string; port: number } {
  const service = getObject(api.state, api.find("", "v1", "services"), namespace, name) as unknown as Service;
  const ports = service.spec?.ports ?? [];
  const chosen = port === ""
    ? ports[0]
    : ports.find((each) => each.name === port || String(each.port) === port);
  if (chosen === undefined) {
    throw new KubeError(503, "ServiceUnavailable", `no service port "${port}" found for service "${name}"`);
  }
  const endpoint = resolve(namespace!, name, chosen.port);
  if (endpoint === undefined) {
    throw new KubeError(503, "ServiceUnavailable", `no endpoints available for service "${name}"`);
  }
  return endpoint;
}
