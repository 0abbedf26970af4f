import { deepEqual, equal, throws } from "node:assert/strict";
import { MeshFailure } from "../../mesh/error.ts";
import { defaultValues } from "../../mesh/values.ts";
import { distance, nearest } from "../nearest.ts";
import { mergeFile, setValue, setValues } from "./set_values.ts";

const failure = (code: string, text: RegExp) => (error: unknown) =>
  error instanceof MeshFailure && error.error.code === code &&
  text.test(`${error.error.detail} ${error.error.remedy}`);

Deno.test("a value is set by its path, in the type that it has", () => {
  equal(setValue(defaultValues(), "controllerReplicas=3").controllerReplicas, 3);
  equal(setValue(defaultValues(), "proxy.nativeSidecar=false").proxy.nativeSidecar, false);
  equal(setValue(defaultValues(), "proxy.logLevel=warn,linkerd=debug").proxy.logLevel, "warn,linkerd=debug");
});

Deno.test("a path that does not exist is refused with the nearest that does", () => {
  throws(
    () => setValue(defaultValues(), "controlerReplicas=3"),
    failure("value-unknown", /controllerReplicas/),
  );
  throws(() => setValue(defaultValues(), "proxy.loglevel=x"), failure("value-unknown", /proxy\.logLevel/));
  throws(
    () => mergeFile(defaultValues(), { proxy: { logLvl: "x" } }, "f.yaml"),
    failure("value-unknown", /f\.yaml/),
  );
});

Deno.test("what is said of every pod in traces may have names of one's own", () => {
  const { labels } =
    setValue(defaultValues(), "proxy.tracing.labels.deployment\\.environment=7", true).proxy.tracing;
  equal(labels["deployment.environment"], "7");
  equal(labels["k8s.pod.ip"], "$(_pod_ip)", "beside the others");
  const file = mergeFile(defaultValues(), { proxy: { tracing: { labels: { "a.b": "c" } } } }, "f.yaml");
  deepEqual(Object.keys(file.proxy.tracing.labels), [
    "k8s.pod.ip",
    "k8s.pod.uid",
    "k8s.container.name",
    "a.b",
  ]);
  throws(
    () => setValue(defaultValues(), "proxy.tracing.label.a=1"),
    failure("value-unknown", /proxy\.tracing/),
  );
});

Deno.test("a value of another type is refused", () => {
  throws(() => setValue(defaultValues(), "controllerReplicas=many"), failure("value-invalid", /number/));
  throws(() => setValue(defaultValues(), "proxy.nativeSidecar=yes"), failure("value-invalid", /boolean/));
  throws(() => setValue(defaultValues(), "proxy=x"), failure("value-invalid", /--values/));
  throws(() => setValue(defaultValues(), "noequals"), failure("set-invalid", /path=value/));
});

Deno.test("the word that was meant is one that was begun, or else the nearest", () => {
  equal(nearest("dep", ["ds", "deploy", "deployment"]), "deploy");
  equal(nearest("Staful", ["pod", "statefulset"]), "statefulset");
  equal(nearest("x", []), undefined);
});

Deno.test("distance counts insertions, deletions and substitutions", () => {
  equal(distance("kitten", "sitting"), 3);
  equal(distance("", "abc"), 3);
  equal(distance("same", "same"), 0);
});

Deno.test("commas part assignments, and belong to a value where no value is named", () => {
  const set = setValues(
    defaultValues(),
    "controllerReplicas=3,proxy.logLevel=warn,linkerd=debug,clusterDomain=x.y",
  );
  equal(set.controllerReplicas, 3);
  equal(set.proxy.logLevel, "warn,linkerd=debug");
  equal(set.clusterDomain, "x.y");
  equal(setValues(defaultValues(), "proxy.opaquePorts=25\\,26").proxy.opaquePorts, "25,26");
  throws(
    () => setValues(defaultValues(), "clusterDomain=x,controlerReplicas=3"),
    failure("value-unknown", /controllerReplicas/),
  );
});

Deno.test("lists are set whole or by index, as Helm has it", () => {
  const set = setValues(defaultValues(), "policyController.probeNetworks={10.0.0.0/8,::/0}");
  deepEqual(set.policyController.probeNetworks, ["10.0.0.0/8", "::/0"]);
  const env = setValues(defaultValues(), "proxy.additionalEnv[0].name=A,proxy.additionalEnv[0].value=b");
  deepEqual(env.proxy.additionalEnv, [{ name: "A", value: "b" }]);
});

Deno.test("a value of Linkerd's that means nothing here is taken with a word", () => {
  const words: string[] = [];
  const note = (text: string) => words.push(text);
  equal(setValue(defaultValues(), "disableHeartBeat=true", false, note).controllerReplicas, 1);
  const file = { controllerReplicas: 3, controller: { podDisruptionBudget: { maxUnavailable: 1 } } };
  const merged = mergeFile(defaultValues(), file, "values-ha.yaml", note);
  equal(merged.controllerReplicas, 3);
  equal("controller" in merged, false);
  deepEqual(words, [
    "--set disableHeartBeat: it has no effect here",
    "values-ha.yaml: controller.podDisruptionBudget.maxUnavailable has no effect here",
  ]);
});

Deno.test("a values file says values of the right kind; numbers may stand for text, null for the default", () => {
  const merge = (change: unknown) => mergeFile(defaultValues(), change, "v.yaml");
  throws(
    () => merge({ controllerReplicas: "three" }),
    failure("value-invalid", /v\.yaml: controllerReplicas/),
  );
  throws(() => merge({ proxy: [1] }), failure("value-invalid", /v\.yaml: proxy: \[1\] is not a group/));
  throws(() => merge({ policyController: { probeNetworks: "all" } }), failure("value-invalid", /not a list/));
  throws(() => merge({ proxy: { nativeSidecar: "yes" } }), failure("value-invalid", /not a boolean/));
  throws(() => merge(["a"]), failure("values-invalid", /not a map/));
  equal(merge({ proxyInit: { ignoreInboundPorts: 4222 } }).proxyInit.ignoreInboundPorts, "4222");
  equal(merge({ proxy: { logLevel: null } }).proxy.logLevel, defaultValues().proxy.logLevel);
  const matchLabels = { "example.com/mesh": "yes" };
  deepEqual(
    merge({ proxyInjector: { namespaceSelector: { matchLabels } } }).proxyInjector.namespaceSelector
      .matchLabels,
    matchLabels,
  );
});
