/** The charts as Helm renders them, beside what `linkerd install` prints for the same values. */
import assert from "node:assert/strict";
import { parse, parseAllDocuments, stringify } from "yaml";
import { findHelm, NO_HELM } from "../../tests/helm.ts";
import type { KubernetesObject } from "../../src/kube/resource.ts";
import { defaultValues, mergeValues, type PartialValues, type Values } from "../../src/mesh/values.ts";
import { credentialValues, generateCredentials, renderCrds, renderInstall } from "../render.ts";
import { YAML_OPTIONS } from "../yaml_options.ts";
import { charts, chartValues } from "./chart.ts";

const NOW = Date.parse("2026-06-01T00:00:00Z");
const HIGH_AVAILABILITY: PartialValues = {
  highAvailability: true,
  controllerReplicas: 3,
  enablePodAntiAffinity: true,
  enablePodDisruptionBudget: true,
  webhookFailurePolicy: "Fail",
  controllerResources: {
    cpu: { request: "100m", limit: "" },
    memory: { request: "50Mi", limit: "250Mi" },
  },
  proxy: { resources: { cpu: { request: "100m" }, memory: { request: "20Mi", limit: "250Mi" } } },
};
const FILES = charts(defaultValues(), HIGH_AVAILABILITY);
const helm = findHelm();

interface Rendered {
  readonly code: number;
  readonly objects: KubernetesObject[];
  readonly stderr: string;
}

/** Runs `helm template`. @param values the user's file of values */
async function template(chart: string, namespace: string, values: unknown): Promise<Rendered> {
  const directory = await Deno.makeTempDir({ prefix: "chart-" });
  try {
    for (const { path, text } of FILES) {
      await Deno.mkdir(`${directory}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${directory}/${path}`, text);
    }
    await Deno.writeTextFile(`${directory}/mine.yaml`, stringify(values, YAML_OPTIONS));
    const args = [
      "template",
      "mesh",
      `${directory}/${chart}`,
      "-n",
      namespace,
      "-f",
      `${directory}/mine.yaml`,
    ];
    const { code, stdout, stderr } = await new Deno.Command(helm!, {
      args: [...args, "--kube-version", "1.35.0"],
      env: { HOME: directory },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    const objects = parseAllDocuments(text(stdout)).map((document) => document.toJS()).filter((one) =>
      one !== null
    );
    return { code, objects: objects as KubernetesObject[], stderr: text(stderr) };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** By kind and name, without what Helm cannot know or need not say. */
function comparable(objects: readonly KubernetesObject[]): Record<string, unknown> {
  const entries = objects.filter(({ kind }) => kind !== "Namespace").map((object) => {
    const copy = JSON.parse(
      JSON.stringify(
        object,
        (key, value) => key === "resources" && JSON.stringify(value) === "{}" ? undefined : value,
      ),
    ) as KubernetesObject;
    const { kind, metadata } = copy;
    if (kind === "Secret") delete (metadata as { annotations?: unknown }).annotations; // when the issuer ends
    const data = (copy as { data?: { values?: string } }).data;
    if (data?.values !== undefined) (data as { values: unknown }).values = parse(data.values);
    return [`${kind} ${metadata?.name}`, copy] as const;
  });
  return Object.fromEntries(entries.sort(([left], [right]) => left < right ? -1 : 1));
}

async function withCredentials(change: PartialValues): Promise<Values> {
  const values = chartValues(mergeValues(defaultValues(), change));
  return mergeValues(values, credentialValues(await generateCredentials(values, NOW)));
}

const CASES: readonly (readonly [sentence: string, namespace: string, change: PartialValues])[] = [
  ["the defaults", "linkerd", {}],
  ["high availability", "linkerd", HIGH_AVAILABILITY],
  ["another namespace, registry and trust domain", "mesh", {
    namespace: "mesh",
    identityTrustDomain: "mesh.example",
    controllerImage: "registry.example/controller",
    imagePullPolicy: "Always",
    proxy: { image: { name: "registry.example/proxy", version: "9.9", pullPolicy: "Never" } },
  }],
  ["every switch turned", "linkerd", {
    enableH2Upgrade: false,
    enablePodDisruptionBudget: true,
    metricsApi: { enabled: false },
    proxyInit: { privileged: true, runAsRoot: true },
    proxy: { enableShutdownEndpoint: true, enableExternalProfiles: true, metrics: { hostnameLabels: true } },
  }],
  ["numbers, texts with commas and percent signs", "linkerd", {
    controllerUID: 5000,
    controllerReplicas: 2,
    controllerLogLevel: "debug",
    clusterNetworks: "10.0.0.0/8,fd00::/8",
    identity: { issuer: { issuanceLifetime: "48h", clockSkewAllowance: "1m" } },
    proxy: {
      uid: 7000,
      logLevel: 'warn,linkerd=debug,"100%"',
      opaquePorts: "25,3306",
      ports: { admin: 5191 },
    },
    proxyInit: { ignoreInboundPorts: "22", ignoreOutboundPorts: "8300-8400", kubeAPIServerPorts: "6443" },
    metricsApi: { replicas: 2, scrapeInterval: "5s", retention: "1h" },
    webhookFailurePolicy: "Fail",
  }],
  ["tracing, which only the injector reads", "linkerd", {
    proxy: {
      tracing: {
        enabled: true,
        labels: { "deployment.environment.name": "test" },
        collector: {
          endpoint: "jaeger.tracing:4317",
          meshIdentity: { serviceAccountName: "jaeger", namespace: "tracing" },
        },
      },
    },
  }],
];

for (const [sentence, namespace, change] of CASES) {
  Deno.test({
    name: `Helm renders what install prints: ${sentence}${helm === undefined ? ` (${NO_HELM})` : ""}`,
    ignore: helm === undefined,
    fn: async () => {
      const values = await withCredentials(change), { namespace: _, ...mine } = values;
      const { code, objects, stderr } = await template("linkerd-control-plane", namespace, mine);
      assert.equal(code, 0, stderr);
      assert.deepEqual(comparable(objects), comparable(renderInstall(values)));
    },
  });
}

const REFUSALS: readonly (readonly [sentence: string, change: PartialValues, said: RegExp])[] = [
  ["without anchors", { identityTrustAnchorsPEM: "" }, /trust anchors are needed/],
  [
    "without an issuer",
    { identity: { issuer: { tls: { crtPEM: "", keyPEM: "" } } } },
    /issuer's certificate is needed/,
  ],
  [
    "what is fixed when a chart is made",
    { cniEnabled: true },
    /cniEnabled is fixed when the chart is made.*--output-chart/,
  ],
  [
    "tracing without a collector",
    { proxy: { tracing: { enabled: true } } },
    /proxy\.tracing\.collector\.endpoint is needed/,
  ],
];

for (const [sentence, change, said] of REFUSALS) {
  Deno.test({
    name: `a chart is refused ${sentence}, in a sentence${helm === undefined ? ` (${NO_HELM})` : ""}`,
    ignore: helm === undefined,
    fn: async () => {
      const { namespace: _, ...mine } = mergeValues(await withCredentials({}), change);
      const { code, stderr } = await template("linkerd-control-plane", "linkerd", mine);
      assert.notEqual(code, 0);
      assert.match(stderr, said);
    },
  });
}

Deno.test({
  name: `another tool's issuer and anchors leave both out, and definitions are a chart of their own${
    helm === undefined ? ` (${NO_HELM})` : ""
  }`,
  ignore: helm === undefined,
  fn: async () => {
    const values = await withCredentials({
      identity: { externalCA: true, issuer: { scheme: "kubernetes.io/tls" } },
    });
    const { namespace: _, ...mine } = values;
    const { objects } = await template("linkerd-control-plane", "linkerd", mine);
    assert.deepEqual(comparable(objects), comparable(renderInstall(values)));
    assert.equal(objects.some(({ kind }) => kind === "Secret"), false);
    const definitions = await template("linkerd-crds", "linkerd", {});
    assert.deepEqual(comparable(definitions.objects), comparable(renderCrds()));
  },
});

Deno.test("a chart is the same bytes each time, and holds no key", () => {
  assert.deepEqual(charts(defaultValues(), HIGH_AVAILABILITY), FILES);
  assert.ok(FILES.every(({ text }) => !text.includes("PRIVATE KEY")));
});
