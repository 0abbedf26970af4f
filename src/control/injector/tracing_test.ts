import { deepEqual, equal } from "node:assert/strict";
import { defaultValues, mergeValues, type PartialValues, type Values } from "../../mesh/values.ts";
import { describeInTraces, isTraced, tracingMounts, tracingVariables, tracingVolumes } from "./tracing.ts";

const ENABLED: PartialValues = {
  proxy: { tracing: { enabled: true, collector: { endpoint: "jaeger.tracing:4317" } } },
};

const valuesOf = (...changes: PartialValues[]): Values => changes.reduce(mergeValues, defaultValues());
const variables = (values: Values) => Object.fromEntries(tracingVariables(values));

Deno.test("a proxy is told nothing of tracing unless it is enabled, and a collector is named", () => {
  for (const values of [valuesOf(), valuesOf({ proxy: { tracing: { enabled: true } } })]) {
    equal(isTraced(values.proxy.tracing), false);
    deepEqual([tracingVariables(values), tracingMounts(values), tracingVolumes(values)], [[], [], []]);
  }
  equal(isTraced(valuesOf(ENABLED).proxy.tracing), true);
});

Deno.test("a collector of the mesh has an identity; another is spoken to in plain text", () => {
  const meshIdentity = { serviceAccountName: "jaeger", namespace: "tracing" };
  const meshed = valuesOf(ENABLED, { proxy: { tracing: { collector: { meshIdentity } } } });
  equal(
    variables(meshed).TRACE_COLLECTOR_SVC_NAME,
    "jaeger.tracing.serviceaccount.identity.linkerd.cluster.local",
  );
  const { TRACE_COLLECTOR_SVC_NAME: name, TRACE_COLLECTOR_SVC_ADDR: address } = variables(valuesOf(ENABLED));
  deepEqual([name, address], [undefined, "jaeger.tracing:4317"]);
});

/** What a proxy of a pod says of itself. */
function said(metadata: Parameters<typeof describeInTraces>[1]): [service: string, attributes: string[]] {
  const values = valuesOf(ENABLED, { proxy: { tracing: { labels: { "k8s.pod.ip": "$(_pod_ip)" } } } });
  describeInTraces(values.proxy.tracing, metadata);
  const { TRACE_SERVICE_NAME: service, TRACE_EXTRA_ATTRIBUTES: lines } = variables(values);
  return [service!, lines!.split("\n").slice(3, -1)];
}

Deno.test("a pod's labels name its service: the instance before the name, and neither where there is none", () => {
  const instance = { "app.kubernetes.io/instance": "web-blue" }, name = { "app.kubernetes.io/name": "web" };
  equal(said({ labels: { ...name, ...instance } })[0], "web-blue");
  equal(said({ labels: name })[0], "web");
  equal(said({ labels: { app: "web" } })[0], "linkerd-proxy");
  equal(said(undefined)[0], "linkerd-proxy");
});

Deno.test("annotations of OpenTelemetry become attributes, one line each whatever they say", () => {
  const annotations = {
    "resource.opentelemetry.io/service.name": "mine",
    "resource.opentelemetry.io/note": "a\nservice.name=b",
    "resource.opentelemetry.io/": "nothing",
    "other.io/service.name": "other",
  };
  deepEqual(said({ annotations })[1], ["service.name=mine", "note=a service.name=b"]);
});
