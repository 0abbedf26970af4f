/** Which flows and which pods a query is about. */
import type { ResourceName, StatKind, StatQuery } from "../../../mesh/api.ts";
import type { RoutesQuery } from "../../../mesh/route_api.ts";
import type { PodRecord } from "../inventory.ts";
import { badRequest, type StatisticsContext } from "./context.ts";
import { given } from "../parameters.ts";
import { columns, type Condition } from "./rows.ts";

/** Which side of the proxies tells: the client's where its peer is asked about, or what is no workload. */
function directionOf({ kind, to, from }: StatQuery): Condition {
  const isOutbound = to !== undefined || from !== undefined || kind === "service" || kind === "authority";
  return { sql: "f.direction = ?", parameters: [isOutbound ? "outbound" : "inbound"] };
}

/** The flows a query is about, and the columns its rows are named by. */
export function selectionOf(
  context: StatisticsContext,
  query: StatQuery,
  conditions: Condition[] = [directionOf(query)],
): { namespace: string; name: string; conditions: Condition[] } {
  const isPeerView = query.from !== undefined;
  const side = isPeerView ? "peer" : "own";
  const own = columns(query.kind, side);
  conditions.push(own.condition);
  const restrict = (sql: string, value: string | undefined) => {
    if (value !== undefined && value !== "") conditions.push({ sql: `${sql} = ?`, parameters: [value] });
  };
  restrict(query.kind === "namespace" ? own.name : own.namespace, query.namespace);
  restrict(own.name, query.name);
  const peer = (
    kind: StatKind | undefined,
    name: string | undefined,
    namespace: string | undefined,
    peerSide: "own" | "peer",
  ) => {
    if (name === undefined) return;
    const peerColumns = columns(kind ?? "deployment", peerSide);
    conditions.push(peerColumns.condition);
    restrict(peerColumns.name, name);
    if (kind !== "namespace") restrict(peerColumns.namespace, namespace ?? query.namespace);
  };
  peer(query.toKind, query.to, query.toNamespace, "peer");
  peer(query.fromKind, query.from, query.fromNamespace, "own");
  if (query.labels !== undefined && query.labels !== "") {
    const pods = podsOf(context, query);
    conditions.push({
      sql: pods.length === 0 ? "0" : `(f.namespace || '/' || f.pod) IN (${pods.map(() => "?").join(", ")})`,
      parameters: pods.map((pod) => `${pod.namespace}/${pod.name}`),
    });
  }
  return { namespace: own.namespace, name: own.name, conditions };
}

/** The route flows of the workloads that a query is about, and the columns its rows are named by. */
export function routeSelection(
  context: StatisticsContext,
  query: RoutesQuery,
): { namespace: string; name: string; conditions: Condition[] } {
  const { kind, namespace, name, labels } = query;
  if (kind === "service" || kind === "authority") {
    throw badRequest(
      "kind-unsuitable",
      `routes are told by workload, not by ${kind}`,
      "ask for deploy, ns or po",
    );
  }
  return selectionOf(context, given<StatQuery>({ kind, namespace, name, labels }), []);
}

export function podsOf(
  context: StatisticsContext,
  query: Pick<StatQuery, "kind" | "namespace" | "name" | "labels">,
): PodRecord[] {
  const namespace = query.kind === "namespace" ? query.name ?? query.namespace : query.namespace;
  try {
    return context.inventory.pods({ namespace, labels: query.labels });
  } catch (error) {
    throw badRequest("selector-invalid", `not a label selector: ${query.labels} (${error})`);
  }
}

/** Pods of each resource of the kind asked for, whether there was traffic or not. */
export function podGroups(context: StatisticsContext, query: StatQuery) {
  const groups = new Map<
    string,
    { resource: ResourceName; meshed: number; running: number; failed: number; status: string }
  >();
  if (query.kind === "service" || query.kind === "authority") return groups;
  for (const pod of podsOf(context, query)) {
    const resource = resourceOf(pod, query.kind);
    if (resource === undefined || (query.name !== undefined && query.name !== resource.name)) continue;
    const key = `${resource.namespace}/${resource.name}`;
    let group = groups.get(key);
    if (group === undefined) {
      groups.set(key, group = { resource, meshed: 0, running: 0, failed: 0, status: pod.status });
    }
    group.running++;
    if (pod.isMeshed) group.meshed++;
    if (pod.status !== pod.phase && pod.status !== "Terminating") group.failed++;
  }
  if (query.kind === "namespace" && (query.labels ?? "") === "") {
    for (const { name } of context.inventory.namespaces()) {
      const isAsked = (query.name ?? query.namespace ?? name) === name;
      if (!isAsked || groups.has(`/${name}`)) continue;
      const resource = { kind: "namespace" as const, namespace: "", name };
      groups.set(`/${name}`, { resource, meshed: 0, running: 0, failed: 0, status: "" });
    }
  }
  return groups;
}

/** The resource of a kind that a pod belongs to; undefined when it belongs to none. */
export function resourceOf(pod: PodRecord, kind: StatKind): ResourceName | undefined {
  if (kind === "namespace") return { kind, namespace: "", name: pod.namespace };
  if (kind === "pod") return { kind, namespace: pod.namespace, name: pod.name };
  return pod.workloadKind === kind ? { kind, namespace: pod.namespace, name: pod.workload } : undefined;
}
