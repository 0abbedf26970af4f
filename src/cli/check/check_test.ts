import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import {
  credentialValues,
  defaultValues,
  generateCredentials,
  mergeValues,
  renderCrds,
  renderInstall,
} from "../../../manifests/render.ts";
import { makeServingCertificate, withAuthority } from "../../control/injector/serving_certificate.ts";
import { applyObjects } from "../../kube/apply.ts";
import { type KubeClient, overriding } from "../../kube/client.ts";
import {
  CONFIG_MAPS,
  CUSTOM_RESOURCE_DEFINITIONS,
  MUTATING_WEBHOOKS,
  type Pod,
  SECRETS,
} from "../../kube/kinds.ts";
import { readyStatus, type TestCluster, until, withCluster } from "../../local/controllers/test_cluster.ts";
import { CONTROL_PLANE_NS_LABEL } from "../../mesh/labels.ts";
import { INJECTOR_WEBHOOK_CONFIGURATION } from "../../mesh/names.ts";
import { VERSION } from "../../mesh/version.ts";
import { type Environment, SYSTEM } from "../environment.ts";
import { categoriesOf, check, type CheckOptions } from "./check.ts";

const DAY_MS = 86_400_000;
const OPTIONS: CheckOptions = {
  pre: false,
  crds: false,
  proxy: false,
  cni: false,
  linkerdCniEnabled: false,
  wait: "0s",
  output: "json",
};
const GLOBAL = { linkerdNamespace: "linkerd", cniNamespace: "linkerd-cni", verbose: false };

interface Document {
  success: boolean;
  categories: {
    categoryName: string;
    checks: { description: string; result: string; error?: string; hint?: string }[];
  }[];
}

/** The client of a cluster whose controllers' admin ports answer with `metrics`. */
function withControllers(client: KubeClient, metrics: string): KubeClient {
  return overriding(client, {
    raw: (method, path, init) =>
      /\/pods\/[^/]*\/proxy\/metrics$/.test(path)
        ? Promise.resolve(new Response(metrics))
        : client.raw(method, path, init),
  });
}

function environmentOf(
  cluster: TestCluster,
  clock: { now: number } = { now: Date.now() },
  metrics = "build_info 1\n",
) {
  let text = "";
  const environment: Environment = {
    ...SYSTEM,
    print: (more) => void (text += more),
    tell: () => {},
    variable: () => undefined,
    now: () => clock.now,
    sleep: (milliseconds) => {
      clock.now += milliseconds;
      return Promise.resolve();
    },
    connect: () =>
      Promise.resolve({
        client: withControllers(cluster.client, metrics),
        namespace: "default",
        server: "https://test",
        close: () => {},
      }),
  };
  return { environment, text: () => text };
}

async function run(
  cluster: TestCluster,
  options: Partial<CheckOptions> = {},
  now = Date.now(),
  metrics?: string,
) {
  const { environment, text } = environmentOf(cluster, { now }, metrics);
  const code = await check({ ...OPTIONS, ...options }, GLOBAL, environment);
  return { code, text: text() };
}

async function runJson(
  cluster: TestCluster,
  options: Partial<CheckOptions> = {},
  now?: number,
  metrics?: string,
) {
  const { code, text } = await run(cluster, options, now, metrics);
  const document = JSON.parse(text) as Document;
  const all = document.categories.flatMap(({ checks }) => checks);
  return { code, document, failures: all.filter(({ result }) => result !== "success"), all };
}

/** Every container runs and is ready, the proxy among the init containers too. */
function healthy(address: string): (pod: Pod) => Partial<NonNullable<Pod["status"]>> {
  return (pod: Pod) => {
    const status = readyStatus(pod, address);
    const sidecars = (pod.spec!.initContainers ?? []).map(({ name, image = "" }) => ({
      ...status.containerStatuses![0]!,
      name,
      image,
    }));
    return { ...status, initContainerStatuses: sidecars };
  };
}

async function install(cluster: TestCluster, now = Date.now()): Promise<void> {
  // The pods of these tests are on the loopback.
  const { clusterNetworks } = defaultValues();
  const values = { ...defaultValues(), clusterNetworks: `${clusterNetworks},127.0.0.0/8` };
  const objects = renderInstall(
    mergeValues(values, credentialValues(await generateCredentials(values, now))),
  );
  await applyObjects(cluster.client, [...renderCrds(), ...objects], { fieldManager: "test" });
  const configuration = await cluster.client.get(MUTATING_WEBHOOKS, INJECTOR_WEBHOOK_CONFIGURATION);
  const { authorityPem } = await makeServingCertificate(["linkerd-proxy-injector.linkerd.svc"], now);
  configuration.webhooks![0]!.clientConfig.caBundle = withAuthority(undefined, authorityPem, now);
  await cluster.client.replace(MUTATING_WEBHOOKS, configuration);
}

/** A cluster with the mesh in it, and something that answers for its statistics. */
async function withMesh(
  use: (cluster: TestCluster) => Promise<void>,
  runPod = healthy("127.0.0.1"),
): Promise<void> {
  const status = {
    version: VERSION,
    scrapeIntervalMs: 1,
    retentionMs: 1,
    targets: 5,
    failing: 0,
    startedAt: 0,
  };
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => Response.json(request.url.includes("/workloads") ? { workloads: [] } : status),
  );
  try {
    await withCluster(async (cluster) => {
      await install(cluster);
      await use(cluster);
    }, {
      run: runPod,
      resolveService: (_namespace, name) =>
        name === "metrics-api" ? { hostname: "127.0.0.1", port: server.addr.port } : undefined,
    });
  } finally {
    await server.shutdown();
  }
}

async function untilWell(cluster: TestCluster): Promise<void> {
  await until(cluster, "the control plane is ready", async () => (await run(cluster)).code === 0);
}

Deno.test("an empty cluster passes check --pre, and check says that the mesh is not installed", () =>
  withCluster(async (cluster) => {
    const pre = await runJson(cluster, { pre: true });
    assert.deepEqual([pre.code, pre.document.success, pre.failures], [0, true, []]);
    assert.deepEqual(pre.document.categories.map(({ categoryName }) => categoryName), [
      "kubernetes-api",
      "kubernetes-version",
      "pre-kubernetes-setup",
    ]);
    const { code, failures } = await runJson(cluster);
    assert.equal(code, 1);
    assert.deepEqual(failures.map(({ hint }) => hint), ["docs/checks/l5d-existence-linkerd-config.md"]);
    assert.match(failures[0]!.error!, /the mesh is not installed there/);
  }));

Deno.test("a mesh that is well passes, table and short say so, and --pre finds its namespace", () =>
  withMesh(async (cluster) => {
    await untilWell(cluster);
    const { failures, document } = await runJson(cluster);
    assert.deepEqual(failures, []);
    assert.ok(document.categories.some(({ categoryName }) => categoryName === "linkerd-identity"));
    const table = await run(cluster, { output: "table" });
    assert.match(table.text, /^kubernetes-api\n-{14}\n√ can initialize the client\n/);
    assert.match(table.text, /\n\nStatus check results are √\n$/);
    assert.equal((await run(cluster, { output: "short" })).text, "\nStatus check results are √\n");
    const pre = await run(cluster, { pre: true, output: "short" });
    assert.equal(pre.code, 1);
    assert.match(
      pre.text,
      /× control plane namespace does not already exist\n {4}the namespace "linkerd" already/,
    );
    assert.match(pre.text, /\n {4}see docs\/checks\/pre-ns\.md for hints\n/);
  }));

Deno.test("certificates that end soon are warned of, and one that has ended fails by name and date", () =>
  withMesh(async (cluster) => {
    await untilWell(cluster);
    const soon = await runJson(cluster, {}, Date.now() + 320 * DAY_MS);
    const warned = soon.failures.filter(({ result }) => result === "warning").map(({ description }) =>
      description
    );
    assert.deepEqual(warned, [
      "trust anchors are valid for at least 60 days",
      "issuer cert is valid for at least 60 days",
    ]);
    const late = await runJson(cluster, {}, Date.now() + 400 * DAY_MS);
    assert.equal(late.code, 1);
    assert.match(
      late.failures.at(-1)!.error!,
      /identity\.linkerd\.cluster\.local .* is not valid anymore\. Expired on 20/,
    );
    assert.equal(late.failures.at(-1)!.hint, "docs/checks/l5d-identity-trustAnchors-are-time-valid.md");
  }));

Deno.test("an issuer of another anchor, and a key of another issuer, are told apart", () =>
  withMesh(async (cluster) => {
    await untilWell(cluster);
    const other = await generateCredentials({ namespace: "linkerd", identityTrustDomain: "other.local" });
    const data = {
      "crt.pem": btoa(other.issuerCertificatePem),
      "key.pem": btoa(other.issuerKeyPem),
    };
    const patch = (change: object) =>
      cluster.client.patch(SECRETS, "linkerd-identity-issuer", "linkerd", { data: change }, {
        type: "merge",
      });
    await patch({ "key.pem": data["key.pem"] });
    assert.match((await runJson(cluster)).failures.at(-1)!.error!, /key does not belong to its certificate/);
    await patch(data);
    const foreign = (await runJson(cluster)).failures.find(({ description }) =>
      description.includes("is issued by")
    );
    assert.match(foreign!.error!, /no trust anchor has issued identity\.linkerd\.other\.local/);
    await patch({ "key.pem": null });
    assert.match(
      (await runJson(cluster)).failures.at(-1)!.error!,
      /has no key key\.pem, which scheme linkerd\.io\/tls needs/,
    );
  }));

Deno.test("an issuer that cert-manager keeps is checked by that tool's keys, and warned of as any other", () =>
  withMesh(async (cluster) => {
    await untilWell(cluster);
    const { client } = cluster;
    const config = await client.get(CONFIG_MAPS, "linkerd-config", "linkerd");
    const values = config.data!["values"]!.replace("scheme: linkerd.io/tls", "scheme: kubernetes.io/tls");
    await client.patch(CONFIG_MAPS, "linkerd-config", "linkerd", { data: { values } }, { type: "merge" });
    assert.match(
      (await runJson(cluster)).failures.at(-1)!.error!,
      /has no key tls\.crt, which scheme kubernetes\.io\/tls needs/,
    );
    const { data } = await client.get(SECRETS, "linkerd-identity-issuer", "linkerd");
    const pem = createPrivateKey(atob(data!["key.pem"]!)).export({ format: "pem", type: "sec1" }).toString();
    const written = { "tls.crt": data!["crt.pem"], "tls.key": btoa(pem), "crt.pem": null, "key.pem": null };
    await client.patch(SECRETS, "linkerd-identity-issuer", "linkerd", { data: written }, { type: "merge" });
    assert.deepEqual((await runJson(cluster)).failures, []);
    const late = await runJson(cluster, {}, Date.now() + 330 * DAY_MS);
    assert.ok(
      late.failures.some(({ description }) => description === "issuer cert is valid for at least 60 days"),
    );
  }));

Deno.test("a control plane that crashes is told with the container and what it said, after the wait", () => {
  const crashing = (pod: Pod) => ({
    ...readyStatus(pod, "127.0.0.1", false),
    containerStatuses: [{
      ...readyStatus(pod, "127.0.0.1", false).containerStatuses![0]!,
      state: { waiting: { reason: "CrashLoopBackOff", message: "back-off" } },
      lastState: { terminated: { exitCode: 3, message: "no issuer" } },
    }],
  });
  return withMesh(async (cluster) => {
    await until(cluster, "pods have said something", async () => {
      const { failures } = await runJson(cluster);
      return /container identity exited with 3: no issuer/.test(failures.at(-1)?.error ?? "");
    });
    const clock = { now: Date.now() }, startedAt = clock.now;
    const { environment } = environmentOf(cluster, clock);
    assert.equal(await check({ ...OPTIONS, wait: "1m0s" }, GLOBAL, environment), 1);
    assert.equal(clock.now - startedAt, 60_000);
  }, crashing);
});

Deno.test("--proxy names pods of other trust, other version and without scrapes, and labels that do nothing", () =>
  withMesh(async (cluster) => {
    await untilWell(cluster);
    const metadata = {
      name: "web",
      namespace: "default",
      labels: { [CONTROL_PLANE_NS_LABEL]: "linkerd", "linkerd.io/inject": "enabled" },
      annotations: { "linkerd.io/proxy-version": "0.0.1", "linkerd.io/trust-root-sha256": "0" },
    };
    const containers = [{ name: "linkerd-proxy", image: "proxy" }, { name: "web", image: "web" }];
    await applyObjects(cluster.client, [
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: "default" } },
      { apiVersion: "v1", kind: "Pod", metadata, spec: { containers } } as Pod,
    ], { fieldManager: "test" });
    await until(cluster, "its proxy is ready", async () => {
      const { all } = await runJson(cluster, { proxy: true });
      return all.some(({ description, result }) =>
        description === "data plane proxies are ready" && result === "success"
      );
    });
    const { code, failures } = await runJson(cluster, { proxy: true, namespace: "default" });
    assert.equal(code, 0);
    assert.deepEqual(
      failures.map(({ result, hint, error }) => [result, hint!.slice(12, -3), error!.split("* ").at(-1)]),
      [
        ["warning", "l5d-identity-data-plane-proxies-certs-match-ca", "default/web"],
        ["warning", "l5d-data-plane-version", "default/web (0.0.1)"],
        ["warning", "l5d-data-plane-cli-version", "default/web (0.0.1)"],
        ["warning", "l5d-data-plane-pod-labels", "default/web: linkerd.io/inject should be an annotation"],
        ["warning", "l5d-data-plane-prom", "default/web: its proxy was not scraped yet"],
      ],
    );
    const empty = await runJson(cluster, { proxy: true, namespace: "kube-system" });
    assert.match(empty.failures.at(-1)!.error!, /^no pods with a proxy found in the kube-system namespace/);
  }));

Deno.test("trust anchors that were emptied fail by the ConfigMap's name", () =>
  withMesh(async (cluster) => {
    await untilWell(cluster);
    const data = { "ca-bundle.crt": "none" };
    await cluster.client.patch(CONFIG_MAPS, "linkerd-identity-trust-roots", "linkerd", { data }, {
      type: "merge",
    });
    assert.match(
      (await runJson(cluster)).failures.at(-1)!.error!,
      /trust anchors' ConfigMap holds no certificate/,
    );
  }));

Deno.test("every check names a page that tells symptom, cause and remedy", async () => {
  const modes = [{}, { pre: true }, { crds: true }, { proxy: true }, { cni: true }];
  const categories = modes.flatMap((mode) => categoriesOf({ ...OPTIONS, ...mode }));
  const anchors = new Set(categories.flatMap(({ checks }) => checks.map(({ anchor }) => anchor)));
  for (const anchor of [...anchors, "extensions"]) {
    const page = await Deno.readTextFile(new URL(`../../../docs/checks/${anchor}.md`, import.meta.url));
    assert.match(page, new RegExp(`^# ${anchor}\\n[\\s\\S]+## Symptom[\\s\\S]+## Cause[\\s\\S]+## Remedy`));
  }
});

Deno.test("a controller that is not told of changes is named, with what it is not told of and for how long", () =>
  withMesh(async (cluster) => {
    await untilWell(cluster);
    const metrics = `# TYPE kubernetes_watch_stale_seconds gauge
kubernetes_watch_stale_seconds{kind="pods"} 125.4
kubernetes_watch_stale_seconds{kind="services"} 3
`;
    const { code, failures } = await runJson(cluster, {}, undefined, metrics);
    assert.equal(code, 0); // traffic goes on: a warning
    assert.deepEqual(failures.map(({ hint, result }) => [hint, result]), [
      ["docs/checks/l5d-control-plane-stale.md", "warning"],
    ]);
    assert.match(
      failures[0]!.error!,
      /linkerd-destination-\S+ \(destination\) has not been told of pods for 125 s/,
    );
    assert.doesNotMatch(failures[0]!.error!, /services/);
  }));

function routeDefinition(plural: string, kind: string, version: string) {
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  return {
    metadata: { name: `${plural}.gateway.networking.k8s.io` },
    spec: {
      group: "gateway.networking.k8s.io",
      scope: "Namespaced",
      names: { plural, kind, singular: kind.toLowerCase() },
      versions: [{ name: version, served: true, storage: true, schema }],
    },
  };
}

Deno.test("the Gateway API is not needed, and warned of where its routes cannot be followed", () =>
  withCluster(async (cluster) => {
    const gatewayLine = async () =>
      (await runJson(cluster, { pre: true })).all.find(({ description }) => /Gateway API/.test(description));
    assert.equal(await gatewayLine(), undefined);
    await cluster.client.create(
      CUSTOM_RESOURCE_DEFINITIONS,
      routeDefinition("httproutes", "HTTPRoute", "v1beta1"),
    );
    const line = await gatewayLine();
    assert.equal(line?.result, "warning");
    assert.equal(
      line.error,
      "httproutes.gateway.networking.k8s.io serves v1beta1, not v1; " +
        "grpcroutes.gateway.networking.k8s.io is missing, though the other is there",
    );
    await cluster.client.delete(CUSTOM_RESOURCE_DEFINITIONS, "httproutes.gateway.networking.k8s.io");
    for (const [plural, kind] of [["httproutes", "HTTPRoute"], ["grpcroutes", "GRPCRoute"]] as const) {
      await cluster.client.create(CUSTOM_RESOURCE_DEFINITIONS, routeDefinition(plural, kind, "v1"));
    }
    assert.equal((await gatewayLine())?.result, "success");
  }));
