/** Whether the mesh counted what the load generator counted, by its API and by its command line; and how secure it is. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { getJson } from "../../src/kube/service_proxy.ts";
import type { Cluster } from "../../src/local/cluster/cluster.ts";
import {
  apiPath,
  type EdgesResponse,
  type StatKind,
  type StatResponse,
  type StatusResponse,
} from "../../src/mesh/api.ts";
import { kubeconfigOf, runLinkerd } from "./linkerd.ts";
import { type Counts, MESH, SHOP } from "./meshed_shop.ts";
import { until } from "./until.ts";

const METRICS_API = { namespace: MESH, name: "metrics-api", port: 8080 };
/** The requirement: 1 %. */
const TOLERANCE = 0.01;

interface Total {
  readonly success: number;
  readonly failure: number;
}

/** @param slack what may have been counted on top: requests before the first that counted */
function isNear(counted: number, expected: number, slack = 0): boolean {
  return counted >= expected * (1 - TOLERANCE) && counted <= (expected + slack) * (1 + TOLERANCE);
}

async function totalOf({ client }: Cluster, kind: StatKind, name: string): Promise<Total> {
  const path = apiPath("/api/v1/stat", { kind, namespace: SHOP, name, window: "5m" });
  const { rows } = await getJson<StatResponse>(client, METRICS_API, path);
  return rows[0]?.total ?? { success: 0, failure: 0 };
}

async function commandLineTotal(cluster: Cluster, resource: string): Promise<Total> {
  const { code, stdout, stderr } = await runLinkerd(kubeconfigOf(cluster), [
    "stat",
    resource,
    "-n",
    SHOP,
    "-t",
    "5m",
    "-o",
    "json",
  ]);
  equal(code, 0, stderr);
  const [row] = JSON.parse(stdout) as { total_success: number; total_failure: number }[];
  return { success: row?.total_success ?? 0, failure: row?.total_failure ?? 0 };
}

/**
 * Holds the mesh's totals against the load's: the front as its own proxy counted it and as its client's did, and the
 * payments. @throws Error or AssertionError
 */
export async function expectAgreement(cluster: Cluster, counts: Counts): Promise<void> {
  const paid = Object.values(counts.purchases).reduce((sum, count) => sum + count, 0);
  const fronts: readonly (readonly [StatKind, string, number, number])[] = [
    ["deployment", "web", counts.requests, counts.statuses["503"] ?? 0],
    ["service", "web", counts.requests, counts.statuses["503"] ?? 0],
    ["deployment", "payment", paid, counts.purchases["503"] ?? 0],
  ];
  for (const [kind, name, requests, failures] of fronts) {
    const what = `${kind}/${name} counted ${requests} requests, ${failures} of them failed`;
    const isAgreed = ({ success, failure }: Total) =>
      isNear(success + failure, requests, counts.warmUps) &&
      Math.abs(failure - failures) <= requests * TOLERANCE;
    await until(`the API: ${what}`, () => totalOf(cluster, kind, name), isAgreed, 15_000);
    const told = await commandLineTotal(cluster, `${kind}/${name}`);
    ok(isAgreed(told), `linkerd stat: ${what}; it says ${JSON.stringify(told)}`);
  }
}

/** The control plane knows until when its certificates hold. @throws Error or AssertionError */
export async function expectCertificateEnds({ client }: Cluster): Promise<void> {
  const { certificates = [] } = await until(
    "the API says when issuer and trust anchor end",
    () => getJson<StatusResponse>(client, METRICS_API, "/api/v1/status"),
    ({ certificates = [] }) => certificates.length > 0,
    15_000,
  );
  deepEqual(certificates.map(({ use }) => use), ["issuer", "anchor"]);
  ok(certificates.every(({ validUntil }) => validUntil > Date.now()), JSON.stringify(certificates));
}

/** @throws AssertionError that names each edge that is not mutual TLS */
export async function expectMutualTls({ client }: Cluster): Promise<void> {
  const path = apiPath("/api/v1/edges", { kind: "deployment", namespace: SHOP, window: "5m" });
  const { edges } = await getJson<EdgesResponse>(client, METRICS_API, path);
  ok(edges.length >= 6, `${edges.length} edges`);
  const plain = edges.filter(({ isMtls }) => !isMtls);
  const names = plain.map(({ source, destination }) => `${source.name}→${destination.name}`);
  equal(names.length, 0, `not mutual TLS: ${names.join(", ")}`);
}
