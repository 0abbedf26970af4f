import assert from "node:assert/strict";
import { isNotFound } from "../../kube/client.ts";
import {
  CONFIG_MAPS,
  DAEMON_SETS,
  type Deployment,
  DEPLOYMENTS,
  ENDPOINT_SLICES,
  ENDPOINTS,
  EVENTS,
  JOBS,
  NAMESPACES,
  NODES,
  type Pod,
  PODS,
  REPLICA_SETS,
  SERVICE_ACCOUNTS,
  SERVICES,
  STATEFUL_SETS,
} from "../../kube/kinds.ts";
import { readyStatus, type TestCluster, until, withCluster } from "./test_cluster.ts";

function deployment(replicas: number, image = "web:1"): Deployment {
  return {
    metadata: { name: "web", namespace: "default" },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image, ports: [{ name: "http", containerPort: 8080 }] }] },
      },
    },
  };
}

async function pods({ client }: TestCluster): Promise<Pod[]> {
  return (await client.list(PODS, { namespace: "default" })).items;
}

async function isRolledOut({ client }: TestCluster, replicas: number): Promise<boolean> {
  const { status, metadata } = await client.get(DEPLOYMENTS, "web", "default");
  return status?.observedGeneration === metadata!.generation && status?.updatedReplicas === replicas &&
    status?.availableReplicas === replicas && status?.replicas === replicas;
}

Deno.test("a namespace comes with its account and the cluster's certificate authority", () =>
  withCluster(async (cluster) => {
    await cluster.client.create(NAMESPACES, { metadata: { name: "shop" } });
    await until(cluster, "the namespace is furnished", async () => {
      const maps = await cluster.client.list(CONFIG_MAPS, { namespace: "shop" });
      return maps.items.some(({ data }) => data?.["ca.crt"] === cluster.server.caBundle);
    });
    await cluster.client.get(SERVICE_ACCOUNTS, "default", "shop");
  }));

Deno.test("a deleted namespace is emptied and goes, and takes nothing new meanwhile", () =>
  withCluster(async (cluster) => {
    const { client } = cluster;
    await client.create(NAMESPACES, { metadata: { name: "shop" } });
    await client.create(CONFIG_MAPS, {
      metadata: { name: "held", namespace: "shop", finalizers: ["example.com/wait"] },
    });
    await client.delete(NAMESPACES, "shop");
    assert.equal((await client.get(NAMESPACES, "shop")).status!.phase, "Terminating");
    await assert.rejects(
      client.create(CONFIG_MAPS, { metadata: { name: "late", namespace: "shop" } }),
      /because it is being terminated/,
    );
    await client.patch(CONFIG_MAPS, "held", "shop", { metadata: { finalizers: null } }, { type: "merge" });
    await until(
      cluster,
      "the namespace is gone",
      () => client.get(NAMESPACES, "shop").then(() => false, isNotFound),
    );
    assert.equal((await client.list(CONFIG_MAPS, { namespace: "shop" })).items.length, 0);
  }));

Deno.test("a Deployment's pods are there within 250 ms", () =>
  withCluster(async (cluster) => {
    const start = performance.now();
    await cluster.client.create(DEPLOYMENTS, deployment(3));
    await until(cluster, "three pods are there", async () => (await pods(cluster)).length === 3);
    const took = performance.now() - start;
    await until(cluster, "it is rolled out", () => isRolledOut(cluster, 3));
    assert.ok(took < 250, `took ${took.toFixed(1)} ms`);
    const [pod] = await pods(cluster);
    assert.match(pod!.metadata!.name!, /^web-[a-z0-9]+-[a-z0-9]{5}$/);
    assert.equal(pod!.spec!.nodeName, "laptop");
    const mounts = pod!.spec!.containers[0]!.volumeMounts!.map(({ mountPath }) => mountPath);
    assert.deepEqual(mounts, ["/var/run/secrets/kubernetes.io/serviceaccount"]);
  }));

Deno.test("a rolling update never has fewer available or more pods than its bounds", () =>
  withCluster(async (cluster) => {
    const { client, server } = cluster;
    const object = deployment(4);
    object.spec!.strategy = {
      type: "RollingUpdate",
      rollingUpdate: { maxSurge: 1, maxUnavailable: 1 },
    };
    await client.create(DEPLOYMENTS, object);
    await until(cluster, "it is rolled out", () => isRolledOut(cluster, 4));
    let most = 0;
    let fewest = Infinity;
    const unlisten = server.onChange(() => {
      const all = server.api.state.store.list("/pods", "default") as unknown as Pod[];
      const alive = all.filter(({ metadata }) => metadata!.deletionTimestamp === undefined);
      most = Math.max(most, alive.length);
      fewest = Math.min(
        fewest,
        alive.filter(({ status }) =>
          status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True")
        ).length,
      );
    });
    await client.patch(DEPLOYMENTS, "web", "default", {
      spec: { template: { spec: { containers: [{ name: "web", image: "web:2" }] } } },
    }, { type: "strategic" });
    await until(cluster, "the update is rolled out", () => isRolledOut(cluster, 4));
    unlisten();
    assert.ok(fewest >= 3, `only ${fewest} pods were available`);
    assert.ok(most <= 5, `there were ${most} pods`);
    const images = (await pods(cluster)).map(({ spec }) => spec!.containers[0]!.image);
    assert.deepEqual(images, ["web:2", "web:2", "web:2", "web:2"]);
    const sets = (await client.list(REPLICA_SETS)).items;
    const revisions = sets.map(({ metadata }) => metadata!.annotations!["deployment.kubernetes.io/revision"]);
    assert.deepEqual(revisions.sort(), ["1", "2"]);
    const { status } = await client.get(DEPLOYMENTS, "web", "default");
    assert.deepEqual(
      status!.conditions!.map(({ type, status, reason }) => [type, status, reason]).sort(),
      [
        ["Available", "True", "MinimumReplicasAvailable"],
        ["Progressing", "True", "NewReplicaSetAvailable"],
      ],
    );
  }));

Deno.test("going back to a former template makes its ReplicaSet the newest revision", () =>
  withCluster(async (cluster) => {
    const { client } = cluster;
    const setImage = (image: string) =>
      client.patch(DEPLOYMENTS, "web", "default", {
        spec: { template: { spec: { containers: [{ name: "web", image }] } } },
      }, { type: "strategic" });
    await client.create(DEPLOYMENTS, deployment(1));
    await until(cluster, "it is rolled out", () => isRolledOut(cluster, 1));
    for (const image of ["web:2", "web:1"]) {
      await setImage(image);
      await until(cluster, `${image} is rolled out`, async () =>
        await isRolledOut(cluster, 1) &&
        (await pods(cluster)).every(({ spec }) => spec!.containers[0]!.image === image));
    }
    assert.equal((await client.list(REPLICA_SETS)).items.length, 2);
    const { metadata } = await client.get(DEPLOYMENTS, "web", "default");
    assert.equal(metadata!.annotations!["deployment.kubernetes.io/revision"], "3");
  }));

Deno.test("Recreate has no new pod before the last old one is gone", () =>
  withCluster(async (cluster) => {
    const { client, server } = cluster;
    const object = deployment(2);
    object.spec!.strategy = { type: "Recreate" };
    await client.create(DEPLOYMENTS, object);
    await until(cluster, "it is rolled out", () => isRolledOut(cluster, 2));
    let isMixed = false;
    const unlisten = server.onChange(() => {
      const all = server.api.state.store.list("/pods", "default") as unknown as Pod[];
      isMixed ||= new Set(all.map(({ spec }) => spec!.containers[0]!.image)).size > 1;
    });
    await client.patch(DEPLOYMENTS, "web", "default", {
      spec: { template: { spec: { containers: [{ name: "web", image: "web:2" }] } } },
    }, { type: "strategic" });
    await until(cluster, "the update is rolled out", async () =>
      await isRolledOut(cluster, 2) &&
      (await pods(cluster)).every(({ spec }) => spec!.containers[0]!.image === "web:2"));
    unlisten();
    assert.equal(isMixed, false);
  }));

Deno.test("a killed pod is replaced, and a failed one too", () =>
  withCluster(async (cluster) => {
    await cluster.client.create(DEPLOYMENTS, deployment(2));
    await until(cluster, "it is rolled out", () => isRolledOut(cluster, 2));
    const [first, second] = await pods(cluster);
    await cluster.client.delete(PODS, first!.metadata!.name!, "default");
    await cluster.setStatus(second!, { phase: "Failed" });
    await until(cluster, "two others run", async () =>
      (await pods(cluster)).filter(({ metadata, status }) =>
        ![first, second].some((each) =>
          each!.metadata!.uid === metadata!.uid
        ) &&
        status?.phase === "Running"
      ).length === 2);
  }));

Deno.test("a deployment whose pods cannot be made says why", () =>
  withCluster(async (cluster) => {
    const object = deployment(1);
    object.spec!.template.spec!.serviceAccountName = "nobody";
    await cluster.client.create(DEPLOYMENTS, object);
    await until(cluster, "the condition is there", async () => {
      const { status } = await cluster.client.get(DEPLOYMENTS, "web", "default");
      return status?.conditions?.some(({ type, message }) =>
        type === "ReplicaFailure" && /serviceaccount "nobody" not found/.test(message ?? "")
      ) === true;
    });
  }, { expected: /serviceaccount "nobody" not found/ }));

Deno.test("what belongs to a deleted Deployment goes with it, and with Orphan it stays", () =>
  withCluster(async (cluster) => {
    const { client } = cluster;
    await client.create(DEPLOYMENTS, deployment(2));
    await until(cluster, "it is rolled out", () => isRolledOut(cluster, 2));
    await client.delete(DEPLOYMENTS, "web", "default", { propagationPolicy: "Orphan" });
    await until(
      cluster,
      "the Deployment is gone",
      () => client.get(DEPLOYMENTS, "web", "default").then(() => false, isNotFound),
    );
    const [set] = (await client.list(REPLICA_SETS)).items;
    assert.equal(set!.metadata!.ownerReferences, undefined);
    assert.equal((await pods(cluster)).length, 2);
    await client.create(DEPLOYMENTS, deployment(2));
    await until(cluster, "it adopts its old ReplicaSet", async () => {
      const [set] = (await client.list(REPLICA_SETS)).items;
      return set!.metadata!.ownerReferences?.[0]?.kind === "Deployment";
    });
    await client.delete(DEPLOYMENTS, "web", "default");
    await until(
      cluster,
      "everything is gone",
      async () => (await pods(cluster)).length + (await client.list(REPLICA_SETS)).items.length === 0,
    );
  }));

Deno.test("foreground deletion keeps the owner until what it owns is gone", () =>
  withCluster(async (cluster) => {
    const { client, server } = cluster;
    const object = deployment(1);
    object.spec!.template.metadata!.finalizers = ["example.com/wait"];
    await client.create(DEPLOYMENTS, object);
    await until(cluster, "it is rolled out", () => isRolledOut(cluster, 1));
    const order: string[] = [];
    const unlisten = server.onChange(({ type, resource }) => {
      if (type === "DELETED" && resource !== "/events") order.push(resource);
    });
    await client.delete(DEPLOYMENTS, "web", "default", { propagationPolicy: "Foreground" });
    await until(
      cluster,
      "the pod is being deleted",
      async () => (await pods(cluster))[0]!.metadata!.deletionGracePeriodSeconds === 0,
    );
    // Any other object shows that whatever was under way has been done.
    await client.create(NAMESPACES, { metadata: { name: "later" } });
    await until(
      cluster,
      "a later namespace is furnished",
      async () => (await client.list(SERVICE_ACCOUNTS, { namespace: "later" })).items.length === 1,
    );
    assert.deepEqual(order, []);
    const [pod] = await pods(cluster);
    const name = pod!.metadata!.name!;
    await client.patch(PODS, name, "default", { metadata: { finalizers: null } }, { type: "merge" });
    await until(
      cluster,
      "the Deployment is gone",
      () => client.get(DEPLOYMENTS, "web", "default").then(() => false, isNotFound),
    );
    unlisten();
    assert.deepEqual(order, ["/pods", "apps/replicasets", "apps/deployments"]);
  }));

Deno.test("endpoints follow readiness, named ports and deletion", () =>
  withCluster(async (cluster) => {
    const { client } = cluster;
    await client.create(SERVICES, {
      metadata: { name: "web", namespace: "default" },
      spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }] },
    });
    const service = await client.get(SERVICES, "web", "default");
    assert.match(service.spec!.clusterIP!, /^10\.43\./);
    await client.create(DEPLOYMENTS, deployment(2));
    const slices = async () =>
      (await client.list(ENDPOINT_SLICES, { labelSelector: "kubernetes.io/service-name=web" })).items;
    const readiness = async () =>
      (await slices()).flatMap(({ endpoints }) => endpoints).map(({ conditions }) => conditions?.ready)
        .sort().join();
    await until(cluster, "both pods are ready endpoints", async () => await readiness() === "true,true");
    assert.deepEqual((await slices())[0]!.ports, [{ name: "", port: 8080, protocol: "TCP" }]);
    const [pod] = await pods(cluster);
    await cluster.setStatus(pod!, readyStatus(pod!, pod!.status!.podIP!, false));
    await until(cluster, "one is not ready", async () => await readiness() === "false,true");
    await until(cluster, "Endpoints say so too", async () => {
      const [subset] = (await client.get(ENDPOINTS, "web", "default")).subsets ?? [];
      return subset?.addresses?.length === 1 && subset.notReadyAddresses?.length === 1;
    });
    await client.delete(SERVICES, "web", "default");
    await until(cluster, "the slices are gone", async () => (await slices()).length === 0);
    await assert.rejects(client.get(ENDPOINTS, "web", "default"), isNotFound);
  }));

Deno.test("a Job runs until its completions, in parallel, and is then complete", () =>
  withCluster(async (cluster) => {
    const { client } = cluster;
    await client.create(JOBS, {
      metadata: { name: "sum", namespace: "default" },
      spec: {
        completions: 3,
        parallelism: 2,
        template: { spec: { restartPolicy: "Never", containers: [{ name: "sum", image: "sum:1" }] } },
      },
    });
    await until(cluster, "two run", async () => (await pods(cluster)).length === 2);
    for (let done = 0; done < 3; done++) {
      await until(
        cluster,
        "one runs",
        async () => (await pods(cluster)).some(({ status }) => status?.phase === "Running"),
      );
      const running = (await pods(cluster)).find(({ status }) => status?.phase === "Running")!;
      await cluster.setStatus(running, { phase: "Succeeded" });
    }
    await until(cluster, "the Job is complete", async () => {
      const { status } = await client.get(JOBS, "sum", "default");
      return status?.succeeded === 3 && status.completionTime !== undefined &&
        status.conditions?.some(({ type, status }) => type === "Complete" && status === "True") === true;
    });
    assert.equal((await pods(cluster)).length, 3);
  }));

Deno.test("a Job whose pods fail too often has failed", () =>
  withCluster(async (cluster) => {
    const { client } = cluster;
    await client.create(JOBS, {
      metadata: { name: "sum", namespace: "default" },
      spec: {
        backoffLimit: 0,
        template: { spec: { restartPolicy: "Never", containers: [{ name: "sum", image: "sum:1" }] } },
      },
    });
    await until(cluster, "it has failed", async () => {
      const { status } = await client.get(JOBS, "sum", "default");
      return status?.conditions?.some(({ type, reason }) =>
        type === "Failed" && reason === "BackoffLimitExceeded"
      ) === true;
    });
  }, { run: () => ({ phase: "Failed" }) }));

Deno.test("a DaemonSet has a pod on every node, and replaces it when its template changes", () =>
  withCluster(async (cluster) => {
    const { client } = cluster;
    const { selector, template } = deployment(1).spec!;
    await client.create(DAEMON_SETS, {
      metadata: { name: "web", namespace: "default" },
      spec: { selector, template },
    });
    for (const name of ["laptop", "desktop"]) await client.create(NODES, { metadata: { name } });
    const places = async () =>
      (await pods(cluster)).map(({ spec }) => `${spec!.nodeName} ${spec!.containers[0]!.image}`).sort()
        .join();
    await until(
      cluster,
      "each node has its pod",
      async () => await places() === "desktop web:1,laptop web:1",
    );
    await client.patch(DAEMON_SETS, "web", "default", {
      spec: { template: { spec: { containers: [{ name: "web", image: "web:2" }] } } },
    }, { type: "strategic" });
    await until(cluster, "each node has the new pod", async () => {
      const { status, metadata } = await client.get(DAEMON_SETS, "web", "default");
      return await places() === "desktop web:2,laptop web:2" && status?.numberAvailable === 2 &&
        status.updatedNumberScheduled === 2 && status.observedGeneration === metadata!.generation;
    });
  }));

Deno.test("a StatefulSet's pods have names that stay, come in order and go in reverse", () =>
  withCluster(async (cluster) => {
    const { client, server } = cluster;
    const { selector, template } = deployment(1).spec!;
    const log: string[] = [];
    const unlisten = server.onChange(({ type, resource, object }) => {
      if (resource === "/pods" && type !== "MODIFIED") log.push(`${type} ${object.metadata.name}`);
    });
    await client.create(STATEFUL_SETS, {
      metadata: { name: "web", namespace: "default" },
      spec: { replicas: 3, serviceName: "web", selector, template },
    });
    const isSettled = async (replicas: number) => {
      const { status } = await client.get(STATEFUL_SETS, "web", "default");
      return status?.availableReplicas === replicas && status.updatedReplicas === replicas &&
        status.currentRevision === status.updateRevision;
    };
    await until(cluster, "three are available", () => isSettled(3));
    const [first] = await pods(cluster);
    assert.equal(first!.spec!.hostname, "web-0");
    assert.equal(first!.spec!.subdomain, "web");
    await client.patch(STATEFUL_SETS, "web", "default", { spec: { replicas: 1 } }, { type: "merge" });
    await until(cluster, "one is left", async () => (await pods(cluster)).length === 1);
    unlisten();
    assert.deepEqual(log, [
      "ADDED web-0",
      "ADDED web-1",
      "ADDED web-2",
      "DELETED web-2",
      "DELETED web-1",
    ]);
    await client.patch(STATEFUL_SETS, "web", "default", {
      spec: { template: { spec: { containers: [{ name: "web", image: "web:2" }] } } },
    }, { type: "strategic" });
    await until(
      cluster,
      "it has been replaced",
      async () => await isSettled(1) && (await pods(cluster))[0]?.spec?.containers[0]?.image === "web:2",
    );
  }));

Deno.test("controllers leave events for people", () =>
  withCluster(async (cluster) => {
    await cluster.client.create(DEPLOYMENTS, deployment(1));
    await until(cluster, "it is rolled out", () => isRolledOut(cluster, 1));
    await until(cluster, "the events are there", async () => {
      const { items } = await cluster.client.list(EVENTS, {
        namespace: "default",
        fieldSelector: "involvedObject.kind=Deployment,involvedObject.name=web",
      });
      return items.some(({ message }) => /Scaled up replica set web-\w+ from 0 to 1/.test(message ?? ""));
    });
  }));
