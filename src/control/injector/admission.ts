/** AdmissionReviews answered: pods are injected, Services get their opaque ports. */
import { Buffer } from "node:buffer";
import type { KubeClient } from "../../kube/client.ts";
import { JOBS, type Pod, type Service } from "../../kube/kinds.ts";
import type { KubernetesObject } from "../../kube/resource.ts";
import { configAnnotation, INJECT_ANNOTATION } from "../../mesh/annotations.ts";
import type { OwnerKind } from "../../mesh/labels.ts";
import type { Values } from "../../mesh/values.ts";
import type { EventRecorder } from "../events.ts";
import { ownerOf } from "../state/pod_facts.ts";
import { SKIP_REASONS } from "./decide.ts";
import { type Injection, injectPod, type PatchOperation } from "./inject.ts";
import { describeMisread } from "./settings.ts";
import { serviceOpaquePorts } from "./opaque_ports.ts";

export interface AdmissionReview {
  apiVersion: string;
  kind: string;
  request?: {
    uid: string;
    kind: { group?: string; version: string; kind: string };
    namespace?: string;
    operation?: string;
    object?: KubernetesObject;
  };
  response?: {
    uid: string;
    allowed: boolean;
    patchType?: "JSONPatch";
    patch?: string;
    warnings?: string[];
    status?: { message: string; code?: number };
  };
}

export interface AdmissionCounters {
  request(owner: string, namespace: string, at: string): void;
  response(owner: string, namespace: string, skip: boolean, reason: string, at: string): void;
}

export interface AdmissionContext {
  readonly client: KubeClient;
  readonly events: Pick<EventRecorder, "report">;
  readonly counters: AdmissionCounters;
  values(): Promise<Values>;
  namespaceAnnotations(name: string): Promise<Readonly<Record<string, string>>>;
}

/** The object asks for what cannot be understood: it is refused, with the reason for whoever made it. */
class Refusal extends Error {
  override readonly name = "Refusal";
}

/** Makes the answer to a review of what is decided. */
export function answerTo({ apiVersion, kind, request }: AdmissionReview) {
  return (response: Omit<NonNullable<AdmissionReview["response"]>, "uid">): AdmissionReview => ({
    apiVersion,
    kind,
    response: { uid: request?.uid ?? "", ...response },
  });
}

/**
 * Never rejects. A failure of ours lets the object through unpatched, with a warning the user sees, unless the
 * installation says that webhooks must not fail (`webhookFailurePolicy: Fail`): then the object is refused. So is one
 * whose annotations are wrong, always: a pod that asks for a policy must not run with another.
 */
export async function admit(context: AdmissionContext, review: AdmissionReview): Promise<AdmissionReview> {
  const { request } = review, answer = answerTo(review);
  if (request?.object === undefined) {
    return answer({ allowed: false, status: { message: "the review holds no object", code: 400 } });
  }
  try {
    const namespace = request.namespace ?? request.object.metadata?.namespace ?? "";
    const { patch, warnings } = request.kind.kind === "Pod"
      ? await admitPod(context, request.object as Pod, namespace)
      : request.kind.kind === "Service"
      ? await admitService(context, request.object as Service, namespace)
      : { patch: [], warnings: [] };
    return answer({
      allowed: true,
      ...(patch.length === 0
        ? {}
        : { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") }),
      ...(warnings.length === 0 ? {} : { warnings: [...warnings] }),
    });
  } catch (error) {
    if (error instanceof Refusal) {
      return answer({ allowed: false, status: { message: error.message, code: 400 } });
    }
    console.error(`admission of ${request.kind.kind}: ${error instanceof Error ? error.stack : error}`);
    const message = `linkerd: not injected: ${error instanceof Error ? error.message : error}`;
    const values = await context.values().catch(() => undefined);
    return values?.webhookFailurePolicy === "Fail"
      ? answer({ allowed: false, status: { message, code: 500 } })
      : answer({ allowed: true, warnings: [message] });
  }
}

async function admitService(context: AdmissionContext, service: Service, namespace: string) {
  const values = await context.values();
  const inherited = await context.namespaceAnnotations(namespace);
  const ports = serviceOpaquePorts(service, inherited, values.proxy.opaquePorts);
  if (ports === undefined) return { patch: [], warnings: [] };
  const patch: PatchOperation[] = [];
  if (service.metadata?.annotations === undefined) {
    patch.push({ op: "add", path: "/metadata/annotations", value: {} });
  }
  const name = configAnnotation("opaque-ports").replace("/", "~1");
  patch.push({ op: "add", path: `/metadata/annotations/${name}`, value: ports });
  return { patch, warnings: [] };
}

/** A Job's own owner is asked for: its pods belong to the CronJob. */
async function workloadOf(
  context: AdmissionContext,
  pod: Pod,
  namespace: string,
): Promise<{ kind: OwnerKind; name: string } | undefined> {
  const owner = ownerOf(pod);
  if (owner?.kind !== "Job") return owner;
  try {
    const job = await context.client.get(JOBS, owner.name, namespace);
    const cronJob = job.metadata?.ownerReferences?.find((one) => one.kind === "CronJob");
    return cronJob === undefined ? owner : { kind: "CronJob", name: cronJob.name };
  } catch {
    return owner; // Its name is a label and no more: not worth refusing the pod for.
  }
}

async function admitPod(context: AdmissionContext, pod: Pod, namespace: string) {
  const [values, annotations, owner] = await Promise.all([
    context.values(),
    context.namespaceAnnotations(namespace),
    workloadOf(context, pod, namespace),
  ]);
  const kind = owner?.kind.toLowerCase() ?? "pod";
  const at = pod.metadata?.annotations?.[INJECT_ANNOTATION] === undefined ? "namespace" : "workload";
  context.counters.request(kind, namespace, at);
  const injection = injectPod({
    pod: { ...(pod.metadata === undefined ? {} : { metadata: pod.metadata }), spec: pod.spec! },
    namespace: { name: namespace, annotations },
    values,
    ...(owner === undefined ? {} : { owner }),
    createdBy: "proxy-injector",
  });
  const misread = injection.misread.map(describeMisread).join("; ");
  if (injection.isInjected && misread !== "") throw new Refusal(`linkerd: ${misread}`);
  const reason = injection.skipped?.reason ?? "";
  context.counters.response(kind, namespace, !injection.isInjected, reason, injection.skipped?.at ?? at);
  tellOwner(context, pod, namespace, owner, injection);
  const isWrong = reason === "annotation_at_workload_invalid" || reason === "annotation_at_namespace_invalid";
  const warnings = isWrong ? [`linkerd: not injected: ${SKIP_REASONS[reason]}`] : [];
  return { patch: injection.patch, warnings };
}

/** On the workload, where people look; a pod that nobody asked to inject is no news. */
function tellOwner(
  context: AdmissionContext,
  pod: Pod,
  namespace: string,
  owner: { kind: OwnerKind; name: string } | undefined,
  injection: Injection,
): void {
  if (injection.skipped?.reason === "injection_enable_annotation_absent" || owner === undefined) return;
  const version = owner.kind === "Job" || owner.kind === "CronJob"
    ? "batch/v1"
    : owner.kind === "ReplicationController"
    ? "v1"
    : "apps/v1";
  const name = pod.metadata?.name ?? pod.metadata?.generateName ?? "";
  context.events.report(
    { apiVersion: version, kind: owner.kind, name: owner.name, namespace },
    injection.skipped === undefined
      ? { type: "Normal", reason: "Injected", message: `Linkerd sidecar proxy injected into ${name}` }
      : {
        type: "Normal",
        reason: "InjectionSkipped",
        message: `Linkerd sidecar proxy injection skipped: ${SKIP_REASONS[injection.skipped.reason]}`,
      },
  );
}
