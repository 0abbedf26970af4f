/** Takes the mesh out of manifests: containers, volumes, labels and annotations; the user's settings stay. */
import { INJECT_ANNOTATION, TAP_ENABLED_ANNOTATION } from "../../mesh/annotations.ts";
import { COMPONENT_LABEL } from "../../mesh/labels.ts";
import type { Manifest } from "./documents.ts";
import { isList, type Named, templateOf } from "./workload.ts";
import { nameOf, type Report } from "./report.ts";

const CONTAINERS = ["linkerd-proxy", "linkerd-debug", "linkerd-init", "linkerd-network-validator"];
const VOLUME = /^linkerd-(identity-end-entity|identity-token|podinfo|proxy-init-xtables-lock)$/;

/** Removes what `holds` finds from a list; a list that becomes empty goes too. */
function removeFrom<K extends string, T>(
  owner: { [key in K]?: T[] },
  key: K,
  holds: (one: T) => boolean,
): boolean {
  const before = owner[key];
  const after = before?.filter((one) => !holds(one));
  if (before === undefined || after === undefined || after.length === before.length) return false;
  if (after.length === 0) delete owner[key];
  else owner[key] = after;
  return true;
}

function removeMarks(object: Named): boolean {
  const { metadata } = object;
  if (metadata === undefined || metadata.labels?.[COMPONENT_LABEL] !== undefined) return false;
  let isChanged = false;
  for (const map of ["annotations", "labels"] as const) {
    const entries = metadata[map];
    for (const [name, value] of Object.entries(entries ?? {})) {
      const isRefusal = name === INJECT_ANNOTATION && value === "disabled";
      const isOurs = name.startsWith("linkerd.io/") || name === TAP_ENABLED_ANNOTATION;
      if (!isOurs || isRefusal) continue;
      delete entries![name];
      isChanged = true;
    }
    if (isChanged && entries !== undefined && Object.keys(entries).length === 0) delete metadata[map];
  }
  return isChanged;
}

/** Changes the manifest. @returns whether there was anything of the mesh in it */
export function uninjectManifest(manifest: Manifest): boolean {
  if (manifest.kind === "Namespace") {
    const namespace = manifest as Named;
    const annotations = namespace.metadata?.annotations;
    if (annotations?.[INJECT_ANNOTATION] !== "enabled" && annotations?.[INJECT_ANNOTATION] !== "ingress") {
      return false;
    }
    delete annotations[INJECT_ANNOTATION];
    if (Object.keys(annotations).length === 0) delete namespace.metadata!.annotations;
    return true;
  }
  const template = templateOf(manifest);
  if (template === undefined) return false;
  const isOurs = (one: { name: string }) => CONTAINERS.includes(one.name);
  return [
    removeMarks(template),
    removeFrom(template.spec, "containers", isOurs),
    removeFrom(template.spec, "initContainers", isOurs),
    removeFrom(template.spec, "volumes", (one: { name: string }) => VOLUME.test(one.name)),
  ].some((isChanged) => isChanged);
}

/** The manifests without the mesh, and what was done to each. */
export function uninject(manifests: readonly Manifest[]): { manifests: Manifest[]; reports: Report[] } {
  const result = structuredClone([...manifests]);
  const reports: Report[] = [];
  const visit = (manifest: Manifest): void => {
    if (isList(manifest)) return manifest.items.forEach(visit);
    const isChanged = uninjectManifest(manifest);
    reports.push({ ...nameOf(manifest), outcome: isChanged ? "uninjected" : "skipped", warnings: [] });
  };
  result.forEach(visit);
  return { manifests: result, reports };
}
