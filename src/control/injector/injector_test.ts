import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import https from "node:https";
import { MUTATING_WEBHOOKS, NAMESPACES, type Pod } from "../../kube/kinds.ts";
import { defaultValues, mergeValues } from "../../mesh/values.ts";
import type { EventReport } from "../events.ts";
import { FakeKube } from "../testing/fake_kube.ts";
import { service } from "../testing/objects.ts";
import { type AdmissionContext, type AdmissionReview, admit } from "./admission.ts";
import type { SkipReason } from "./decide.ts";
import { startHttpsServer } from "./https_server.ts";
import { applyPatch, injectPod, type PatchOperation } from "./inject.ts";
import { parseCertificates } from "../identity/trust.ts";
import { namespaceReader, webhookHandler } from "./role.ts";
import { hasAuthority, keepPublished, makeServingCertificate, withAuthority } from "./serving_certificate.ts";

const VALUES = mergeValues(defaultValues(), { identityTrustAnchorsPEM: "anchor" });

function podWith(annotations: Record<string, string>, spec: Partial<NonNullable<Pod["spec"]>> = {}): Pod {
  return {
    metadata: { name: "p", annotations },
    spec: { containers: [{ name: "app", image: "app:1" }], ...spec },
  };
}

function inject(pod: Pod, namespace: Record<string, string> = {}, isAskedFor = false) {
  return injectPod({
    pod: { metadata: pod.metadata!, spec: pod.spec! },
    namespace: { name: "shop", annotations: namespace },
    values: VALUES,
    createdBy: isAskedFor ? "cli" : "proxy-injector",
    isAskedFor,
  });
}

const INJECT = "linkerd.io/inject";

Deno.test("injection follows the annotations of the pod first, of its namespace then", () => {
  const absent: SkipReason = "injection_enable_annotation_absent";
  const disabled: SkipReason = "injection_disable_annotation_present";
  const table: [string | undefined, string | undefined, SkipReason | undefined][] = [
    ["enabled", undefined, undefined],
    ["enabled", "enabled", undefined],
    ["enabled", "ingress", undefined],
    ["ingress", undefined, undefined],
    ["enabled", "disabled", disabled],
    ["disabled", "enabled", undefined],
    [undefined, "enabled", undefined],
    [undefined, "ingress", undefined],
    [undefined, undefined, absent],
    ["disabled", undefined, absent],
    [undefined, "disabled", disabled],
    ["yes", "enabled", "annotation_at_namespace_invalid"],
    ["enabled", "yes", "annotation_at_workload_invalid"],
  ];
  for (const [namespace, pod, reason] of table) {
    const injection = inject(
      podWith(pod === undefined ? {} : { [INJECT]: pod }),
      namespace === undefined ? {} : { [INJECT]: namespace },
    );
    assert.equal(injection.skipped?.reason, reason, `namespace ${namespace}, pod ${pod}`);
    assert.equal(injection.isInjected, reason === undefined);
  }
});

Deno.test("the command line injects what does not refuse", () => {
  assert.equal(inject(podWith({}), {}, true).isInjected, true);
  assert.equal(inject(podWith({ [INJECT]: "disabled" }), {}, true).isInjected, false);
});

Deno.test("a pod may be tapped unless it or its namespace refuses, or nobody is there who could", () => {
  const identity = "metrics-api.linkerd.serviceaccount.identity.linkerd.cluster.local";
  const tapOf = (
    annotations: Record<string, string>,
    namespace: Record<string, string> = {},
    values = VALUES,
  ) => {
    const pod = podWith({ [INJECT]: "enabled", ...annotations });
    const { patch } = injectPod({
      pod: { metadata: pod.metadata!, spec: pod.spec! },
      namespace: { name: "shop", annotations: namespace },
      values,
      createdBy: "proxy-injector",
    });
    const injected = applyPatch(pod, patch);
    const { containers, initContainers = [] } = injected.spec!;
    const proxy = [...containers, ...initContainers].find(({ name }) => name === "linkerd-proxy")!;
    return [
      injected.metadata!.annotations!["viz.linkerd.io/tap-enabled"],
      proxy.env!.find(({ name }) => name === "LINKERD2_PROXY_TAP_SVC_NAME")?.value,
    ];
  };
  const disabled = { "viz.linkerd.io/disable-tap": "true" };
  assert.deepEqual(tapOf({}), ["true", identity]);
  assert.deepEqual(tapOf({ "viz.linkerd.io/disable-tap": "false" }), ["true", identity]);
  assert.deepEqual(tapOf(disabled), [undefined, undefined]);
  assert.deepEqual(tapOf({}, disabled), [undefined, undefined]);
  const alone = mergeValues(VALUES, { metricsApi: { enabled: false } });
  assert.deepEqual(tapOf({}, {}, alone), [undefined, undefined]);
});

Deno.test("pods that cannot be meshed are left alone, whatever was asked", () => {
  const sidecar = [{ name: "app", image: "app:1" }, { name: "istio-proxy", image: "x" }];
  const native = [{ name: "linkerd-proxy", image: "x", restartPolicy: "Always" }];
  const table: [Partial<NonNullable<Pod["spec"]>>, SkipReason][] = [
    [{ hostNetwork: true }, "host_network_enabled"],
    [{ containers: sidecar }, "sidecar_already_exists"],
    [{ initContainers: native }, "sidecar_already_exists"],
    [
      { initContainers: [{ name: "i", image: "registry.example/linkerd/proxy-init:v2" }] },
      "sidecar_already_exists",
    ],
  ];
  for (const [spec, reason] of table) {
    assert.equal(inject(podWith({ [INJECT]: "enabled" }, spec)).skipped?.reason, reason);
  }
  const withoutToken = inject(podWith({ [INJECT]: "enabled" }, { automountServiceAccountToken: false }));
  assert.equal(withoutToken.isInjected, true, "a projected token needs no mount of the account's");
});

Deno.test("what was injected is not injected again", () => {
  const pod = podWith({ [INJECT]: "enabled" });
  const once = applyPatch(pod, inject(pod).patch);
  assert.equal(inject(once).skipped?.reason, "sidecar_already_exists");
});

Deno.test("opaque ports come from the namespace, or from the default list as far as they are declared", () => {
  const opaque = "config.linkerd.io/opaque-ports";
  const ports = [{ containerPort: 3306 }, { containerPort: 8080 }];
  const pod = podWith({ [INJECT]: "enabled" }, { containers: [{ name: "db", ports }] });
  const value = (injected: Pod) => injected.metadata?.annotations?.[opaque];
  assert.equal(value(applyPatch(pod, inject(pod).patch)), "3306");
  assert.equal(value(applyPatch(pod, inject(pod, { [opaque]: "9000" }).patch)), "9000");
  const plain = podWith({}, { containers: [{ name: "db", ports }] });
  const skipped = inject(plain);
  assert.equal(skipped.isInjected, false);
  assert.equal(value(applyPatch(plain, skipped.patch)), "3306", "also on a pod without a proxy");
});

Deno.test("a setting that cannot be read is told of and does not count", () => {
  const injection = inject(podWith({
    [INJECT]: "enabled",
    "config.linkerd.io/proxy-uid": "root",
    "config.linkerd.io/skip-subnets": "10.0.0.0/33",
    "config.linkerd.io/default-inbound-policy": "everybody",
    "config.linkerd.io/proxy-memory-limit": "lots",
    "config.linkerd.io/proxy-additional-env": "{}",
  }));
  assert.equal(injection.isInjected, true);
  assert.deepEqual(
    injection.misread.map(({ annotation, value }) => `${annotation.split("/")[1]} ${value}`).sort(),
    [
      "default-inbound-policy everybody",
      "proxy-additional-env {}",
      "proxy-memory-limit lots",
      "proxy-uid root",
      "skip-subnets 10.0.0.0/33",
    ],
  );
  assert.ok(!JSON.stringify(injection.patch).includes('"limits"'));
});

function context(kube: FakeKube, events: EventReport[] = []): AdmissionContext & { stop(): void } {
  const namespaces = namespaceReader(kube);
  return {
    client: kube,
    events: { report: (_target, event) => void events.push(event) },
    counters: { request() {}, response() {} },
    values: () => Promise.resolve(VALUES),
    namespaceAnnotations: (name) => namespaces.annotations(name),
    stop: () => namespaces.informer.stop(),
  };
}

function review(kind: string, object: object): AdmissionReview {
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: { uid: "u1", kind: { version: "v1", kind }, namespace: "shop", operation: "CREATE", object },
  };
}

function patchOf(answer: AdmissionReview): PatchOperation[] {
  return JSON.parse(Buffer.from(answer.response?.patch ?? "W10=", "base64").toString());
}

Deno.test("the webhook patches a pod of an injected namespace, names its Deployment and tells of it", async () => {
  const kube = new FakeKube();
  kube.put(NAMESPACES, { metadata: { name: "shop", annotations: { [INJECT]: "enabled" } } });
  const events: EventReport[] = [];
  const admission = context(kube, events);
  try {
    const pod = podWith({});
    pod.metadata = {
      generateName: "web-abc-",
      labels: { "pod-template-hash": "abc" },
      ownerReferences: [{
        apiVersion: "apps/v1",
        kind: "ReplicaSet",
        name: "web-abc",
        uid: "1",
        controller: true,
      }],
    };
    const answer = await admit(admission, review("Pod", pod));
    assert.equal(answer.response?.uid, "u1");
    assert.equal(answer.response?.allowed, true);
    assert.equal(answer.response?.patchType, "JSONPatch");
    const patched = applyPatch(pod, patchOf(answer));
    assert.equal(patched.metadata?.labels?.["linkerd.io/proxy-deployment"], "web");
    assert.deepEqual(patched.spec?.initContainers?.map((one) => one.name), ["linkerd-init", "linkerd-proxy"]);
    assert.equal(events[0]?.reason, "Injected");
  } finally {
    admission.stop();
  }
});

Deno.test("the webhook marks a Service's opaque ports, and lets an object pass when something fails", async () => {
  const kube = new FakeKube();
  const admission = context(kube);
  try {
    const db = service({ name: "db", ports: [{ port: 3306 }, { port: 80 }] });
    const answer = await admit(admission, review("Service", { ...db, metadata: { name: "db" } }));
    assert.deepEqual(patchOf(answer).at(-1), {
      op: "add",
      path: "/metadata/annotations/config.linkerd.io~1opaque-ports",
      value: "3306",
    });
    const failing = { ...admission, values: () => Promise.reject(new Error("no values")) };
    const passed = await admit(failing, review("Pod", podWith({ [INJECT]: "enabled" })));
    assert.equal(passed.response?.allowed, true);
    assert.equal(passed.response?.patch, undefined);
    assert.match(passed.response?.warnings?.[0] ?? "", /no values/);
    const empty = await admit(admission, { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" });
    assert.equal(empty.response?.allowed, false);
  } finally {
    admission.stop();
  }
});

Deno.test("a pod whose annotations cannot be read is refused with the reason, one that asks for what is no injection is told", async () => {
  const kube = new FakeKube(), admission = context(kube);
  try {
    const wrong = podWith({ [INJECT]: "enabled", "config.linkerd.io/default-inbound-policy": "denny" });
    const { response } = await admit(admission, review("Pod", wrong));
    assert.equal(response?.allowed, false);
    assert.equal(response?.status?.code, 400);
    assert.match(response?.status?.message ?? "", /default-inbound-policy: "denny" is not understood/);
    const odd = (await admit(admission, review("Pod", podWith({ [INJECT]: "perhaps" })))).response;
    assert.equal(odd?.allowed, true);
    assert.equal(odd?.patch, undefined);
    assert.match(odd?.warnings?.[0] ?? "", /invalid value for annotation "linkerd.io\/inject"/);
    const bystander = podWith({ "config.linkerd.io/default-inbound-policy": "denny" });
    assert.equal((await admit(admission, review("Pod", bystander))).response?.allowed, true);
  } finally {
    admission.stop();
  }
});

Deno.test("the API server's bundle is enough to reach the webhook, and a bundle that is reset is mended", async () => {
  const kube = new FakeKube();
  const configuration = (caBundle?: string) => ({
    metadata: { name: "hooks" },
    webhooks: [{
      name: "linkerd-proxy-injector.linkerd.io",
      admissionReviewVersions: ["v1"],
      sideEffects: "None",
      clientConfig: caBundle === undefined ? {} : { caBundle },
    }],
  });
  kube.put(MUTATING_WEBHOOKS, configuration());
  const bundle = () => kube.all(MUTATING_WEBHOOKS)[0]?.webhooks?.[0]?.clientConfig.caBundle;
  const name = "linkerd-proxy-injector.linkerd.svc";
  const first = await makeServingCertificate([name], Date.now());
  const until = async (isDone: () => boolean) => {
    for (let turn = 0; turn < 500 && !isDone(); turn++) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    assert.ok(isDone());
  };
  const publisher = keepPublished(kube, { kind: MUTATING_WEBHOOKS, name: "hooks" }, first.authorityPem);
  await until(() => publisher.isPublished);
  kube.put(MUTATING_WEBHOOKS, configuration("bm9uc2Vuc2U="));
  await until(() => hasAuthority(bundle(), first.authorityPem));
  const second = await makeServingCertificate([name], Date.now());
  publisher.use(second.authorityPem);
  await until(() => hasAuthority(bundle(), second.authorityPem));
  assert.ok(hasAuthority(bundle(), first.authorityPem), "another replica's authority stays");
  publisher.stop();

  const authorities = parseCertificates(Buffer.from(bundle()!, "base64").toString());
  const admission = context(kube);
  const server = await startHttpsServer(
    { port: 0, hostname: "127.0.0.1", certificate: first.server },
    webhookHandler(admission),
  );
  server.use(second.server);
  try {
    const body = JSON.stringify(review("Pod", podWith({ [INJECT]: "enabled" })));
    const agent = new https.Agent({ keepAlive: true });
    const ask = () =>
      new Promise<{ text: string; keepAlive: string | undefined }>((resolve, reject) => {
        const request = https.request({
          host: "127.0.0.1",
          port: server.port,
          servername: name,
          ca: authorities.at(-1)!.toString(), // that of the certificate the server began with would not do
          agent,
          method: "POST",
          headers: { "content-type": "application/json" },
        }, (response) => {
          let text = "";
          response.on("data", (chunk) => text += chunk)
            .on("end", () =>
              resolve({ text, keepAlive: response.headers["keep-alive"] as string | undefined }));
        });
        request.on("error", reject).end(body);
      });
    const { text, keepAlive } = await ask();
    assert.ok(patchOf(JSON.parse(text)).length > 10);
    const seconds = Number(/timeout=(\d+)/.exec(keepAlive ?? "")?.[1]);
    assert.ok(seconds > 90, `an idle connection is kept for ${seconds} s, less than the API server's 90 s`);
    const stopping = server.stop(50);
    assert.equal((await ask()).keepAlive, undefined, "the last answer on its connection");
    await stopping;
    agent.destroy();
  } finally {
    await server.stop();
    admission.stop();
  }
});

Deno.test("authorities that have ended leave the bundle", async () => {
  const DAY = 86_400_000;
  const old = await makeServingCertificate(["old"], Date.now() - 60 * DAY);
  const own = await makeServingCertificate(["own"], Date.now());
  const bundle = withAuthority(withAuthority(undefined, old.authorityPem, 0), own.authorityPem, Date.now());
  assert.equal(hasAuthority(bundle, old.authorityPem), false);
  assert.equal(hasAuthority(bundle, own.authorityPem), true);
});
