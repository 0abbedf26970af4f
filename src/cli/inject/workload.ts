/** Where a manifest keeps its pod: the kinds that own pods, and the pod itself. */
import type { PodSpec } from "../../kube/kinds.ts";
import type { ObjectMeta } from "../../kube/resource.ts";
import { OWNER_KINDS, type OwnerKind } from "../../mesh/labels.ts";
import type { Manifest } from "./documents.ts";

export interface PodTemplate {
  metadata?: ObjectMeta;
  spec: PodSpec;
}

/** Enough of any object to name it. */
export interface Named {
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
}

export function isOwnerKind(kind: string): kind is OwnerKind {
  return OWNER_KINDS.some((one) => one === kind);
}

/** A list's own kind is `List`, or `DeploymentList` and the like. */
export function isList(manifest: Manifest): manifest is Manifest & { items: Manifest[] } {
  return typeof manifest.kind === "string" && manifest.kind.endsWith("List") && Array.isArray(manifest.items);
}

function at(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => typeof inner === "object" && inner !== null ? (inner as Manifest)[key] : undefined,
    value,
  );
}

const TEMPLATE_PATHS: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
};

/** The pod template inside the manifest itself, to be changed in place; undefined where there is none. */
export function templateOf(manifest: Manifest): PodTemplate | undefined {
  const kind = String(manifest.kind);
  if (kind !== "Pod" && !isOwnerKind(kind)) return undefined;
  const template = at(manifest, ...(TEMPLATE_PATHS[kind] ?? ["spec", "template"]));
  return Array.isArray(at(template, "spec", "containers")) ? template as PodTemplate : undefined;
}
