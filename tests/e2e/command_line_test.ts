/**
 * The command line as a user has it, from an empty cluster to an empty cluster: install in both ways, inject, look,
 * break things and have check find them, upgrade, uninstall.
 */
import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  MUTATING_WEBHOOKS,
  NAMESPACES,
  PODS,
  SECRETS,
} from "../../src/kube/kinds.ts";
import type { KubernetesObject } from "../../src/kube/resource.ts";
import { createAuthority } from "../../src/control/identity/authority.ts";
import { isNotFound } from "../../src/kube/client.ts";
import { isolationObstacle } from "../../src/linux/unshare.ts";
import { waitForWorkloads } from "../../src/local/workloads.ts";
import { RESOURCE_KINDS } from "../../src/mesh/api.ts";
import { laptopValues } from "../../manifests/laptop.ts";
import { shopText } from "./meshed_shop.ts";
import { type LocalCluster, localUp } from "./local_cluster.ts";
import { PATIENCE_MS, until } from "./until.ts";

const obstacle = isolationObstacle();

interface CheckReport {
  readonly success: boolean;
  readonly categories: {
    readonly categoryName: string;
    readonly checks: { readonly description: string; readonly result: string; readonly error?: string }[];
  }[];
}

/** Runs check and tells what it found wrong: descriptions and errors. */
async function findings(cluster: LocalCluster, flags = ""): Promise<{ code: number; wrong: string }> {
  const { code, stdout, stderr } = await cluster.linkerd(`check --wait 1s -o json ${flags}`);
  ok(stdout.startsWith("{"), `${stdout}${stderr}`);
  const { success, categories } = JSON.parse(stdout) as CheckReport;
  equal(success, code === 0);
  const wrong = categories.flatMap(({ checks }) => checks).filter(({ result }) => result === "error");
  return { code, wrong: wrong.map(({ description, error }) => `${description}: ${error}`).join("\n") };
}

const json = async (cluster: LocalCluster, line: string) => JSON.parse(await cluster.ok(`${line} -o json`));

/** Collections in which the mesh has objects. */
const COLLECTIONS = [
  "/api/v1/namespaces",
  "/api/v1/pods",
  "/api/v1/secrets",
  "/api/v1/configmaps",
  "/api/v1/services",
  "/api/v1/serviceaccounts",
  "/apis/apps/v1/deployments",
  "/apis/apps/v1/replicasets",
  "/apis/rbac.authorization.k8s.io/v1/clusterroles",
  "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
  "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
  "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
];

/** What of the mesh a cluster still holds: by its label, or by its namespace. */
async function remains({ client }: LocalCluster): Promise<string[]> {
  const found: string[] = [];
  for (const path of COLLECTIONS) {
    const { items } = await (await client.raw("GET", path)).json() as { items: KubernetesObject[] };
    for (const { metadata } of items) {
      const isOurs = metadata?.labels?.["linkerd.io/control-plane-ns"] !== undefined ||
        metadata?.namespace === "linkerd" || metadata?.name === "linkerd";
      if (isOurs) found.push(`${path} ${metadata?.name}`);
    }
  }
  return found;
}

/** Stories, in the order in which a user meets them. Each leaves the cluster as the next wants it. */
const STORIES: readonly (readonly [string, (cluster: LocalCluster) => Promise<void>])[] = [
  ["an empty cluster passes check --pre, and check says that nothing is installed", async (cluster) => {
    equal((await findings(cluster, "--pre")).wrong, "");
    const { code, wrong } = await findings(cluster);
    equal(code, 1);
    match(wrong, /'linkerd-config' config map exists/);
    match((await cluster.linkerd("stat deploy")).stderr, /service-not-found|service-unreachable/);
  }],

  [
    "install prints what kubectl applies: definitions, then the control plane with a file of values",
    async (cluster) => {
      const early = await cluster.linkerd("install");
      equal(early.code, 1);
      match(early.stderr, /definitions-missing.*\n.*linkerd install --crds/);
      await cluster.apply(await cluster.ok("install --crds"));
      const values = `${cluster.kubeconfig}.values.json`;
      await Deno.writeTextFile(values, JSON.stringify(laptopValues));
      const manifest = await cluster.ok(`install --values ${values} --set proxy.logLevel=linkerd=debug`);
      await cluster.apply(manifest);
      await waitForWorkloads(cluster.client, "linkerd", { timeoutMs: PATIENCE_MS });
      const { code, wrong } = await findings(cluster);
      equal(wrong, "");
      equal(code, 0);
      const again = await cluster.linkerd("install");
      equal(again.code, 1);
      match(again.stderr, /already-installed.*\n.*linkerd upgrade/);
    },
  ],

  ["uninstall leaves nothing", async (cluster) => {
    const printed = await cluster.ok("uninstall");
    match(printed, /kind: MutatingWebhookConfiguration/);
    equal((await json(cluster, "uninstall --apply")).kind, "List");
    await until("everything is gone", () => remains(cluster), (found) => found.length === 0);
    equal((await cluster.linkerd("uninstall")).code, 1);
  }],

  ["install --apply does both and waits", async (cluster) => {
    const values = `${cluster.kubeconfig}.values.json`;
    const { stdout, stderr, code } = await cluster.linkerd(`install --apply --values ${values} -o json`);
    equal(code, 0, stderr);
    const { applied, isReady } = JSON.parse(stdout);
    equal(isReady, true);
    ok(applied.length > 30, `${applied.length} objects`);
    match(stderr, /√ wait until the control plane is ready/);
    equal((await findings(cluster)).wrong, "");
  }],

  ["inject: from standard input, by file, twice the same; uninject takes it back", async (cluster) => {
    // Little load: commands are what is looked at here.
    const plain = shopText().replace(/ +annotations:\n +linkerd\.io\/inject: enabled\n/, "")
      .replace("args: [load]", 'args: [load]\n          env: [{ name: RPS, value: "30" }]');
    const { stdout, stderr, code } = await cluster.linkerd("inject -", { input: plain });
    equal(code, 0, stderr);
    match(stderr, /deployment "web" injected/);
    match(stderr, /namespace "shop" (injected|annotated)/);
    const file = `${cluster.kubeconfig}.shop.yaml`;
    await Deno.writeTextFile(file, stdout);
    equal(await cluster.ok(`inject ${file}`), stdout, "doing it again changes nothing");
    const list = await json(cluster, `inject ${file}`);
    ok(list.kind === "List" || Array.isArray(list.items), "JSON holds the same objects");
    const without = await cluster.ok(`uninject ${file}`);
    equal(without.includes("linkerd.io/inject"), false);
    await cluster.apply(stdout);
    await waitForWorkloads(cluster.client, "shop", { timeoutMs: PATIENCE_MS });
    for (const { metadata } of (await cluster.client.list(PODS, { namespace: "shop" })).items) {
      equal(metadata?.labels?.["linkerd.io/control-plane-ns"], "linkerd", String(metadata?.name));
    }
  }],

  [
    "stat tells every kind, as table, wide and JSON, and by peer; edges and identity say who",
    async (cluster) => {
      await until(
        "traffic is counted",
        () => json(cluster, "stat deploy/web -n shop"),
        ([web]) => web?.total_success > 50 && web.success !== null,
      );
      const full = ["namespace", "deployment", "statefulset", "pod", "service", "authority"];
      await Promise.all(RESOURCE_KINDS.map(async (kind) => {
        const rows = await json(cluster, `stat ${kind} -n shop -t 5m`);
        if (full.includes(kind)) ok(rows.length > 0, kind);
        for (const row of rows) equal(row.kind, kind);
      }));
      const tables: readonly (readonly [string, RegExp])[] = [
        ["deploy -n shop", /^NAME +MESHED +SUCCESS +RPS +LATENCY_P50.*TCP_CONN\n/],
        ["deploy -n shop -o wide", /READ_BYTES\/SEC.*MTLS.*TOTAL/],
        ["po -n shop", /STATUS/],
        ["deploy sts -n shop", /deploy\/web[^]*sts\/catalog/],
        ["all -n shop", /po\/[^]*svc\//],
        ["deploy -A", /^NAMESPACE/],
      ];
      await Promise.all(tables.map(async ([line, table]) => match(await cluster.ok(`stat ${line}`), table)));
      const peers: readonly (readonly [string, readonly string[]])[] = [
        ["--to svc/catalog", ["recommend", "web"]],
        ["--from deploy/web", ["cart", "payment", "recommend"]],
      ];
      await Promise.all(peers.map(async ([flag, names]) => {
        const rows = await json(cluster, `stat deploy -n shop -t 5m ${flag}`);
        deepEqual(rows.map(({ name }: { name: string }) => name).sort(), names);
      }));
      const window = await cluster.linkerd("stat deploy -n shop -t nonsense");
      equal(window.code, 2);
      match(window.stderr, /nonsense/);

      const edges = await json(cluster, "edges deploy -n shop");
      ok(edges.length >= 6, `${edges.length} edges`);
      for (const edge of edges) equal(edge.no_tls_reason, "", JSON.stringify(edge));
      match(await cluster.ok("edges deploy -n shop -o wide"), /CLIENT_ID +SERVER_ID +SECURED[^]*√/);
      const identities = await json(cluster, "identity -n shop");
      ok(identities.length >= 8, JSON.stringify(identities));
      match(
        await cluster.ok("identity -n shop"),
        /web\.shop\.serviceaccount\.identity\.linkerd\.cluster\.local/,
      );
    },
  ],

  ["diagnostics, version, explain and completion speak JSON too", async (cluster) => {
    match(await cluster.ok("diagnostics proxy-metrics deploy/web -n shop"), /^request_total\{/m);
    ok(
      JSON.stringify(await json(cluster, "diagnostics proxy-metrics deploy/web -n shop")).includes(
        "request_total",
      ),
    );
    match(await cluster.ok("diagnostics controller-metrics"), /grpc_server_handled_total/);
    await json(cluster, "diagnostics controller-metrics");
    const version = JSON.stringify(await json(cluster, "version --proxy -n shop"));
    match(version, /\d+\.\d+\.\d+/);
    await json(cluster, "explain connect-failed");
    await json(cluster, "explain");
    match((await json(cluster, "completion bash")).script, /linkerd/);
    await json(cluster, "prune");
    await json(cluster, "install --ignore-cluster");
    await json(cluster, "upgrade");
    const status = await json(cluster, "local status");
    equal(status.pid, cluster.state.pid);
    ok(status.pods.length >= 13, `${status.pods.length} pods`);
    const [pod] = (await cluster.client.list(PODS, { namespace: "shop", labelSelector: "app=web" })).items;
    const lines = await cluster.ok(`local logs ${pod?.metadata?.name} -n shop -c linkerd-proxy -o json`);
    match(JSON.parse(lines.split("\n")[0]!).time, /^\d{4}-\d\d-\d\dT/);
  }],

  ["check finds a control plane that is down, and passes when it is back", async (cluster) => {
    const scale = (replicas: number) =>
      cluster.client.patch(DEPLOYMENTS, "linkerd-destination", "linkerd", { spec: { replicas } }, {
        type: "merge",
      });
    await scale(0);
    await until("it is down", () => findings(cluster), ({ wrong }) => /destination/.test(wrong));
    await scale(1);
    await until("it is back", () => findings(cluster), ({ code }) => code === 0);
  }],

  ["check finds a webhook that is gone", async (cluster) => {
    const name = "linkerd-proxy-injector-webhook-config";
    const kept = await cluster.client.get(MUTATING_WEBHOOKS, name);
    await cluster.client.delete(MUTATING_WEBHOOKS, name);
    const { code, wrong } = await findings(cluster);
    equal(code, 1);
    match(wrong, /MutatingWebhookConfigurations exist: .*linkerd-proxy-injector-webhook-config/);
    const { resourceVersion: _, uid: __, creationTimestamp: ___, ...metadata } = kept.metadata!;
    await cluster.client.create(MUTATING_WEBHOOKS, { ...kept, metadata });
    await until("it is back", () => findings(cluster), ({ code }) => code === 0);
  }],

  ["check finds an issuer that has expired, by its date", async (cluster) => {
    const issuer = await cluster.client.get(SECRETS, "linkerd-identity-issuer", "linkerd");
    const anchors = await cluster.client.get(CONFIG_MAPS, "linkerd-identity-trust-roots", "linkerd");
    const old = await createAuthority("identity.linkerd.cluster.local", {
      now: Date.parse("2020-01-01"),
      lifetimeMs: 86_400_000,
    });
    const put = (data: Record<string, string>, bundle: string) =>
      Promise.all([
        cluster.client.patch(SECRETS, "linkerd-identity-issuer", "linkerd", { data }, { type: "merge" }),
        cluster.client.patch(CONFIG_MAPS, "linkerd-identity-trust-roots", "linkerd", {
          data: { "ca-bundle.crt": bundle },
        }, { type: "merge" }),
      ]);
    await put({ "crt.pem": btoa(old.certificatePem), "key.pem": btoa(old.keyPem) }, old.certificatePem);
    const { code, wrong } = await findings(cluster);
    equal(code, 1);
    match(wrong, /within their validity period: .*2020/);
    await put(issuer.data as Record<string, string>, anchors.data?.["ca-bundle.crt"] ?? "");
    equal((await findings(cluster)).wrong, "");
  }],

  ["check --proxy finds a proxy that is not ready", async (cluster) => {
    await cluster.apply(JSON.stringify({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: "stuck",
        namespace: "shop",
        annotations: {
          "linkerd.io/inject": "enabled",
          // Nobody listens there: the proxy never gets a certificate.
          "config.linkerd.io/proxy-additional-env":
            '[{"name":"LINKERD2_PROXY_IDENTITY_SVC_ADDR","value":"localhost.:1"}]',
        },
      },
      spec: { containers: [{ name: "sleep", image: "linkerd-deno/demo", args: ["store"] }] },
    }));
    const { code, wrong } = await until(
      "it is found",
      () => findings(cluster, "--proxy -n shop"),
      ({ wrong }) => /stuck/.test(wrong),
    );
    equal(code, 1);
    match(wrong, /data plane proxies are ready: .*stuck/);
    await cluster.client.delete(PODS, "stuck", "shop", { gracePeriodSeconds: 0 });
    await until("it passes", () => findings(cluster, "--proxy -n shop"), ({ code }) => code === 0);
  }],

  ["upgrade changes a value and nothing else", async (cluster) => {
    const anchors = async () =>
      (await cluster.client.get(CONFIG_MAPS, "linkerd-identity-trust-roots", "linkerd")).data;
    const before = await anchors();
    const { code, stderr } = await cluster.linkerd("upgrade --apply --set metricsApi.scrapeInterval=2s");
    equal(code, 0, stderr);
    equal(stderr.includes("trust anchors change"), false);
    const deployment = await cluster.client.get(DEPLOYMENTS, "metrics-api", "linkerd");
    ok(deployment.spec?.template.spec?.containers[0]?.args?.includes("--scrape-interval=2s"));
    deepEqual(await anchors(), before);
    const config = await cluster.client.get(CONFIG_MAPS, "linkerd-config", "linkerd");
    match(config.data?.values ?? "", /scrapeInterval: 2s/);
    match(config.data?.values ?? "", /imagePullPolicy: Never/, "what was set before stays");
    await until("it is well", () => findings(cluster), ({ code }) => code === 0);
  }],

  [
    "uninstall is refused while pods are meshed, by their names; when they are gone it leaves nothing",
    async (cluster) => {
      const refused = await cluster.linkerd("uninstall --apply");
      equal(refused.code, 1);
      match(refused.stderr, /still-in-use|pods are meshed: shop\/cart-/);
      await cluster.client.delete(NAMESPACES, "shop");
      await until(
        "the shop is gone",
        () =>
          cluster.client.get(NAMESPACES, "shop").then(() => false, (error) => {
            if (isNotFound(error)) return true;
            throw error;
          }),
        (isGone) => isGone,
      );
      await cluster.ok("uninstall --apply");
      await until("everything is gone", () => remains(cluster), (found) => found.length === 0);
    },
  ],

  ["local down ends the cluster and says which", async (cluster) => {
    const { code, stdout, stderr } = await cluster.down();
    equal(code, 0, stderr);
    deepEqual(JSON.parse(stdout), { ended: cluster.state.pid });
    notEqual((await cluster.down()).code, 0);
    const directory = cluster.kubeconfig.replace(/\/[^/]*$/, "");
    equal(
      [...Deno.readDirSync(directory.replace(/\/[^/]*$/, ""))].some(({ name }) => directory.endsWith(name)),
      false,
    );
  }],
];

Deno.test({
  name: "the command line, from an empty cluster to an empty cluster",
  ignore: obstacle !== undefined,
  async fn(test) {
    const cluster = await localUp("--no-mesh");
    try {
      for (const [sentence, tell] of STORIES) {
        if (!await test.step(sentence, () => tell(cluster))) return; // the next ones build on it
      }
    } finally {
      await cluster.end();
    }
  },
});
