/** `linkerd stat`: what the mesh counted, by Linkerd's columns. Source: cli.md §3.2. */
import type { StatKind, StatQuery, StatResponse, StatRow } from "../../mesh/api.ts";
import { formatJson } from "../../mesh/table.ts";
import type { Environment } from "../environment.ts";
import { usageFailure } from "../failure.ts";
import type { GlobalOptions } from "../global_options.ts";
import { type MetricsApi, openMetricsApi } from "../metrics_api.ts";
import { formatPolicies, policyRecord, readPolicies } from "./policies.ts";
import {
  isPolicy,
  parseResource,
  parseSubjects,
  type ResourceArgument,
  selectionOf,
  type Subject,
} from "./resources.ts";
import { formatStat, statRecord } from "./rows.ts";

export interface StatOptions {
  readonly namespace?: string;
  readonly allNamespaces: boolean;
  readonly timeWindow: string;
  readonly selector?: string;
  readonly to?: string;
  readonly toNamespace?: string;
  readonly from?: string;
  readonly fromNamespace?: string;
  readonly output: "table" | "wide" | "json";
}

interface Peers {
  readonly to?: ResourceArgument;
  readonly from?: ResourceArgument;
}

/** @throws MeshFailure for peers that do not go together with what is asked for, or with each other */
function peersOf(resources: readonly string[], options: StatOptions): Peers {
  if (options.to !== undefined && options.from !== undefined) {
    throw usageFailure("to-and-from", "--to and --from exclude each other", "ask twice");
  }
  const given = options.to ?? options.from;
  if (given === undefined) return {};
  const flag = options.to === undefined ? "--from" : "--to", peer = parseResource(given);
  if (resources.includes("all")) {
    throw usageFailure("peer-of-all", `${flag} does not go with all`, "name the kinds");
  }
  if (flag === "--from" && (peer.kind === "service" || peer.kind === "authority")) {
    throw usageFailure("peer-invalid", `--from ${given}: a ${peer.kind} sends nothing`, "name a workload");
  }
  if (peer.name === undefined) {
    throw usageFailure("peer-unnamed", `${flag} ${given}: which one?`, `write ${flag} ${given}/NAME`);
  }
  return options.to === undefined ? { from: peer } : { to: peer };
}

function queryFor(
  resource: ResourceArgument,
  { to, from }: Peers,
  options: StatOptions,
  namespace: string | undefined,
): StatQuery {
  const fields = {
    ...selectionOf(resource, options, namespace),
    toKind: to?.kind,
    to: to?.name,
    toNamespace: options.toNamespace,
    fromKind: from?.kind,
    from: from?.name,
    fromNamespace: options.fromNamespace,
  };
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as unknown as StatQuery;
}

async function readRows(
  api: MetricsApi,
  resources: readonly ResourceArgument[],
  peers: Peers,
  options: StatOptions,
  namespace: string | undefined,
): Promise<Map<StatKind, StatRow[]>> {
  const answers = await Promise.all(resources.map(async (resource) => ({
    kind: resource.kind,
    ...await api.get<StatResponse>("/api/v1/stat", queryFor(resource, peers, options, namespace)),
  })));
  const rows = new Map<StatKind, StatRow[]>();
  for (const answer of answers) rows.set(answer.kind, [...rows.get(answer.kind) ?? [], ...answer.rows]);
  return rows;
}

/** @throws MeshFailure for flags that say nothing of policies */
function refuseForPolicies(policies: readonly Subject[], { to, from, selector }: StatOptions): void {
  const flag = to !== undefined ? "--to" : from !== undefined ? "--from" : selector !== undefined ? "-l" : "";
  const [policy] = policies;
  if (policy === undefined || flag === "") return;
  throw usageFailure(
    "flag-of-workloads",
    `${flag} does not go with ${policy.kind}`,
    "ask for workloads with it",
  );
}

export async function stat(
  words: readonly string[],
  options: StatOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  const subjects = parseSubjects(words),
    policies = subjects.filter(isPolicy),
    peers = peersOf(words, options);
  const resources = subjects.filter((subject): subject is ResourceArgument => !isPolicy(subject));
  refuseForPolicies(policies, options);
  const named = subjects.find(({ kind, name }) => name !== undefined && kind !== "namespace");
  if (options.allNamespaces && named !== undefined) {
    throw usageFailure(
      "name-in-all-namespaces",
      `${named.kind}/${named.name}: a name is looked for in one namespace`,
      "leave out --all-namespaces, or the name",
    );
  }
  const api = await openMetricsApi(global, environment);
  try {
    const namespace = options.allNamespaces ? undefined : options.namespace ?? api.namespace;
    const rows = await readRows(api, resources, peers, options, namespace);
    const byPolicy = await readPolicies(api, policies, namespace, options.timeWindow);
    if (options.output === "json") {
      const records = [...byPolicy].flatMap(([kind, found]) => found.map((row) => policyRecord(kind, row)));
      return environment.print(formatJson([...[...rows.values()].flat().map(statRecord), ...records]));
    }
    const isOneOfSeveral = rows.size + byPolicy.size > 1;
    const tables = [...rows].filter(([, found]) => found.length > 0).map(([kind, found]) =>
      formatStat(kind, found, {
        hasNamespace: options.allNamespaces && kind !== "namespace",
        isWide: options.output === "wide",
        isOneOfSeveral,
      })
    );
    for (const [kind, found] of byPolicy) {
      if (found.length === 0) continue;
      tables.push(formatPolicies(kind, found, { hasNamespace: options.allNamespaces, isOneOfSeveral }));
    }
    if (tables.length === 0) return environment.tell("No traffic found.\n");
    environment.print(tables.join("\n"));
  } finally {
    api.close();
  }
}
