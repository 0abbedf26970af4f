import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import type { Deployment, NetworkPolicy, PodSpec } from "../src/kube/kinds.ts";
import type { KubernetesObject } from "../src/kube/resource.ts";
import { loadIssuer } from "../src/control/identity/trust.ts";
import { Flags } from "../src/control/process/flags.ts";
import { policyConfig } from "../src/control/policy/role.ts";
import { MeshFailure } from "../src/mesh/error.ts";
import {
  credentialValues,
  defaultValues,
  generateCredentials,
  laptopValues,
  mergeValues,
  renderCrds,
  renderInstall,
  toYaml,
} from "./render.ts";

const NOW = Date.parse("2026-06-01T00:00:00Z");
const credentials = await generateCredentials(defaultValues(), NOW);
const VALUES = mergeValues(defaultValues(), credentialValues(credentials));

function find(objects: KubernetesObject[], kind: string, name: string): KubernetesObject {
  const found = objects.find((one) => one.kind === kind && one.metadata?.name === name);
  assert.ok(found, `${kind} ${name} is missing`);
  return found;
}

function podSpec(objects: KubernetesObject[], name: string): PodSpec {
  return (find(objects, "Deployment", name) as Deployment).spec!.template.spec!;
}

Deno.test("an install is the same each time, and YAML gives back the objects", () => {
  const objects = renderInstall(VALUES);
  assert.equal(toYaml(objects), toYaml(renderInstall(VALUES)));
  const parsed = parseAllDocuments(toYaml(objects)).map((document) => document.toJS());
  assert.deepEqual(parsed, JSON.parse(JSON.stringify(objects)));
});

Deno.test("texts that YAML 1.1, and so kubectl and Helm, take for booleans or numbers are quoted", () => {
  const additionalEnv = ["off", "yes", "on", "0123", "1:30"].map((value) => ({ name: "X", value }));
  const text = toYaml(renderInstall(mergeValues(VALUES, { proxy: { additionalEnv } })));
  for (const { value } of additionalEnv) assert.match(text, new RegExp(`value: "${value}"\n`), value);
  const config = find(renderInstall(VALUES), "ConfigMap", "linkerd-config") as {
    data?: Record<string, string>;
  };
  assert.match(config.data?.["values"] ?? "", /logHTTPHeaders: "off"/);
});

Deno.test("an install holds Linkerd's objects by Linkerd's names, each kind and name once", () => {
  const objects = renderInstall(VALUES);
  for (
    const [kind, name] of [
      ["Namespace", "linkerd"],
      ["ConfigMap", "linkerd-config"],
      ["ConfigMap", "linkerd-identity-trust-roots"],
      ["Secret", "linkerd-identity-issuer"],
      ["Deployment", "linkerd-identity"],
      ["Deployment", "linkerd-destination"],
      ["Deployment", "linkerd-proxy-injector"],
      ["Deployment", "metrics-api"],
      ["Deployment", "web"],
      ["Service", "linkerd-identity-headless"],
      ["Service", "linkerd-dst-headless"],
      ["Service", "linkerd-policy"],
      ["Service", "linkerd-proxy-injector"],
      ["ClusterRole", "linkerd-linkerd-identity"],
      ["ClusterRole", "linkerd-linkerd-destination"],
      ["MutatingWebhookConfiguration", "linkerd-proxy-injector-webhook-config"],
    ] as const
  ) find(objects, kind, name);
  const ids = objects.map((one) => `${one.kind} ${one.metadata?.namespace ?? ""}/${one.metadata?.name}`);
  assert.equal(new Set(ids).size, ids.length);
});

Deno.test("keys stand in the issuer's Secret and nowhere else", () => {
  const objects = renderInstall(VALUES).filter((one) => one.kind !== "Secret");
  assert.ok(!toYaml(objects).includes("PRIVATE KEY"));
});

Deno.test("generated credentials are an issuer that its own anchors admit", () => {
  const issuer = loadIssuer({
    certificatePem: credentials.issuerCertificatePem,
    keyPem: credentials.issuerKeyPem,
    anchorsPem: credentials.trustAnchorsPem,
    now: NOW,
  });
  assert.equal(issuer.certificate.subject, "CN=identity.linkerd.cluster.local");
});

Deno.test("an install without credentials is refused with what to do", () => {
  assert.throws(
    () => renderInstall(defaultValues()),
    (error) => error instanceof MeshFailure && error.error.code === "credentials-missing",
  );
});

Deno.test("control plane pods reach their own component over the loopback and do not wait for their proxy", () => {
  const objects = renderInstall(VALUES);
  const address = (deployment: string, variable: string) => {
    const proxy = podSpec(objects, deployment).initContainers?.find((one) => one.name === "linkerd-proxy");
    return proxy?.env?.find((one) => one.name === `LINKERD2_PROXY_${variable}_SVC_ADDR`)?.value;
  };
  assert.equal(address("linkerd-identity", "IDENTITY"), "localhost.:8080");
  assert.equal(address("linkerd-identity", "POLICY"), "linkerd-policy.linkerd.svc.cluster.local.:8090");
  assert.equal(address("linkerd-destination", "DESTINATION"), "localhost.:8086");
  assert.equal(address("linkerd-destination", "POLICY"), "localhost.:8090");
  assert.equal(
    address("linkerd-destination", "IDENTITY"),
    "linkerd-identity-headless.linkerd.svc.cluster.local.:8080",
  );
  for (
    const name of ["linkerd-identity", "linkerd-destination", "linkerd-proxy-injector", "metrics-api", "web"]
  ) {
    const spec = podSpec(objects, name);
    const proxy = spec.initContainers?.find((one) => one.name === "linkerd-proxy");
    assert.equal(proxy?.restartPolicy, "Always", name);
    assert.equal(proxy?.startupProbe, undefined, name);
    const anchors = proxy?.env?.find((one) => one.name === "LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS");
    assert.equal(anchors?.valueFrom?.configMapKeyRef?.key, "ca-bundle.crt", name);
    const init = spec.initContainers?.find((one) => one.name === "linkerd-init");
    const skipped = init?.args?.[init.args.indexOf("--outbound-ports-to-ignore") + 1];
    assert.match(skipped ?? "", /^443,6443,/, name);
    assert.equal(spec.automountServiceAccountToken, false, name);
    for (const container of [...spec.initContainers ?? [], ...spec.containers]) {
      for (const mount of container.volumeMounts ?? []) {
        assert.ok(spec.volumes?.some((volume) => volume.name === mount.name), `${name} ${mount.name}`);
      }
    }
  }
});

Deno.test("the flags of the manifests are flags the program knows", () => {
  const args = podSpec(renderInstall(VALUES), "linkerd-destination").containers[0]?.args ?? [];
  const flags = new Flags(args.slice(1));
  policyConfig(flags);
  flags.boolean("enable-h2-upgrade", false);
  flags.string("outbound-transport-mode", "");
  flags.refuseUnknown();
});

Deno.test("calls are shown on the dashboard where that is asked for, and its proxy alone proves who it is", () => {
  const flagsOf = (values: Parameters<typeof mergeValues>[1]) => {
    const objects = renderInstall(mergeValues(VALUES, values));
    const args = ["web", "metrics-api"].flatMap((name) =>
      podSpec(objects, name).containers.flatMap((container) => container.args ?? [])
    );
    return args.filter((arg) => /^--(show-calls|tap-client)/.test(arg));
  };
  const identity = "web.linkerd.serviceaccount.identity.linkerd.cluster.local";
  assert.deepEqual(flagsOf({}), []);
  const shown = ["--show-calls", `--tap-client=${identity}`];
  assert.deepEqual(flagsOf({ dashboard: { showCalls: true } }), shown);
  assert.deepEqual(flagsOf(laptopValues), shown);
  const open = { dashboard: { showCalls: true }, proxyInit: { ignoreInboundPorts: "25,8000-8100" } };
  assert.deepEqual(flagsOf(open), [], "the port is reached past the proxy");
});

Deno.test("high availability and the laptop change what they are for", () => {
  const ha = renderInstall(mergeValues(VALUES, {
    controllerReplicas: 3,
    highAvailability: true,
    enablePodAntiAffinity: true,
    enablePodDisruptionBudget: true,
    webhookFailurePolicy: "Fail",
  }));
  assert.equal((find(ha, "Deployment", "linkerd-destination") as Deployment).spec?.replicas, 3);
  find(ha, "PodDisruptionBudget", "linkerd-identity");
  assert.ok(podSpec(ha, "linkerd-identity").affinity?.podAntiAffinity);
  const laptop = podSpec(renderInstall(mergeValues(VALUES, laptopValues)), "metrics-api");
  assert.ok(laptop.containers[0]?.args?.includes("--scrape-interval=1s"));
  assert.equal(laptop.initContainers?.[1]?.readinessProbe?.initialDelaySeconds, 0);
});

Deno.test("each CRD stores one version and serves those Linkerd serves", () => {
  const served = Object.fromEntries(
    renderCrds().map((crd) => {
      const { spec } = crd as unknown as {
        spec: { versions: { name: string; storage: boolean; served: boolean }[] };
      };
      assert.equal(spec.versions.filter((one) => one.storage).length, 1, String(crd.metadata?.name));
      return [
        crd.metadata?.name,
        spec.versions.map((one) => one.storage ? `${one.name}*` : one.name).join(" "),
      ];
    }),
  );
  assert.deepEqual(served, {
    "authorizationpolicies.policy.linkerd.io": "v1alpha1*",
    "egressnetworks.policy.linkerd.io": "v1alpha1*",
    "httplocalratelimitpolicies.policy.linkerd.io": "v1alpha1*",
    "httproutes.policy.linkerd.io": "v1alpha1 v1beta1 v1beta2 v1beta3*",
    "meshtlsauthentications.policy.linkerd.io": "v1alpha1*",
    "networkauthentications.policy.linkerd.io": "v1alpha1*",
    "serverauthorizations.policy.linkerd.io": "v1alpha1 v1beta1*",
    "servers.policy.linkerd.io": "v1alpha1 v1beta1 v1beta2 v1beta3*",
    "serviceprofiles.linkerd.io": "v1alpha1 v1alpha2*",
    "externalworkloads.workload.linkerd.io": "v1alpha1 v1beta1*",
  });
});

Deno.test("the dashboard is answered under its Service's name in a cluster of another domain, and under no other", () => {
  const argsOf = (clusterDomain: string) =>
    podSpec(renderInstall(mergeValues(VALUES, { clusterDomain })), "web").containers[0]?.args ?? [];
  const flag = argsOf("corp.example").find((argument) => argument.startsWith("--enforced-host="));
  const hosts = new RegExp(`^(?:${flag?.slice("--enforced-host=".length)})$`);
  for (const host of ["localhost", "10.1.2.3", "web", "web.linkerd.svc", "web.linkerd.svc.corp.example"]) {
    assert.match(host, hosts);
  }
  for (const host of ["web.linkerd.svc.cluster.local", "web.linkerd.svc.corpXexample", "evil.example"]) {
    assert.doesNotMatch(host, hosts);
  }
  assert.equal(argsOf("cluster.local").some((argument) => argument.startsWith("--enforced-host=")), false);
});

Deno.test("network policies are offered: every port of the control plane is reached by whom it is for", () => {
  const isPolicy = ({ kind }: KubernetesObject) => kind === "NetworkPolicy";
  assert.equal(renderInstall(VALUES).some(isPolicy), false);
  const objects = renderInstall(mergeValues(VALUES, { networkPolicies: { enabled: true } }));
  const policies = objects.filter(isPolicy) as NetworkPolicy[];
  assert.equal(policies.length, 5);
  for (const { metadata, spec } of policies) {
    const selected = objects.filter((one) =>
      one.kind === "Deployment" &&
      Object.entries(spec!.podSelector!.matchLabels!).every(([label, value]) =>
        (one as Deployment).spec!.template.metadata!.labels![label] === value
      )
    ) as Deployment[];
    assert.equal(selected.length, 1, `${metadata!.name}`);
    const pod = selected[0]!.spec!.template.spec!;
    const open = pod.containers.concat(pod.initContainers ?? []).flatMap(({ ports = [] }) =>
      ports.map(({ containerPort }) => containerPort)
    );
    const allowed = spec!.ingress!.flatMap(({ ports }) => ports!.map(({ port }) => port));
    assert.deepEqual([...new Set(open)].sort(), allowed.sort(), `${metadata!.name}`);
  }
  const sources = Object.fromEntries(
    policies.map(({ metadata, spec }) => [
      metadata!.name,
      Object.fromEntries(
        spec!.ingress!.map(({ ports, from }) => [
          from === undefined ? "everywhere" : "namespaceSelector" in from[0]! ? "pods" : "own",
          ports!.map(({ port }) => port).join(" "),
        ]),
      ),
    ]),
  );
  assert.deepEqual(sources["linkerd-identity"], { everywhere: "9990 4191", pods: "8080 4143" });
  assert.deepEqual(sources["linkerd-web"], { everywhere: "9994 4191", pods: "4143", own: "8084" });
});
