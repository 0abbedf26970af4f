import assert from "node:assert/strict";
import type { Pod } from "../../kube/kinds.ts";
import { applyObjects } from "../../kube/apply.ts";
import { readyStatus, type TestCluster, until, withCluster } from "../../local/controllers/test_cluster.ts";
import { type Environment, SYSTEM } from "../environment.ts";
import { identity } from "./identity.ts";
import { controllerMetrics, obfuscate, proxyMetrics } from "./metrics.ts";
import { meshedPods } from "./pods.ts";

const GLOBAL = { linkerdNamespace: "linkerd", cniNamespace: "linkerd-cni", verbose: false };
const METRICS = `# TYPE control_identity_cert_expiration_timestamp_seconds gauge
control_identity_cert_expiration_timestamp_seconds 1800000000
control_identity_cert_refresh_timestamp_seconds 1799913600
request_total{direction="inbound",authority="web.shop",target_addr="10.0.0.1:80"} 3
`;

function meshedPod(name: string, port: number): Pod {
  const labels = { "linkerd.io/control-plane-ns": "linkerd", "linkerd.io/control-plane-component": "web" };
  const proxy = {
    name: "linkerd-proxy",
    image: "p",
    ports: [{ name: "linkerd-admin", containerPort: port }],
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", labels },
    spec: { containers: [proxy] },
  } as Pod;
}

interface Scene {
  readonly cluster: TestCluster;
  readonly environment: Environment;
  readonly printed: () => string;
}

/** A cluster with two pods whose proxies answer, the second with what `second` says. */
async function withProxies(second: (path: string) => Response, use: (scene: Scene) => Promise<void>) {
  const answer = (path: string) =>
    path === "/metrics" ? new Response(METRICS) : Response.json({
      LINKERD2_PROXY_IDENTITY_LOCAL_NAME: "web.default.serviceaccount.identity.linkerd.local",
    });
  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
  const servers = [answer, second].map((each) =>
    Deno.serve(options, (request) => each(new URL(request.url).pathname))
  );
  try {
    await withCluster(async (cluster) => {
      await applyObjects(cluster.client, [
        { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: "default" } },
        ...servers.map(({ addr }, index) => meshedPod(`web-${index}`, addr.port)),
      ], { fieldManager: "test" });
      await until(
        cluster,
        "both pods run",
        async () => (await meshedPods(cluster.client, "default")).length === 2,
      );
      let text = "";
      const environment: Environment = {
        ...SYSTEM,
        print: (more) => void (text += more),
        tell: () => {},
        connect: () =>
          Promise.resolve({ client: cluster.client, namespace: "default", server: "", close: () => {} }),
      };
      await use({ cluster, environment, printed: () => text });
    }, { run: (pod) => readyStatus(pod, "127.0.0.1") });
  } finally {
    await Promise.all(servers.map((server) => server.shutdown()));
  }
}

const NOT_CERTIFIED = (path: string) => path === "/metrics" ? new Response("# nothing\n") : Response.json({});

Deno.test("identity tells each proxy's name and end, and of one without a certificate that it has none", () =>
  withProxies(NOT_CERTIFIED, async ({ environment, printed }) => {
    const code = await identity([], { output: "json" }, GLOBAL, environment);
    assert.equal(code, 1);
    assert.deepEqual(JSON.parse(printed()), [
      {
        namespace: "default",
        pod: "web-0",
        identity: "web.default.serviceaccount.identity.linkerd.local",
        expires: "2027-01-15T08:00:00Z",
        refreshed: "2027-01-14T08:00:00Z",
      },
      { namespace: "default", pod: "web-1", error: "it has no certificate yet" },
    ]);
    await assert.rejects(
      identity(["other"], { output: "json" }, GLOBAL, environment),
      /pod\/other has no pods/,
    );
  }));

Deno.test("proxy-metrics prints every proxy's text under its name, and the error of one that fails", () =>
  withProxies(() => new Response("out of order", { status: 500 }), async ({ environment, printed }) => {
    const options = { obfuscate: false, output: "text" };
    assert.equal(await proxyMetrics("ns/default", options, GLOBAL, environment), 0);
    assert.match(
      printed(),
      /^#\n# POD web-0 \(1 of 2\)\n# CONTAINER linkerd-proxy\n#\n# TYPE control_identity/,
    );
    assert.match(printed(), /# POD web-1 \(2 of 2\)\n# CONTAINER linkerd-proxy\n#\n# ERROR out of order\n$/);
    await assert.rejects(proxyMetrics("secret/x", options, GLOBAL, environment), /no pods of this kind/);
  }));

Deno.test("controller-metrics asks every admin port of the control plane", () =>
  withProxies(NOT_CERTIFIED, async ({ environment, printed }) => {
    const options = { wait: "5s", output: "json" };
    assert.equal(
      await controllerMetrics(options, { ...GLOBAL, linkerdNamespace: "default" }, environment),
      0,
    );
    assert.deepEqual(
      JSON.parse(printed()).map((one: { pod: string; metrics: string }) => [one.pod, one.metrics]),
      [
        ["web-0", METRICS],
        ["web-1", "# nothing\n"],
      ],
    );
    await assert.rejects(
      controllerMetrics({ wait: "soon", output: "json" }, GLOBAL, environment),
      /--wait soon/,
    );
  }));

Deno.test("obfuscation hides what tells of hosts, alike for alike, and nothing else", async () => {
  const hidden = await obfuscate(`${METRICS}x{authority="web.shop",direction="inbound"} 1\n`);
  assert.doesNotMatch(hidden, /web\.shop|10\.0\.0\.1/);
  const [first, second] = [...hidden.matchAll(/authority="([0-9a-f]{64})"/g)].map((match) => match[1]);
  assert.equal(first, second);
  assert.match(hidden, /direction="inbound"/);
});
