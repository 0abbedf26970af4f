/** Puts the mesh into manifests: the annotation that asks for a proxy or, with `manual`, the proxy itself. */
import { annotationVerdict, unfitness } from "../../control/injector/decide.ts";
import { applyPatch, injectPod } from "../../control/injector/inject.ts";
import { describeMisread } from "../../control/injector/settings.ts";
import { configAnnotation, INJECT_ANNOTATION } from "../../mesh/annotations.ts";
import { COMPONENT_LABEL } from "../../mesh/labels.ts";
import type { Values } from "../../mesh/values.ts";
import type { Manifest } from "./documents.ts";
import { type Concern, nameOf, type Report } from "./report.ts";
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

function hasUdp(template: PodTemplate): boolean {
  return template.spec.containers.some((one) => one.ports?.some((port) => port.protocol === "UDP"));
}

type Done = Pick<Report, "outcome" | "concern" | "warnings">;

function skipped(concern?: Concern): Done {
  return { outcome: "skipped", ...(concern === undefined ? {} : { concern }), warnings: [] };
}

/** Changes the template in place. */
function injectTemplate(
  manifest: Manifest,
  template: PodTemplate,
  settings: InjectSettings,
): Done {
  const before = template.metadata?.annotations?.[INJECT_ANNOTATION];
  const said = annotationVerdict(template.metadata?.annotations ?? {}, {});
  const refusal = said?.reason === "injection_enable_annotation_absent" ? undefined : said?.reason;
  if (refusal !== undefined) return skipped(refusal);
  uninjectManifest(manifest);
  const unfit = unfitness(template.spec, settings.values.identity.serviceAccountTokenProjection);
  if (unfit !== undefined) return skipped(unfit);
  if (!settings.isManual && template.metadata?.labels?.[COMPONENT_LABEL] !== undefined) {
    return skipped("needs_manual");
  }
  const mode = settings.isIngress || before === "ingress" ? "ingress" : "enabled";
  annotate(template, { [INJECT_ANNOTATION]: mode, ...settings.overrides });
  const done = { outcome: "injected" as const, ...(hasUdp(template) ? { concern: "udp" as const } : {}) };
  if (!settings.isManual) return { ...done, warnings: [] };
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
  return { ...done, warnings: injection.misread.map(describeMisread) };
}

function injectObject(manifest: Manifest, settings: InjectSettings): Done {
  const object = manifest as { -readonly [K in keyof Named]: Named[K] };
  if (object.kind === "Namespace") {
    if (settings.isManual) return skipped();
    annotate(object, {
      [INJECT_ANNOTATION]: settings.isIngress ? "ingress" : "enabled",
      ...settings.overrides,
    });
    return { outcome: "injected", warnings: [] };
  }
  if (object.kind === "Service") {
    const opaque = configAnnotation("opaque-ports");
    const value = settings.overrides[opaque];
    if (value === undefined) return skipped();
    annotate(object, { [opaque]: value });
    return { outcome: "annotated", warnings: [] };
  }
  const template = templateOf(manifest);
  if (template === undefined) return skipped();
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
