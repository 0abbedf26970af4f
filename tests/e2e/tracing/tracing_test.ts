/** Tracing as a user turns it on: by the installation's values, with a collector that is part of the mesh. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { ExportTraceServiceRequest, type ResourceSpans, type Span } from "../../../proto/gen/otlp_trace.ts";
import type { KubernetesObject } from "../../../src/kube/resource.ts";
import { getJson } from "../../../src/kube/service_proxy.ts";
import { isolationObstacle } from "../../../src/linux/unshare.ts";
import type { Cluster } from "../../../src/local/cluster/cluster.ts";
import { waitForWorkloads } from "../../../src/local/workloads.ts";
import { fromFileUrl } from "../../../tools/build/paths.ts";
import { apply, ask, meshed, SHOP, startRoutedShop } from "../routes/cluster.ts";
import { PATIENCE_MS, until } from "../until.ts";
import { type Exported, OTLP_PORT, TELLING_PORT } from "./collector_pod.ts";

const obstacle = isolationObstacle();
if (obstacle !== undefined) console.log(`the end-to-end test of tracing is skipped: ${obstacle}`);

const NAMESPACE = "tracing", COLLECTOR = "collector";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736", PARENT = "00f067aa0ba902b7";
const identityOf = (name: string) => `${name}.${SHOP}.serviceaccount.identity.linkerd.cluster.local`;
const hex = (bytes: Uint8Array) => new Uint8Array(bytes).toHex();

function collector(): KubernetesObject[] {
  const labels = { app: COLLECTOR }, metadata = { name: COLLECTOR, namespace: NAMESPACE };
  const script = fromFileUrl(new URL("./collector_pod.ts", import.meta.url).href);
  const container = {
    name: COLLECTOR,
    image: COLLECTOR,
    command: [Deno.execPath(), "run", "--no-config", "--no-lock", "--quiet", "-A", script],
    ports: [{ containerPort: OTLP_PORT }, { containerPort: TELLING_PORT }],
    readinessProbe: { httpGet: { path: "/", port: TELLING_PORT }, periodSeconds: 1 },
  };
  return [
    meshed(NAMESPACE),
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: {
        selector: labels,
        ports: [{ name: "otlp", port: OTLP_PORT }, { name: "http", port: TELLING_PORT }],
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { serviceAccountName: COLLECTOR, containers: [container] } },
      },
    },
  ] as readonly object[] as KubernetesObject[];
}

interface Told {
  readonly clientId: string;
  readonly span: Span;
  readonly resource: ResourceSpans["resource"];
}

/** Every span that the collector has, and who told of it. */
async function told({ client }: Cluster): Promise<Told[]> {
  const service = { namespace: NAMESPACE, name: COLLECTOR, port: TELLING_PORT };
  const exports = await getJson<Exported[]>(client, service, "/");
  return exports.flatMap(({ clientId, message }) =>
    ExportTraceServiceRequest.decode(Uint8Array.fromBase64(message)).resourceSpans.flatMap((
      { resource, scopeSpans },
    ) => scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ clientId, span, resource }))))
  );
}

function textOf({ attributes }: { attributes: Span["attributes"] }, name: string): unknown {
  return attributes.find(({ key }) => key === name)?.value?.value?.value;
}

Deno.test({
  name:
    "proxies tell a collector of the mesh, by its short name and mutual TLS, of the requests that are traced",
  ignore: obstacle !== undefined,
  async fn() {
    const tracing = {
      enabled: true,
      labels: { "deployment.environment.name": "test" },
      collector: {
        endpoint: `${COLLECTOR}.${NAMESPACE}:${OTLP_PORT}`,
        meshIdentity: { serviceAccountName: COLLECTOR, namespace: NAMESPACE },
      },
    };
    const cluster = await startRoutedShop({ proxy: { tracing } });
    try {
      await apply(cluster, collector()); // while the others run already
      await waitForWorkloads(cluster.client, NAMESPACE, { timeoutMs: PATIENCE_MS });
      const headers = { traceparent: `00-${TRACE}-${PARENT}-01` };
      deepEqual(await ask(cluster, { url: "http://web/cart", headers }), { "200 web": 1 });
      deepEqual(await ask(cluster, { url: "http://web/cart" }), { "200 web": 1 });
      const spans = await until("four spans came", () => told(cluster), ({ length }) => length >= 4);
      equal(spans.length, 4);
      const chain: Told[] = [];
      for (let parent = PARENT; chain.length < 4; parent = hex(chain.at(-1)!.span.spanId)) {
        chain.push(spans.find(({ span }) => hex(span.parentSpanId) === parent)!);
      }
      deepEqual(chain.map(({ clientId, span }) => [clientId, textOf(span, "direction"), span.kind]), [
        [identityOf("client"), "outbound", 2],
        [identityOf("client"), "outbound", 3],
        [identityOf("web"), "inbound", 2],
        [identityOf("web"), "inbound", 3],
      ]);
      const { span, resource } = chain[2]!;
      equal(textOf(span, "url.full"), "http://web/cart");
      equal(textOf(resource!, "app"), "web", "a label of the pod's");
      equal(textOf(resource!, "service.name"), "linkerd-proxy");
      equal(textOf(resource!, "k8s.container.name"), "linkerd-proxy");
      equal(textOf(resource!, "deployment.environment.name"), "test");
      ok(/^\d+\.\d+\.\d+\.\d+$/.test(String(textOf(resource!, "k8s.pod.ip"))));
      ok(String(textOf(resource!, "host.name")).startsWith("web-"));
    } finally {
      await cluster.stop();
    }
  },
});
