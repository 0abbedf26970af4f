/** A ServiceProfile on both sides: what its routes took is told as servers saw it, and as their clients did. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { KubernetesObject } from "../../../src/kube/resource.ts";
import { isolationObstacle } from "../../../src/linux/unshare.ts";
import { kubeconfigOf, runLinkerd } from "../linkerd.ts";
import { SHOP, startMeshedShop } from "../meshed_shop.ts";
import { until } from "../until.ts";
import { apply } from "./cluster.ts";

const obstacle = isolationObstacle();
if (obstacle !== undefined) console.log(`the end-to-end test of ServiceProfiles is skipped: ${obstacle}`);

interface Told {
  readonly route: string;
  readonly authority: string;
  readonly effective_success: number | null;
  readonly actual_success: number | null;
}

const PROFILE = {
  apiVersion: "linkerd.io/v1alpha2",
  kind: "ServiceProfile",
  metadata: { name: "payment.shop.svc.cluster.local", namespace: SHOP },
  spec: {
    routes: [{ name: "POST /pay", condition: { method: "POST", pathRegex: "/pay" }, isRetryable: true }],
    retryBudget: { retryRatio: 0.5, minRetriesPerSecond: 20, ttl: "10s" },
  },
} as unknown as KubernetesObject;

Deno.test({
  name: "a ServiceProfile's routes are told by both sides, and its retries save what its clients see",
  ignore: obstacle !== undefined,
  async fn() {
    const cluster = await startMeshedShop();
    try {
      await apply(cluster, [PROFILE]);
      const kubeconfig = kubeconfigOf(cluster);
      const told = async (...words: string[]): Promise<readonly Told[]> => {
        const options = ["-n", SHOP, "-t", "10s", "-o", "json"];
        const { stdout, stderr, code } = await runLinkerd(kubeconfig, ["routes", ...words, ...options]);
        equal(code, 0, stderr);
        return Object.values(JSON.parse(stdout || "{}") as Record<string, readonly Told[]>).flat();
      };
      const client = await until(
        "the client's side retries and tells so",
        async () =>
          (await told("deploy/web", "--to", "svc/payment")).find(({ route }) => route === "POST /pay"),
        (row) => row?.effective_success === 1 && row.actual_success !== null && row.actual_success < 1,
      );
      ok(client!.actual_success! > 0.8, "one payment in ten fails");
      const servers = await until(
        "the server's side tells the route",
        () => told("deploy/payment"),
        (rows) =>
          rows.some(({ route, effective_success: success }) => route === "POST /pay" && success !== null),
      );
      deepEqual([...new Set(servers.map(({ authority }) => authority))], [
        "payment.shop.svc.cluster.local:80",
      ]);
      const served = servers.find(({ route }) => route === "POST /pay")!;
      ok(served.effective_success! < 1 && served.actual_success === null, "failures are the server's own");
    } finally {
      await cluster.stop();
    }
  },
});
