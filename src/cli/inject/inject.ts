/** Puts the mesh into manifests: the annotation that asks for a proxy or, with `manual`, the proxy itself. */
import { annotationVerdict, SKIP_REASONS, unfitness } from "../../control/injector/decide.ts";
import { applyPatch, injectPod } from "../../control/injector/inject.ts";
import { configAnnotation, INJECT_ANNOTATION } from "../../mesh/annotations.ts";
import { COMPONENT_LABEL } from "../../mesh/labels.ts";
import type { Values } from "../../mesh/values.ts";
import type { Manifest } from "./documents.ts";
import { nameOf, type Report } from "./report.ts";
import { uninjectManifest } from "./uninject.ts";
import { isList, isOwnerKind, type Named, type PodTemplate, templateOf } from "./workload.ts";

export interface InjectSettings {
  readonly isManual: boolean;
  readonly isIngress: boolean;
  /** Annotations the flags ask for. */
  readonly overrides: Readonly<Record<string, string>>;
  readonly values: Values;
}

function annotate(object: { metadata?: Named["metadata"] }, entries: Readonly<Record<string, string>>): void {
  object.metadata ??= {};
  object.metadata.annotations = { ...object.metadata.annotations, ...entries };
}

function udpWarnings(template: PodTemplate): string[] {
  const isUdp = template.spec.containers.some((one) => one.ports?.some((port) => port.protocol === "UDP"));
  return isUdp ? ["UDP ports are not proxied"] : [];
}

/** Changes the template in place. */
function injectTemplate(
  manifest: Manifest,
  template: PodTemplate,
  settings: InjectSettings,
): Pick<Report, "outcome" | "warnings"> {
  const before = template.metadata?.annotations?.[INJECT_ANNOTATION];
  const said = annotationVerdict(template.metadata?.annotations ?? {}, {});
  const refusal = said?.reason === "injection_enable_annotation_absent" ? undefined : said?.reason;
  if (refusal !== undefined) return { outcome: "skipped", warnings: [SKIP_REASONS[refusal]] };
  uninjectManifest(manifest);
  const unfit = unfitness(template.spec, settings.values.identity.serviceAccountTokenProjection);
  if (unfit !== undefined) return { outcome: "skipped", warnings: [SKIP_REASONS[unfit]] };
  if (!settings.isManual && template.metadata?.labels?.[COMPONENT_LABEL] !== undefined) {
    return { outcome: "skipped", warnings: ["parts of the control plane need --manual"] };
  }
  const mode = settings.isIngress || before === "ingress" ? "ingress" : "enabled";
  annotate(template, { [INJECT_ANNOTATION]: mode, ...settings.overrides });
  const warnings = udpWarnings(template);
  if (!settings.isManual) return { outcome: "injected", warnings };
  const { kind, metadata } = manifest as Named;
  const injection = injectPod({
    pod: template,
    namespace: { name: metadata?.namespace ?? "default", annotations: {} },
    values: settings.values,
    createdBy: "cli",
    isAskedFor: true,
    ...(kind !== undefined && isOwnerKind(kind) && metadata?.name !== undefined
      ? { owner: { kind, name: metadata.name } }
      : {}),
  });
  Object.assign(template, applyPatch(template, injection.patch));
  return { outcome: "injected", warnings: [...warnings, ...injection.warnings] };
}

function injectObject(manifest: Manifest, settings: InjectSettings): Pick<Report, "outcome" | "warnings"> {
  const object = manifest as { -readonly [K in keyof Named]: Named[K] };
  if (object.kind === "Namespace") {
    if (settings.isManual) return { outcome: "skipped", warnings: [] };
    annotate(object, {
      [INJECT_ANNOTATION]: settings.isIngress ? "ingress" : "enabled",
      ...settings.overrides,
    });
    return { outcome: "injected", warnings: [] };
  }
  if (object.kind === "Service") {
    const opaque = configAnnotation("opaque-ports");
    const value = settings.overrides[opaque];
    if (value === undefined) return { outcome: "skipped", warnings: [] };
    annotate(object, { [opaque]: value });
    return { outcome: "annotated", warnings: [] };
  }
  const template = templateOf(manifest);
  if (template === undefined) return { outcome: "skipped", warnings: [] };
  return injectTemplate(manifest, template, settings);
}

/** The manifests with the mesh in them, and what was done to each; lists are opened. */
export function inject(
  manifests: readonly Manifest[],
  settings: InjectSettings,
): { manifests: Manifest[]; reports: Report[] } {
  const result = structuredClone([...manifests]);
  const reports: Report[] = [];
  const visit = (manifest: Manifest): void => {
    if (isList(manifest)) return manifest.items.forEach(visit);
    reports.push({ ...nameOf(manifest), ...injectObject(manifest, settings) });
  };
  result.forEach(visit);
  return { manifests: result, reports };
}
