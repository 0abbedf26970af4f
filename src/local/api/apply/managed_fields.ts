/**
 * Who owns which field: `metadata.managedFields`, kept on every write, and the conflicts a server-side apply meets.
 *
 * Source: sigs.k8s.io/structured-merge-diff/merge and k8s.io/apimachinery/pkg/util/managedfields.
 */
import { KubeError } from "../../../kube/client.ts";
import {
  type Fields,
  type FieldsV1,
  type IncomingObject,
  isFields,
  type ManagedFieldsEntry,
  type StoredObject,
} from "../object.ts";
import type { Schema } from "../schema/schema.ts";
import { differenceOf, fieldsOf } from "./compare.ts";
import { intersect, isEmptySet, pathsOf, subtract, union, without } from "./field_set.ts";
import { mergeApplied, removeFields } from "./merge.ts";

export interface Manager {
  name: string;
  operation: "Apply" | "Update";
  apiVersion: string;
  subresource: string | undefined;
  /** Time text for entries that change. */
  now: string;
}

/** Fields nobody owns: identity, and what the server alone sets. */
const UNOWNED: FieldsV1 = {
  "f:apiVersion": {},
  "f:kind": {},
  "f:metadata": {
    "f:name": {},
    "f:namespace": {},
    "f:uid": {},
    "f:resourceVersion": {},
    "f:generation": {},
    "f:creationTimestamp": {},
    "f:deletionTimestamp": {},
    "f:deletionGracePeriodSeconds": {},
    "f:managedFields": {},
    "f:selfLink": {},
    "f:generateName": {},
  },
};

function isSame(entry: ManagedFieldsEntry, manager: Manager): boolean {
  return entry.manager === manager.name && entry.operation === manager.operation &&
    (entry.subresource || undefined) === manager.subresource &&
    (manager.operation === "Apply" || entry.apiVersion === manager.apiVersion);
}

function entryOf(manager: Manager, fields: FieldsV1): ManagedFieldsEntry {
  return {
    manager: manager.name,
    operation: manager.operation,
    apiVersion: manager.apiVersion,
    time: manager.now,
    fieldsType: "FieldsV1",
    fieldsV1: fields,
    ...(manager.subresource === undefined ? {} : { subresource: manager.subresource }),
  };
}

/** `[{}]` is how a client asks to forget all owners. */
function startingEntries(object: IncomingObject, old: StoredObject | undefined): ManagedFieldsEntry[] {
  const sent = object.metadata.managedFields;
  if (sent !== undefined && sent.length === 1 && Object.keys(sent[0]!).length === 0) return [];
  if (sent !== undefined && sent.length > 0) return sent.filter((entry) => isFields(entry.fieldsV1));
  return old?.metadata.managedFields ?? [];
}

/**
 * The owners after a create or update: what changed is the manager's, what is gone is nobody's.
 *
 * @param old missing on create
 */
export function ownersAfterUpdate(
  schema: Schema,
  old: StoredObject | undefined,
  object: IncomingObject,
  manager: Manager,
): ManagedFieldsEntry[] {
  const difference = differenceOf(schema, old ?? {}, object);
  const changed = subtract(difference.changed, UNOWNED);
  const removed = difference.removed;
  const touched = union(changed, removed);
  const entries: ManagedFieldsEntry[] = [];
  let own: ManagedFieldsEntry | undefined;
  for (const entry of startingEntries(object, old)) {
    if (isSame(entry, manager)) {
      const fields = union(subtract(entry.fieldsV1, removed), changed);
      own = sameOrNew(entry, fields, manager);
      if (!isEmptySet(fields)) entries.push(own);
      continue;
    }
    const fields = subtract(entry.fieldsV1, touched);
    if (!isEmptySet(fields)) entries.push(sameOrNew(entry, fields, { ...manager, now: entry.time ?? "" }));
  }
  if (own === undefined && !isEmptySet(changed)) entries.push(entryOf(manager, changed));
  return entries;
}

function sameOrNew(entry: ManagedFieldsEntry, fields: FieldsV1, manager: Manager): ManagedFieldsEntry {
  if (JSON.stringify(fields) === JSON.stringify(entry.fieldsV1)) return entry;
  return { ...entry, fieldsV1: fields, ...(manager.now === "" ? {} : { time: manager.now }) };
}

export interface Applied {
  object: Fields;
  owners: ManagedFieldsEntry[];
}

/**
 * The live object after an apply.
 *
 * @param live missing when the apply creates
 * @throws KubeError 409 when another manager owns a field that would change, unless `force`
 */
export function applyConfiguration(
  schema: Schema,
  live: StoredObject | undefined,
  configuration: Fields,
  manager: Manager,
  force: boolean,
): Applied {
  const set = subtract(fieldsOf(schema, configuration), UNOWNED);
  const merged = mergeApplied(schema, live ?? {}, configuration) as Fields;
  const { changed } = differenceOf(schema, live ?? {}, merged);
  const entries = live?.metadata.managedFields ?? [];
  const own = entries.find((entry) => isSame(entry, manager));
  const others = entries.filter((entry) => entry !== own);
  const owners: ManagedFieldsEntry[] = [];
  const conflicts: { entry: ManagedFieldsEntry; fields: FieldsV1 }[] = [];
  let kept = set;
  for (const entry of others) {
    const contested = intersect(subtract(changed, UNOWNED), entry.fieldsV1);
    if (isEmptySet(contested)) {
      owners.push(entry);
      kept = union(kept, entry.fieldsV1);
      continue;
    }
    conflicts.push({ entry, fields: contested });
    const rest = subtract(entry.fieldsV1, contested);
    kept = union(kept, rest);
    if (!isEmptySet(rest)) owners.push({ ...entry, fieldsV1: rest });
  }
  const isForced = force || isUpgrade(schema, live, manager, conflicts.map(({ fields }) => fields));
  if (conflicts.length > 0 && !isForced) throw conflictOf(conflicts);
  const abandoned = own === undefined ? {} : without(own.fieldsV1, set);
  const object = isEmptySet(abandoned) ? merged : removeFields(schema, merged, abandoned, kept) as Fields;
  if (!isEmptySet(set)) {
    owners.push(
      own === undefined
        ? entryOf(manager, set)
        : sameOrNew({ ...own, apiVersion: manager.apiVersion }, set, manager),
    );
  }
  return { object, owners };
}

const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** True when kubectl applies on the server what it applied on its own side before: those fields are its own. */
function isUpgrade(
  schema: Schema,
  live: StoredObject | undefined,
  manager: Manager,
  conflicts: readonly FieldsV1[],
): boolean {
  const text = live?.metadata.annotations?.[LAST_APPLIED];
  if (manager.name !== "kubectl" || text === undefined) return false;
  let applied: unknown;
  try {
    applied = JSON.parse(text);
  } catch {
    // Somebody wrote the annotation by hand: it says nothing about who owns what.
    return false;
  }
  const own = fieldsOf(schema, applied);
  return conflicts.every((fields) => isEmptySet(subtract(fields, own)));
}

function conflictOf(conflicts: { entry: ManagedFieldsEntry; fields: FieldsV1 }[]): KubeError {
  const causes = conflicts.flatMap(({ entry, fields }) =>
    pathsOf(fields).map((field) => ({
      reason: "FieldManagerConflict",
      message: `conflict with ${JSON.stringify(entry.manager)}${
        entry.subresource === undefined ? "" : ` with subresource "${entry.subresource}"`
      } using ${entry.apiVersion}`,
      field,
    }))
  );
  const word = causes.length === 1 ? "conflict" : "conflicts";
  const list = causes.length === 1
    ? `${causes[0]!.message}: ${causes[0]!.field}`
    : `conflicts:\n${causes.map(({ message, field }) => `- ${message}: ${field}`).join("\n")}`;
  return new KubeError(409, "Conflict", `Apply failed with ${causes.length} ${word}: ${list}`, { causes });
}
