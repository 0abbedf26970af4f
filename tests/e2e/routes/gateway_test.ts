/** Annotations that make a proxy an ingress' or a gateway, in a running cluster: what they do to its traffic. */
import { deepEqual, equal } from "node:assert/strict";
import { DEPLOYMENTS, PODS } from "../../../src/kube/kinds.ts";
import type { KubernetesObject } from "../../../src/kube/resource.ts";
import { isolationObstacle } from "../../../src/linux/unshare.ts";
import type { Cluster } from "../../../src/local/cluster/cluster.ts";
import { roll } from "../meshed_shop.ts";
import { until } from "../until.ts";
import { apply, ask, SHOP, startRoutedShop } from "./cluster.ts";

const obstacle = isolationObstacle();
if (obstacle !== undefined) console.log(`the end-to-end test of gateways is skipped: ${obstacle}`);

const GATEWAY = "web.shop.serviceaccount.identity.linkerd.cluster.local";
const REMOTE = "web-v2.shop.svc.cluster.local";
const INBOUND_PORT = 4143;

/** Annotates the pods of a deployment, and waits until all of them are new. */
async function annotate(cluster: Cluster, name: string, annotations: Record<string, string>): Promise<void> {
  const body = { spec: { template: { metadata: { annotations } } } };
  await cluster.client.patch(DEPLOYMENTS, name, SHOP, body, { type: "strategic" });
  await roll(cluster, name);
}

/** The Service `web-west` as a mirror of another cluster's would stand here: its one endpoint is a gateway. */
function mirrored(gatewayIp: string): KubernetesObject[] {
  const metadata = { name: "web-west", namespace: SHOP };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: { ports: [{ name: "http", port: 80, targetPort: INBOUND_PORT }] },
  };
  return [
    service,
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        ...metadata,
        labels: { "kubernetes.io/service-name": "web-west" },
        annotations: {
          "mirror.linkerd.io/remote-gateway-identity": GATEWAY,
          "mirror.linkerd.io/remote-svc-fq-name": REMOTE,
        },
      },
      addressType: "IPv4",
      ports: [{ name: "http", port: INBOUND_PORT }],
      endpoints: [{ addresses: [gatewayIp], conditions: { ready: true } }],
    },
  ] as readonly object[] as KubernetesObject[];
}

Deno.test({
  name: "an ingress' requests go where their header says, and a mirrored Service's through the gateway",
  ignore: obstacle !== undefined,
  async fn(step) {
    const cluster = await startRoutedShop();
    try {
      await step.step("a request beside an ingress goes to the Service that its header names", async () => {
        await annotate(cluster, "client", { "linkerd.io/inject": "ingress" });
        const headers = { "l5d-dst-override": `${REMOTE}:80` };
        await until(
          "the header is followed",
          () => ask(cluster, { url: "http://web", count: 20, headers }),
          (answers) => answers["200 web-v2"] === 20,
        );
        deepEqual(await ask(cluster, { url: "http://web", count: 20 }), { "200 web": 20 });
        const nobody = { "l5d-dst-override": "nobody.shop.svc.cluster.local" };
        const [answer] = Object.keys(await ask(cluster, { url: "http://web", headers: nobody }));
        equal(answer, "504");
      });

      await step.step(
        "what a mirrored Service is asked goes through the gateway to the real one",
        async () => {
          await annotate(cluster, "web", { "config.linkerd.io/enable-gateway": "true" });
          const { items } = await cluster.client.list(PODS, { namespace: SHOP, labelSelector: "app=web" });
          const ip = items.find(({ metadata }) => metadata?.deletionTimestamp === undefined)?.status?.podIP;
          await apply(cluster, mirrored(ip!));
          await until(
            "the gateway carries it",
            () => ask(cluster, { url: "http://web-west", count: 20 }),
            (answers) => answers["200 web-v2"] === 20,
          );
        },
      );
    } finally {
      await cluster.stop();
    }
  },
});
