/**
 * What a pod's proxy is told of tracing: the collector, and what it says of the pod. Nothing unless the installation
 * enables it and names a collector.
 * Source: config.md §2 (resource.opentelemetry.io), §5 (TRACE_*); OpenTelemetry, "Specify resource attributes using
 * Kubernetes annotations".
 */
import type { Container, Volume } from "../../kube/kinds.ts";
import type { ObjectMeta } from "../../kube/resource.ts";
import { RESOURCE_ATTRIBUTE_PREFIX } from "../../mesh/annotations.ts";
import { serviceAccountIdentity } from "../../mesh/identity.ts";
import type { TracingValues, Values } from "../../mesh/values.ts";

const VOLUME = "linkerd-podinfo", DIRECTORY = "/var/run/linkerd/podinfo";
/** The first that a pod has names the service that it is part of. */
const SERVICE_LABELS = ["app.kubernetes.io/instance", "app.kubernetes.io/name"];

export function isTraced({ enabled, collector }: TracingValues): boolean {
  return enabled && collector.endpoint !== "";
}

/** Adds what a pod's labels and annotations say to the values that its proxy is made from. */
export function describeInTraces(tracing: TracingValues, pod: ObjectMeta | undefined): void {
  const service = SERVICE_LABELS.map((label) => pod?.labels?.[label]).find((name) => (name ?? "") !== "");
  if (service !== undefined) tracing.traceServiceName = service;
  for (const [annotation, value] of Object.entries(pod?.annotations ?? {})) {
    const attribute = annotation.startsWith(RESOURCE_ATTRIBUTE_PREFIX)
      ? annotation.slice(RESOURCE_ATTRIBUTE_PREFIX.length)
      : "";
    if (attribute !== "") tracing.labels = { ...tracing.labels, [attribute]: value };
  }
}

/** One attribute a line: what would make two of one becomes a space. */
function linesOf(labels: TracingValues["labels"]): string {
  return Object.entries(labels).map(([key, value]) => `${key}=${String(value).replace(/\s+/g, " ")}\n`).join(
    "",
  );
}

/** Variables without their prefix. */
export function tracingVariables(values: Values): [name: string, value: string][] {
  const { tracing } = values.proxy, { endpoint, meshIdentity } = tracing.collector;
  if (!isTraced(tracing)) return [];
  const domain = { controlPlaneNamespace: values.namespace, trustDomain: values.identityTrustDomain };
  const { serviceAccountName, namespace } = meshIdentity;
  const name = serviceAccountName === "" ? "" : serviceAccountIdentity(serviceAccountName, namespace, domain);
  const variables: [string, string][] = [
    ["TRACE_ATTRIBUTES_PATH", `${DIRECTORY}/labels`],
    ["TRACE_ANNOTATIONS_PATH", `${DIRECTORY}/annotations`],
    ["TRACE_PROTOCOL", "opentelemetry"],
    ["TRACE_SERVICE_NAME", tracing.traceServiceName],
    ["TRACE_COLLECTOR_SVC_ADDR", endpoint],
    ["TRACE_COLLECTOR_SVC_NAME", name],
    ["TRACE_EXTRA_ATTRIBUTES", linesOf(tracing.labels)],
  ];
  return variables.filter(([, value]) => value !== "");
}

export function tracingMounts({ proxy: { tracing } }: Values): NonNullable<Container["volumeMounts"]> {
  return isTraced(tracing) ? [{ mountPath: DIRECTORY, name: VOLUME }] : [];
}

/** The pod's labels and annotations, as files. */
export function tracingVolumes({ proxy: { tracing } }: Values): Volume[] {
  if (!isTraced(tracing)) return [];
  const items = ["labels", "annotations"].map((path) => ({
    fieldRef: { fieldPath: `metadata.${path}` },
    path,
  }));
  return [{ downwardAPI: { items }, name: VOLUME }];
}
