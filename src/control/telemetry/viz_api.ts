/** The same answers as linkerd2.viz.Api over gRPC, for Linkerd's own tools. Gateways is not served. */
import type {
  ApiDefinition,
  EdgesResponse,
  ListPodsResponse,
  Pod,
  Resource,
  ResourceSelection,
  StatSummaryRequest,
  StatSummaryResponse,
  StatTable_PodGroup_Row,
} from "../../../proto/gen/viz.ts";
import { CheckStatus } from "../../../proto/gen/viz.ts";
import type { StatKind, StatQuery } from "../../mesh/api.ts";
import type { Handlers } from "../grpc/server.ts";
import { Code, RpcError } from "../grpc/status.ts";
import { toDuration } from "../wire/time.ts";
import type { StatisticsContext } from "./answers/context.ts";
import { edges } from "./answers/edges.ts";
import { stat } from "./answers/stat.ts";
import type { PodRecord } from "./inventory.ts";
import { authz, topRoutes } from "./viz_routes.ts";
import { asRpc, basicStats, kindOf, optional, resource } from "./viz_values.ts";

/** Kinds that `all` stands for. */
const ALL: readonly StatKind[] = [
  "cronjob",
  "daemonset",
  "deployment",
  "job",
  "pod",
  "replicaset",
  "replicationcontroller",
  "statefulset",
];

function statQuery(request: StatSummaryRequest, kind: StatKind): StatQuery {
  const selected = request.selector?.resource;
  const peer = (name: "to" | "from", other: Resource) => ({
    ...(other.type === "" ? {} : { [`${name}Kind`]: kindOf(other.type) }),
    [name]: other.name,
    ...(other.namespace === "" ? {} : { [`${name}Namespace`]: other.namespace }),
  });
  const fields: { [K in keyof StatQuery]?: StatQuery[K] | undefined } = {
    kind,
    namespace: optional(selected?.namespace),
    name: optional(selected?.name),
    labels: optional(request.selector?.labelSelector),
    window: optional(request.timeWindow),
    ...(request.outbound?.$case === "toResource" ? peer("to", request.outbound.value) : {}),
    ...(request.outbound?.$case === "fromResource" ? peer("from", request.outbound.value) : {}),
  };
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as unknown as StatQuery;
}

function statSummary(context: StatisticsContext, request: StatSummaryRequest): StatSummaryResponse {
  const type = request.selector?.resource?.type ?? "";
  const kinds = type === "all" ? ALL : [kindOf(type)];
  const statTables = kinds.map((kind) => {
    const answer = asRpc(() => stat(context, statQuery(request, kind)));
    const rows = answer.rows.map((row): StatTable_PodGroup_Row => ({
      resource: resource(row.resource),
      timeWindow: request.timeWindow,
      status: row.status ?? "",
      meshedPodCount: BigInt(row.meshedPods ?? 0),
      runningPodCount: BigInt(row.runningPods ?? 0),
      failedPodCount: BigInt(row.failedPods ?? 0),
      stats: request.skipStats || row.requests === undefined ? undefined : basicStats(row.requests),
      tcpStats: !request.tcpStats || row.tcp === undefined ? undefined : {
        openConnections: BigInt(row.tcp.openConnections),
        readBytesTotal: BigInt(Math.round(row.tcp.readBytesPerSecond * answer.coveredMs / 1000)),
        writeBytesTotal: BigInt(Math.round(row.tcp.writeBytesPerSecond * answer.coveredMs / 1000)),
      },
      tsStats: undefined,
      srvStats: undefined,
      errorsByPod: {},
    }));
    return { table: { $case: "podGroup" as const, value: { rows } } };
  });
  return { response: { $case: "ok", value: { statTables } } };
}

function vizEdges(context: StatisticsContext, selector: ResourceSelection | undefined): EdgesResponse {
  const kind = kindOf(selector?.resource?.type || "deployment");
  const namespace = selector?.resource?.namespace;
  const found = asRpc(() =>
    edges(context, { kind, ...(namespace === undefined || namespace === "" ? {} : { namespace }) })
  );
  return {
    response: {
      $case: "ok",
      value: {
        edges: found.edges.map((edge) => ({
          src: resource(edge.source),
          dst: resource(edge.destination),
          clientId: edge.clientId,
          serverId: edge.serverId,
          noIdentityMsg: edge.noTlsReason,
        })),
      },
    },
  };
}

const OWNERS: Readonly<Record<string, NonNullable<Pod["owner"]>["$case"]>> = {
  deployment: "deployment",
  replicaset: "replicaSet",
  replicationcontroller: "replicationController",
  statefulset: "statefulSet",
  daemonset: "daemonSet",
  job: "job",
};

function vizPod(context: StatisticsContext, pod: PodRecord): Pod {
  const now = context.now();
  const scraped = context.scraper.stateOf(pod.namespace, pod.name)?.lastSuccessAt ?? 0;
  const owner = OWNERS[pod.workloadKind];
  return {
    name: `${pod.namespace}/${pod.name}`,
    podIP: pod.ip,
    owner: owner === undefined
      ? undefined
      : { $case: owner, value: `${pod.namespace}/${pod.workload}` } as NonNullable<Pod["owner"]>,
    status: pod.status,
    added: pod.isMeshed,
    sinceLastReport: scraped === 0 ? undefined : toDuration(now - scraped),
    controllerNamespace: pod.labels["linkerd.io/control-plane-ns"] ?? "",
    controlPlane: pod.isControlPlane,
    uptime: pod.startedAt === 0 ? undefined : toDuration(now - pod.startedAt),
    proxyReady: pod.isProxyReady,
    proxyVersion: pod.proxyVersion,
    resourceVersion: pod.resourceVersion,
  };
}

function listPods(context: StatisticsContext, selector: ResourceSelection | undefined): ListPodsResponse {
  const wanted = selector?.resource;
  const kind = wanted?.type === undefined || wanted.type === "" ? undefined : kindOf(wanted.type);
  const namespace = kind === "namespace" ? wanted?.name : wanted?.namespace;
  const pods = context.inventory.pods({
    namespace: namespace === "" ? undefined : namespace,
    labels: selector?.labelSelector,
  }).filter((pod) => {
    if (kind === undefined || kind === "namespace" || (wanted?.name ?? "") === "") return true;
    return kind === "pod"
      ? pod.name === wanted?.name
      : pod.workloadKind === kind && pod.workload === wanted?.name;
  });
  return { pods: pods.map((pod) => vizPod(context, pod)) };
}

export function vizHandlers(context: StatisticsContext): Handlers<typeof ApiDefinition> {
  return {
    statSummary: (request) => statSummary(context, request),
    edges: (request) => vizEdges(context, request.selector),
    listPods: (request) => listPods(context, request.selector),
    listServices: (request) => ({
      services: context.inventory.services(request.namespace === "" ? undefined : request.namespace),
    }),
    selfCheck: () => {
      const { targets, failing } = context.scraper.counts();
      const waiting = context.inventory.waitingFor();
      return {
        results: [{
          SubsystemName: "kubernetes",
          CheckDescription: "control plane can talk to Kubernetes",
          Status: waiting.length === 0 ? CheckStatus.OK : CheckStatus.FAIL,
          FriendlyMessageToUser: waiting.length === 0 ? "" : `waiting for ${waiting.join(", ")}`,
        }, {
          SubsystemName: "metrics",
          CheckDescription: "control plane can scrape the proxies",
          Status: failing === 0 ? CheckStatus.OK : CheckStatus.FAIL,
          FriendlyMessageToUser: failing === 0 ? "" : `${failing} of ${targets} proxies do not answer`,
        }],
      };
    },
    gateways: () => {
      throw new RpcError(Code.unimplemented, "Gateways is not served");
    },
    topRoutes: (request) => topRoutes(context, request),
    authz: (request) => authz(context, request),
  };
}
