import assert from "node:assert/strict";
import type { Container, Pod } from "../../kube/kinds.ts";
import {
  environmentOf,
  expand,
  fieldOf,
  type PodFacts,
  type References,
  resourceOf,
  serviceEnvironment,
} from "./environment.ts";
import { Missing } from "./missing.ts";
import { parseQuantity } from "./quantity.ts";

const pod: Pod = {
  metadata: {
    name: "web-1",
    namespace: "shop",
    uid: "u",
    labels: { b: "2", a: '"x"' },
    annotations: { note: "hi" },
  },
  spec: { containers: [{ name: "app", resources: { limits: { cpu: "1500m", memory: "64Mi" } } }] },
};
const facts: PodFacts = {
  pod,
  podAddress: "10.42.0.5",
  hostAddress: "10.42.0.1",
  nodeName: "laptop",
  allocatable: { cpu: 2, memoryBytes: 1 << 30 },
};
const references: References = {
  configMap: (_, name) => name === "settings" ? { data: { COLOR: "red", SIZE: "9" } } : undefined,
  secret: (_, name) => name === "keys" ? { data: { TOKEN: btoa("s3cret") } } : undefined,
};
const build = (container: Partial<Container>, base: Record<string, string> = {}) =>
  Object.fromEntries(
    environmentOf({ name: "app", ...container }, facts, references, new Map(Object.entries(base))),
  );

for (
  const [text, expected] of [
    ["$(A)", "1"],
    ["x$(A)y$(B)", "x1y2"],
    ["$$(A)", "$(A)"],
    ["$(C)", "$(C)"],
    ["$A ${A} $", "$A ${A} $"],
    ["$(A", "$(A"],
    ["$$$(A)", "$1"],
  ] as const
) {
  Deno.test(`${text} becomes ${expected}`, () => {
    assert.equal(expand(text, new Map([["A", "1"], ["B", "2"]])), expected);
  });
}

Deno.test("values, references and what was defined before make the environment; later entries win", () => {
  assert.deepEqual(
    build({
      envFrom: [{ configMapRef: { name: "settings" } }, { prefix: "K_", secretRef: { name: "keys" } }, {
        configMapRef: { name: "absent", optional: true },
      }],
      env: [
        { name: "COLOR", value: "blue" },
        { name: "_pod", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        { name: "ID", value: '{"pod":"$(_pod)", "base":"$(BASE)", "later":"$(LAST)"}' },
        { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
        { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu", containerName: "app" } } },
        { name: "TOKEN", valueFrom: { secretKeyRef: { name: "keys", key: "TOKEN" } } },
        { name: "NONE", valueFrom: { configMapKeyRef: { name: "settings", key: "absent", optional: true } } },
        { name: "LAST", value: "end" },
      ],
    }, { BASE: "b" }),
    {
      BASE: "b",
      COLOR: "blue",
      SIZE: "9",
      K_TOKEN: "s3cret",
      _pod: "web-1",
      ID: '{"pod":"web-1", "base":"b", "later":"$(LAST)"}',
      IP: "10.42.0.5",
      CPU: "2",
      TOKEN: "s3cret",
      LAST: "end",
    },
  );
});

for (
  const [container, message] of [
    [{ envFrom: [{ secretRef: { name: "absent" } }] }, /^secret "absent" not found$/],
    [
      { env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "absent", key: "a" } } }] },
      /^configmap "absent" not/,
    ],
    [
      { env: [{ name: "A", valueFrom: { secretKeyRef: { name: "keys", key: "nope" } } }] },
      /^couldn't find key nope in secret shop\/keys$/,
    ],
    [
      { env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "spec.magic" } } }] },
      /^unsupported field: spec.magic$/,
    ],
  ] as const
) {
  Deno.test(`a reference that leads nowhere says so: ${message}`, () => {
    assert.throws(
      () => build(container as unknown as Partial<Container>),
      (error) => error instanceof Missing && message.test(error.message),
    );
  });
}

Deno.test("labels and annotations are offered whole, sorted and quoted, or one by one", () => {
  assert.equal(fieldOf(facts, "metadata.labels"), 'a="\\"x\\""\nb="2"');
  assert.equal(fieldOf(facts, "metadata.annotations['note']"), "hi");
  assert.equal(fieldOf(facts, "metadata.labels['absent']"), "");
});

Deno.test("resources are given in the divisor's units, rounded up, and default to what the machine has", () => {
  const app = pod.spec!.containers[0];
  assert.equal(resourceOf(facts, app, "limits.cpu", "1m"), "1500");
  assert.equal(resourceOf(facts, app, "limits.memory", "1Mi"), "64");
  assert.equal(resourceOf(facts, undefined, "limits.cpu"), "2");
  assert.equal(resourceOf(facts, undefined, "requests.cpu"), "0");
  assert.equal(
    resourceOf(facts, { name: "x", resources: { limits: { cpu: "100m" } } }, "limits.cpu", "1m"),
    "100",
  );
  assert.equal(resourceOf(facts, app, "limits.gpu"), undefined);
});

Deno.test("quantities are read with their suffixes", () => {
  const read = ["100m", "1.5Gi", "2e3", "1k", "12", ".5", "x", "1Q", ""].map(parseQuantity);
  assert.deepEqual(read, [0.1, 1.5 * 2 ** 30, 2000, 1000, 12, 0.5, undefined, undefined, undefined]);
});

Deno.test("services of the pod's namespace and the API server are in the environment", () => {
  const service = (namespace: string, name: string, clusterIP: string) => ({
    metadata: { namespace, name },
    spec: { clusterIP, ports: [{ name: "http-main", port: 80 }] },
  });
  const services = [
    service("shop", "front-end", "10.43.0.7"),
    service("other", "x", "10.43.0.8"),
    service("default", "kubernetes", "10.43.0.1"),
    service("shop", "headless", "None"),
  ];
  assert.deepEqual(Object.fromEntries(serviceEnvironment(services, "shop")), {
    FRONT_END_SERVICE_HOST: "10.43.0.7",
    FRONT_END_SERVICE_PORT: "80",
    FRONT_END_SERVICE_PORT_HTTP_MAIN: "80",
    KUBERNETES_SERVICE_HOST: "10.43.0.1",
    KUBERNETES_SERVICE_PORT: "80",
    KUBERNETES_SERVICE_PORT_HTTP_MAIN: "80",
  });
  assert.ok(!serviceEnvironment(services, "shop", false).has("FRONT_END_SERVICE_HOST"));
});
