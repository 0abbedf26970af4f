/** `linkerd stat`: what was counted for each resource. */
import type { ResourceName, StatQuery, StatResponse, StatRow } from "../../../mesh/api.ts";
import { compare } from "../inventory.ts";
import { badRequest, coveredMs, type StatisticsContext, windowOf } from "./context.ts";
import { allOf, byResource, requestStats, tcpStats } from "./rows.ts";
import { podGroups, selectionOf } from "./selection.ts";

/** Golden metrics of every resource of a kind. */
export function stat(context: StatisticsContext, query: StatQuery): StatResponse {
  const windowMs = windowOf(context, query.window, "1m");
  if (query.to !== undefined && query.from !== undefined) {
    throw badRequest("to-and-from", "to and from exclude each other");
  }
  const at = context.now();
  const covered = coveredMs(context, windowMs, at);
  const selection = selectionOf(context, query);
  const { namespace, name } = selection;
  const shape = {
    select: `${namespace} AS namespace, ${name} AS name, f.kind AS flowKind`,
    ...allOf(selection.conditions),
    group: "1, 2, 3",
  };
  const sums = byResource(context.store.sum({ from: at - windowMs, until: at }, shape));
  const totals = byResource(context.store.totals(shape));
  const found = new Map<string, ResourceName>();
  const note = (resource: ResourceName) => found.set(`${resource.namespace}/${resource.name}`, resource);
  for (const key of totals.keys()) {
    const [ns, ...rest] = key.split("/");
    note({ kind: query.kind, namespace: ns!, name: rest.join("/") });
  }
  const isPeerFiltered = query.to !== undefined || query.from !== undefined;
  const groups = podGroups(context, query);
  // What exists is shown although nothing was counted, unless only traffic to or from something is asked for.
  for (const group of groups.values()) if (!isPeerFiltered) note(group.resource);
  if (query.kind === "service" && !isPeerFiltered) {
    for (const service of context.inventory.services(query.namespace)) {
      if (query.name === undefined || query.name === service.name) note({ kind: "service", ...service });
    }
  }
  const seconds = covered / 1000;
  const rows = [...found].map(([key, resource]): StatRow => {
    const total = totals.get(key);
    const http = total?.get("http");
    const tcp = total?.get("tcp");
    const group = groups.get(key);
    return {
      resource,
      ...(group === undefined ? {} : {
        meshedPods: group.meshed,
        runningPods: group.running,
        failedPods: group.failed,
        ...(query.kind === "pod" ? { status: group.status } : {}),
      }),
      ...(http === undefined ? {} : { requests: requestStats(sums.get(key)?.get("http"), seconds) }),
      ...(tcp === undefined
        ? {}
        : { tcp: tcpStats(sums.get(key)?.get("tcp"), Number(tcp.openNow), seconds) }),
      total: { success: Number(http?.totalSuccess ?? 0), failure: Number(http?.totalFailure ?? 0) },
    };
  });
  const isKnown = (row: StatRow) =>
    // A workload that is gone is shown as long as its figures lie in the window.
    row.meshedPods !== undefined || query.kind === "service" || query.kind === "authority" ||
    (row.requests !== undefined && row.requests.success + row.requests.failure > 0);
  rows.sort((left, right) =>
    compare(left.resource.namespace, right.resource.namespace) ||
    compare(left.resource.name, right.resource.name)
  );
  return { at, windowMs, coveredMs: covered, rows: rows.filter(isKnown) };
}
