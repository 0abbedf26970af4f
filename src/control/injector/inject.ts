/**
 * Injection as a pure function: a pod, its namespace and the installation's values in, a JSON patch out.
 *
 * The webhook and `linkerd inject` share it. Operations come in Linkerd's order: roots that are missing, annotations,
 * labels, init container, debug container, volumes, proxy.
 */
import { createHash } from "node:crypto";
import type { Pod, PodSpec } from "../../kube/kinds.ts";
import type { ObjectMeta } from "../../kube/resource.ts";
import {
  configAnnotation,
  CREATED_BY_ANNOTATION,
  forbidsTap,
  INJECT_ANNOTATION,
  isConfigAnnotation,
  PROXY_VERSION_ANNOTATION,
  TAP_ENABLED_ANNOTATION,
  TRUST_ROOT_ANNOTATION,
} from "../../mesh/annotations.ts";
import { CONTROL_PLANE_NS_LABEL, type OwnerKind, ownerLabel, WORKLOAD_NS_LABEL } from "../../mesh/labels.ts";
import type { Values } from "../../mesh/values.ts";
import {
  debugContainer,
  initContainer,
  meshVolumes,
  type PodTraits,
  proxyContainer,
  validatorContainer,
} from "./containers.ts";
import { annotationVerdict, type SkipReason, unfitness } from "./decide.ts";
import { numericPorts, podOpaquePorts } from "./opaque_ports.ts";
import { type Misread, settingsFor } from "./settings.ts";
import { describeInTraces } from "./tracing.ts";

/** RFC 6902. Only additions: nothing of the user's is changed. */
export interface PatchOperation {
  readonly op: "add";
  readonly path: string;
  readonly value: unknown;
}

export interface InjectionRequest {
  /** A pod, or a workload's pod template. */
  readonly pod: { readonly metadata?: ObjectMeta; readonly spec: PodSpec };
  readonly namespace: { readonly name: string; readonly annotations: Readonly<Record<string, string>> };
  readonly values: Values;
  readonly owner?: { readonly kind: OwnerKind; readonly name: string };
  readonly createdBy: "proxy-injector" | "cli";
  /** `linkerd inject` injects whatever does not refuse; the webhook what asks for it. */
  readonly isAskedFor?: boolean;
}

export interface Injection {
  readonly isInjected: boolean;
  /** Why not; undefined when injected. */
  readonly skipped?: { readonly reason: SkipReason; readonly at?: "workload" | "namespace" };
  /** To be applied to the pod or template; may hold annotations although nothing was injected. */
  readonly patch: readonly PatchOperation[];
  /** Annotations that could not be read, and do not count in the patch. */
  readonly misread: readonly Misread[];
}

/** `/` and `~` as a JSON pointer has them. */
function pointer(...steps: string[]): string {
  return steps.map((step) => `/${step.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

class PatchBuilder {
  readonly operations: PatchOperation[] = [];
  add(path: string, value: unknown): void {
    this.operations.push({ op: "add", path, value });
  }

  /** Adds entries to a map that may not be there. */
  entries(
    metadata: ObjectMeta | undefined,
    map: "annotations" | "labels",
    entries: [string, string][],
  ): void {
    if (entries.length === 0) return;
    if (metadata === undefined && !this.operations.some((one) => one.path === "/metadata")) {
      this.add("/metadata", {});
    }
    if (metadata?.[map] === undefined) this.add(pointer("metadata", map), {});
    for (const [name, value] of entries) this.add(pointer("metadata", map, name), value);
  }
}

export function injectPod(request: InjectionRequest): Injection {
  const { pod, namespace, values: base } = request;
  const annotations = pod.metadata?.annotations ?? {};
  const skipped = verdict(request);
  const { values, misread } = settingsFor(base, annotations, namespace.annotations);
  describeInTraces(values.proxy.tracing, pod.metadata);
  const patch = new PatchBuilder();
  const inherited = inheritedAnnotations(request);
  const opaque = podOpaquePorts(annotations, namespace.annotations, pod.spec, base.proxy.opaquePorts);
  if (opaque !== undefined) values.proxy.opaquePorts = opaque;
  values.proxy.opaquePorts = numericPorts(values.proxy.opaquePorts, pod.spec);
  if (skipped !== undefined) {
    if (opaque !== undefined && annotations[INJECT_ANNOTATION] !== "disabled") {
      patch.entries(pod.metadata, "annotations", [[configAnnotation("opaque-ports"), opaque]]);
    }
    return { isInjected: false, skipped, patch: patch.operations, misread };
  }
  const isTapped = values.metricsApi.enabled &&
    ![annotations, namespace.annotations].some(forbidsTap);
  patch.entries(pod.metadata, "annotations", [
    ...inherited,
    ...(opaque === undefined || inherited.some(([name]) => name === configAnnotation("opaque-ports"))
      ? []
      : [[configAnnotation("opaque-ports"), opaque] as [string, string]]),
    [CREATED_BY_ANNOTATION, `linkerd/${request.createdBy} ${base.linkerdVersion}`],
    [PROXY_VERSION_ANNOTATION, values.proxy.image.version || base.linkerdVersion],
    [TRUST_ROOT_ANNOTATION, trustRootDigest(values.identityTrustAnchorsPEM)],
    ...(isTapped ? [[TAP_ENABLED_ANNOTATION, "true"] as [string, string]] : []),
  ]);
  patch.entries(pod.metadata, "labels", [
    [CONTROL_PLANE_NS_LABEL, values.namespace],
    ...(request.owner === undefined
      ? []
      : [[ownerLabel(request.owner.kind), request.owner.name] as [string, string]]),
    [WORKLOAD_NS_LABEL, namespace.name],
  ]);
  addContainers(patch, pod.spec, values, isTapped);
  return { isInjected: true, patch: patch.operations, misread };
}

function verdict(request: InjectionRequest): Injection["skipped"] | undefined {
  const { pod, namespace, values } = request;
  const annotations = pod.metadata?.annotations ?? {};
  const said = annotationVerdict(annotations, request.isAskedFor === true ? {} : namespace.annotations);
  const isAsked = request.isAskedFor === true && said?.reason === "injection_enable_annotation_absent";
  if (said !== undefined && !isAsked) return said;
  const reason = unfitness(pod.spec, values.identity.serviceAccountTokenProjection);
  return reason === undefined ? undefined : { reason };
}

/** The namespace's settings are written on the pod: a later edit of the namespace leaves running pods as they are. */
function inheritedAnnotations(request: InjectionRequest): [string, string][] {
  const own = request.pod.metadata?.annotations ?? {};
  const inherited = Object.entries(request.namespace.annotations)
    .filter(([name]) => isConfigAnnotation(name) && own[name] === undefined);
  const asked: [string, string][] = own[INJECT_ANNOTATION] === undefined && request.createdBy === "cli"
    ? [[INJECT_ANNOTATION, "enabled"]]
    : [];
  return [...inherited, ...asked];
}

export function trustRootDigest(anchorsPem: string): string {
  return createHash("sha256").update(anchorsPem).digest("hex");
}

function addContainers(patch: PatchBuilder, spec: PodSpec, values: Values, isTapped: boolean): void {
  const traits = { ...traitsOf(spec), isTapped };
  const isNative = values.proxy.nativeSidecar;
  if (spec.volumes === undefined || spec.volumes.length === 0) patch.add("/spec/volumes", []);
  const hasInit = spec.initContainers !== undefined && spec.initContainers.length > 0;
  if (!hasInit) patch.add("/spec/initContainers", []);
  const first = values.cniEnabled ? validatorContainer(values) : initContainer(values, traits);
  patch.add(`/spec/initContainers/${isNative ? "0" : "-"}`, first);
  if (values.debugContainer.enabled) patch.add("/spec/containers/-", debugContainer(values));
  for (const volume of meshVolumes(values)) patch.add("/spec/volumes/-", volume);
  const proxy = proxyContainer(values, traits);
  if (isNative) patch.add("/spec/initContainers/1", proxy);
  else patch.add(`/spec/containers/${values.proxy.await ? "0" : "-"}`, proxy);
}

function traitsOf(spec: PodSpec): PodTraits {
  const first = spec.containers[0];
  const inboundPorts = new Set<number>();
  const sidecars = (spec.initContainers ?? []).filter((one) => one.restartPolicy === "Always");
  for (const container of [...spec.containers, ...sidecars]) {
    for (const { containerPort, protocol } of container.ports ?? []) {
      if (protocol === undefined || protocol === "TCP") inboundPorts.add(containerPort);
    }
  }
  const mount = first?.volumeMounts?.find((one) =>
    one.mountPath === "/var/run/secrets/kubernetes.io/serviceaccount"
  );
  const capabilities = first?.securityContext?.capabilities;
  return {
    inboundPorts: [...inboundPorts],
    ...(capabilities === undefined ? {} : { capabilities }),
    ...(mount === undefined ? {} : { serviceAccountMount: mount }),
  };
}

/** A pod with a patch of this module's applied; the pod itself is left as it is. */
export function applyPatch<T extends Pick<Pod, "metadata" | "spec">>(
  pod: T,
  patch: readonly PatchOperation[],
): T {
  const result = structuredClone(pod);
  for (const { path, value } of patch) {
    const steps = path.split("/").slice(1).map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = steps.pop()!;
    let at: unknown = result;
    for (const step of steps) at = (at as Record<string, unknown>)[step];
    if (Array.isArray(at)) at.splice(last === "-" ? at.length : Number(last), 0, structuredClone(value));
    else (at as Record<string, unknown>)[last] = structuredClone(value);
  }
  return result;
}
