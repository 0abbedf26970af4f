import { equal, ok } from "node:assert/strict";
import { DEPLOYMENTS, PODS, REPLICA_SETS } from "../../kube/kinds.ts";
import { until, withCluster } from "./test_cluster.ts";

Deno.test("a ReplicaSet whose pods are refused tries again ever more rarely, and goes on once they are allowed", () =>
  withCluster(async (cluster) => {
    const { client, server } = cluster;
    let writes = 0;
    const stop = server.onChange(({ resource }) => {
      if (resource.includes("replicasets")) writes++;
    });
    await client.create(DEPLOYMENTS, {
      metadata: { name: "web", namespace: "default" },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: "web" } },
        template: {
          metadata: { labels: { app: "web" } },
          spec: { serviceAccountName: "late", containers: [{ name: "web", image: "web:1" }] },
        },
      },
    });
    await until(cluster, "the refusal is told", async () => {
      const { items } = await client.list(REPLICA_SETS, { namespace: "default" });
      return items[0]?.status?.conditions?.some(({ type }) => type === "ReplicaFailure") ?? false;
    });
    await new Promise((done) => setTimeout(done, 300));
    stop();
    ok(writes < 10, `${writes} writes of one refusal`);
    await client.raw("POST", "/api/v1/namespaces/default/serviceaccounts", {
      body: { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "late" } },
    });
    await until(cluster, "the pod is made", async () => {
      return (await client.list(PODS, { namespace: "default" })).items.length === 1;
    });
    equal((await client.list(PODS, { namespace: "default" })).items.length, 1);
  }, { expected: /late/ }));
