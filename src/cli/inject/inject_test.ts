import assert from "node:assert/strict";
import { MeshFailure } from "../../mesh/error.ts";
import { defaultValues } from "../../mesh/values.ts";
import { type Manifest, readDocuments, writeDocuments } from "./documents.ts";
import { overridesOf } from "./flags.ts";
import { inject, type InjectSettings } from "./inject.ts";
import { formatReports } from "./report.ts";
import { uninject } from "./uninject.ts";

const DEPLOYMENT = `# a shop
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    metadata:
      labels: { app: web }
    spec:
      containers:
        - name: web
          image: web:1
          env: [{ name: ANSWER, value: "on" }]
      volumes: [{ name: keys, secret: { secretName: keys, defaultMode: 0640 } }]
`;
const SERVICE = "apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { ports: [{ port: 80 }] }\n";
const NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n";

const settings = (change: Partial<InjectSettings> = {}): InjectSettings => ({
  isManual: false,
  isIngress: false,
  overrides: {},
  values: defaultValues(),
  ...change,
});
const read = (text: string) => readDocuments(text, "shop.yaml");
type Template = {
  spec: {
    template: {
      metadata: { annotations?: Record<string, string>; labels?: Record<string, string> };
      spec: { containers: { name: string }[]; initContainers?: { name: string }[]; volumes: unknown[] };
    };
  };
};
const templateIn = (manifest: Manifest | undefined) => (manifest as unknown as Template).spec.template;

Deno.test("inject annotates pod templates and namespaces, and reports every object", () => {
  const { manifests, reports } = inject(read([DEPLOYMENT, SERVICE, NAMESPACE].join("---\n")), settings());
  assert.deepEqual(templateIn(manifests[0]).metadata.annotations, { "linkerd.io/inject": "enabled" });
  assert.deepEqual(manifests[1], read(SERVICE)[0]);
  assert.deepEqual(manifests[2]!.metadata, { name: "shop", annotations: { "linkerd.io/inject": "enabled" } });
  assert.equal(
    formatReports(reports),
    'deployment "web" injected\nservice "web" skipped\nnamespace "shop" injected\n',
  );
});

Deno.test("flags become annotations, and of them a Service takes the opaque ports alone", () => {
  const overrides = overridesOf({ opaquePorts: "3306", proxyLogLevel: "debug", nativeSidecar: true });
  const { manifests, reports } = inject(read(`${DEPLOYMENT}---\n${SERVICE}`), settings({ overrides }));
  assert.deepEqual(templateIn(manifests[0]).metadata.annotations, {
    "linkerd.io/inject": "enabled",
    "config.linkerd.io/opaque-ports": "3306",
    "config.linkerd.io/proxy-log-level": "debug",
    "config.beta.linkerd.io/proxy-enable-native-sidecar": "true",
  });
  assert.deepEqual(manifests[1]!.metadata, {
    name: "web",
    annotations: { "config.linkerd.io/opaque-ports": "3306" },
  });
  assert.equal(reports[1]!.outcome, "annotated");
});

Deno.test("manual injection writes the proxy, doing it again changes nothing, and uninject takes it out", () => {
  const original = read(DEPLOYMENT);
  const once = inject(original, settings({ isManual: true })).manifests;
  const { spec, metadata } = templateIn(once[0]);
  assert.deepEqual(spec.containers.map((one) => one.name), ["web"]);
  assert.deepEqual(spec.initContainers?.map((one) => one.name), ["linkerd-init", "linkerd-proxy"]);
  assert.match(metadata.annotations?.["linkerd.io/created-by"] ?? "", /^linkerd\/cli /);
  assert.equal(metadata.labels?.["linkerd.io/proxy-deployment"], "web");
  const again = inject(read(writeDocuments(once, "yaml")), settings({ isManual: true })).manifests;
  assert.deepEqual(again, once);
  const { manifests, reports } = uninject(once);
  assert.equal(formatReports(reports), 'deployment "web" uninjected\n');
  delete templateIn(manifests[0]).metadata.annotations;
  assert.deepEqual(manifests, original);
});

Deno.test("lists are opened, and what refuses is skipped with a warning and left alone", () => {
  const [deployment] = read(DEPLOYMENT);
  const refusing = structuredClone(deployment!);
  templateIn(refusing).metadata.annotations = { "linkerd.io/inject": "disabled" };
  const list = [{ apiVersion: "v1", kind: "List", items: [deployment!, refusing] }, { data: 1 }];
  const { manifests, reports } = inject(list, settings());
  const items = manifests[0]!.items as Manifest[];
  assert.equal(templateIn(items[0]).metadata.annotations?.["linkerd.io/inject"], "enabled");
  assert.deepEqual(items[1], refusing);
  assert.equal(
    formatReports(reports),
    '‼ "linkerd.io/inject: disabled" annotation set on deployment/web\n\n' +
      'deployment "web" injected\ndeployment "web" skipped\ndocument missing "kind" field, skipped\n',
  );
});

Deno.test("a broken file is named with its line", () => {
  const broken = `${SERVICE}---\nkind: Service\nmetadata:\n  name: [web\n`;
  assert.throws(() => read(broken), (error) => {
    assert.ok(error instanceof MeshFailure);
    assert.equal(error.error.source, "usage");
    assert.match(error.error.detail, /^shop\.yaml:(8|9): /);
    return true;
  });
  assert.throws(() => read("kind: Pod\n---\njust text\n"), /shop\.yaml:3: this is no Kubernetes object/);
});

Deno.test("YAML means what it means to Kubernetes, in and out", () => {
  const [deployment] = read(DEPLOYMENT);
  assert.deepEqual(templateIn(deployment).spec.volumes, [
    { name: "keys", secret: { secretName: "keys", defaultMode: 0o640 } },
  ]);
  assert.match(writeDocuments([deployment!], "yaml"), /value: "on"/);
  assert.deepEqual(read(writeDocuments([deployment!], "yaml")), [deployment]);
  assert.deepEqual(JSON.parse(writeDocuments([deployment!], "json")), deployment);
});
