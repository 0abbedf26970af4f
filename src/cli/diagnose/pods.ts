/** Which pods a command line names, and what their admin ports answer, by way of the API server's pod proxy. */
import { isNotFound, type KubeClient, KubeError } from "../../kube/client.ts";
import {
  CRON_JOBS,
  DAEMON_SETS,
  DEPLOYMENTS,
  JOBS,
  type Pod,
  PODS,
  REPLICA_SETS,
  REPLICATION_CONTROLLERS,
  SERVICES,
  STATEFUL_SETS,
} from "../../kube/kinds.ts";
import type { KubernetesObject, LabelSelector, ResourceKind } from "../../kube/resource.ts";
import { type StatKind, statKind } from "../../mesh/api.ts";
import { MeshFailure } from "../../mesh/error.ts";
import { CONTROL_PLANE_NS_LABEL } from "../../mesh/labels.ts";
import { PROXY_CONTAINER } from "../../mesh/names.ts";
import { usageFailure } from "../failure.ts";

const KINDS: Partial<Record<StatKind, ResourceKind<KubernetesObject>>> = {
  deployment: DEPLOYMENTS,
  statefulset: STATEFUL_SETS,
  daemonset: DAEMON_SETS,
  replicaset: REPLICA_SETS,
  replicationcontroller: REPLICATION_CONTROLLERS,
  job: JOBS,
  cronjob: CRON_JOBS,
  service: SERVICES,
};

function podNotFound(what: string, namespace: string): MeshFailure {
  return new MeshFailure({
    code: "pod-not-found",
    source: "cluster",
    detail: `${what} has no pods with a proxy in namespace ${namespace}`,
    remedy: "name its namespace with -n; linkerd stat pod -A lists pods",
  });
}

export function isMeshed(pod: Pod): boolean {
  return pod.metadata?.labels?.[CONTROL_PLANE_NS_LABEL] !== undefined;
}

/** `a=b,c in (d,e)`: a workload's selector as a list is asked for. */
function selectorText(selector: LabelSelector | Record<string, string>): string {
  const { matchLabels, matchExpressions } = selector as LabelSelector;
  const isPlain = matchLabels === undefined && matchExpressions === undefined;
  const equals = Object.entries(isPlain ? selector as Record<string, string> : matchLabels ?? {})
    .map(([label, value]) => `${label}=${value}`);
  const others = (matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === "Exists") return key;
    if (operator === "DoesNotExist") return `!${key}`;
    return `${key} ${operator === "In" ? "in" : "notin"} (${values.join(",")})`;
  });
  return [...equals, ...others].join(",");
}

/** Meshed pods of `KIND/NAME`, or one pod by `pod/NAME` or its bare name. @throws MeshFailure when there are none */
export async function podsOf(client: KubeClient, resource: string, namespace: string): Promise<Pod[]> {
  const slash = resource.indexOf("/"), name = resource.slice(slash + 1);
  const kind = slash < 0 ? "pod" : statKind(resource.slice(0, slash));
  if (kind === "namespace") return await meshedPods(client, name);
  if (kind === "pod") {
    const pod = await client.get(PODS, name, namespace).catch((error) => {
      if (isNotFound(error)) throw podNotFound(`pod/${name}`, namespace);
      throw error;
    });
    if (!isMeshed(pod)) throw podNotFound(`pod/${name}`, namespace);
    return [pod];
  }
  const known = kind === undefined ? undefined : KINDS[kind];
  if (known === undefined) {
    throw usageFailure(
      "kind-unknown",
      `${resource}: there are no pods of this kind`,
      "write deploy/NAME or pod/NAME",
    );
  }
  const owner = await client.get(known, name, namespace) as { spec?: { selector?: LabelSelector } };
  const pods = owner.spec?.selector === undefined
    ? []
    : await meshedPods(client, namespace, selectorText(owner.spec.selector));
  if (pods.length === 0) throw podNotFound(resource, namespace);
  return pods;
}

/** Meshed pods of a namespace that run, in the order of their names. */
export async function meshedPods(
  client: KubeClient,
  namespace: string,
  labelSelector?: string,
): Promise<Pod[]> {
  const { items } = await client.list(PODS, {
    namespace,
    ...(labelSelector === undefined || labelSelector === "" ? {} : { labelSelector }),
  });
  return items.filter((pod) => isMeshed(pod) && pod.status?.phase === "Running")
    .sort((a, b) => a.metadata!.name! < b.metadata!.name! ? -1 : 1);
}

export interface AdminPort {
  readonly container: string;
  readonly port: number;
}

/** Ports that answer /metrics: the proxy's, and those of the control plane's own containers. */
export function adminPorts(pod: Pod): AdminPort[] {
  return [...pod.spec?.initContainers ?? [], ...pod.spec?.containers ?? []].flatMap(({ name, ports = [] }) =>
    ports.filter((port) => /(^|-)admin(-http)?$/.test(port.name ?? ""))
      .map(({ containerPort }) => ({ container: name, port: containerPort }))
  );
}

export function proxyAdminPort(pod: Pod): number {
  return adminPorts(pod).find(({ container }) => container === PROXY_CONTAINER)?.port ?? 4191;
}

/** GET of an admin port. @throws KubeError with what stood in the way */
export async function getAdmin(
  client: KubeClient,
  pod: Pod,
  port: number,
  path: string,
  timeoutMs: number,
): Promise<string> {
  const { name, namespace } = pod.metadata!;
  const response = await client.raw(
    "GET",
    `/api/v1/namespaces/${namespace}/pods/${name}:${port}/proxy${path}`,
    {
      signal: AbortSignal.timeout(timeoutMs),
      headers: { accept: "*/*" },
    },
  );
  const text = await response.text();
  if (!response.ok) throw KubeError.from(response.status, text);
  return text;
}
