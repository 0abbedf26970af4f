/** create and update: decode → defaults → admission → the kind's rules → validation → store. */
import { ownersAfterUpdate } from "../apply/managed_fields.ts";
import {
  alreadyExists,
  badRequest,
  conflict,
  FieldErrors,
  invalid,
  methodNotAllowed,
  notFound,
} from "../errors.ts";
import {
  equalJson,
  type IncomingObject,
  type ManagedFieldsEntry,
  type StoredObject,
  timeText,
} from "../object.ts";
import { groupVersion, type ResourceDefinition } from "../registry/definition.ts";
import { decode } from "../schema/decode.ts";
import { applyDefaults } from "../schema/default.ts";
import { keyOf } from "../store/store.ts";
import { finishDeletion } from "./delete.ts";
import { readObject, setDefaults, validateObject } from "./decode.ts";
import { randomSuffix } from "./random_suffix.ts";
import { present } from "./read.ts";
import type { ApiState, WriteContext } from "./state.ts";

export interface CreateTarget {
  definition: ResourceDefinition;
  namespace: string | undefined;
  /** From the path, for an apply that creates. */
  name?: string;
  /** Owners as an apply has worked them out. */
  owners?: ManagedFieldsEntry[];
}

export async function createObject(
  state: ApiState,
  context: WriteContext,
  target: CreateTarget,
  body: unknown,
): Promise<StoredObject> {
  const { definition, namespace } = target;
  if (!definition.isStored) throw methodNotAllowed();
  const object = readObject(context, definition, body);
  identify(state, target, object);
  const request = { definition, namespace, name: object.metadata.name!, operation: "CREATE" as const };
  const admitted = await state.admission.mutate(context, { ...request, object });
  setDefaults(definition, admitted);
  admitted.metadata.uid = object.metadata.uid!;
  if (definition.hasStatus && definition.resource !== "/nodes") delete admitted["status"];
  definition.strategy.prepareForCreate?.(admitted, state.strategies);
  let isStored = false;
  try {
    validateObject(definition, admitted, undefined);
    await state.admission.validate(context, { ...request, object: admitted });
    setOwners(state, context, definition, undefined, admitted, undefined, target.owners);
    if (context.isDryRun) return present(definition, admitted as StoredObject);
    const stored = state.store.put(
      definition.resource,
      keyOf(namespace, admitted.metadata.name!),
      inStorageVersion(state, definition, admitted),
      undefined,
    );
    if (stored === undefined) throw alreadyExists(definition, admitted.metadata.name!);
    isStored = true;
    return present(definition, stored);
  } finally {
    if (!isStored) definition.strategy.release?.(admitted, state.strategies);
  }
}

/** Names the object and gives it what only the server gives. */
function identify(state: ApiState, target: CreateTarget, object: IncomingObject): void {
  const { definition, namespace } = target;
  const { metadata } = object;
  checkNamespace(definition, namespace, object);
  if (target.name !== undefined) metadata.name ??= target.name;
  if (!metadata.name && metadata.generateName) {
    metadata.name = metadata.generateName.slice(0, 58) + randomSuffix();
  }
  if (!metadata.name) {
    const errors = new FieldErrors();
    errors.required("metadata.name", "name or generateName is required");
    throw invalid(definition, "", errors.errors);
  }
  if (metadata.resourceVersion) {
    throw badRequest("resourceVersion should not be set on objects to be created");
  }
  metadata.uid = crypto.randomUUID();
  metadata.creationTimestamp = timeText(state.strategies.now());
  if (definition.hasGeneration) metadata.generation = 1;
  else delete metadata.generation;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.resourceVersion;
}

function checkNamespace(
  definition: ResourceDefinition,
  namespace: string | undefined,
  object: IncomingObject,
): void {
  const { metadata } = object;
  if (!definition.isNamespaced) {
    delete metadata.namespace;
    return;
  }
  if (namespace === undefined || namespace === "") {
    throw badRequest("an empty namespace may not be set during creation");
  }
  if (metadata.namespace && metadata.namespace !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  metadata.namespace = namespace;
}

/** Versions differ in name, defaults and the fields they know (conversion "None"). */
function inStorageVersion(
  state: ApiState,
  definition: ResourceDefinition,
  object: IncomingObject,
): StoredObject {
  if (definition.version === definition.storageVersion) return object as StoredObject;
  const stored = state.registry.stored(definition.resource);
  const converted = decode(stored?.schema, object, true).value as unknown as StoredObject;
  converted.apiVersion = groupVersion({ group: definition.group, version: definition.storageVersion });
  if (stored?.schema !== undefined) applyDefaults(stored.schema, converted);
  return converted;
}

function setOwners(
  state: ApiState,
  context: WriteContext,
  definition: ResourceDefinition,
  old: StoredObject | undefined,
  object: IncomingObject,
  subresource: string | undefined,
  owners: ManagedFieldsEntry[] | undefined,
): void {
  const next = owners ?? ownersAfterUpdate(definition.schema ?? {}, old, object, {
    name: context.fieldManager,
    operation: "Update",
    apiVersion: groupVersion(definition),
    subresource,
    now: timeText(state.strategies.now()),
  });
  if (next.length === 0) delete object.metadata.managedFields;
  else object.metadata.managedFields = next;
}

export interface UpdateTarget {
  definition: ResourceDefinition;
  namespace: string | undefined;
  name: string;
  /** "status" writes the status alone, otherwise everything but the status is written. */
  subresource?: string;
  /** A missing resourceVersion overwrites whatever is there; custom resources refuse that on PUT. */
  needsVersion?: boolean;
  /** The change is made anew from the live object, so that it can be done over when that moved on meanwhile. */
  isRepeatable?: boolean;
}

/** What an update wants the object to be, made from what it is. */
export type Change = (live: StoredObject) => { body: unknown; owners?: ManagedFieldsEntry[] };

/** Times an update that may be done over tried when the object changes meanwhile. */
const ATTEMPTS = 8;

/** @throws KubeError 404, 409, 422 */
export async function updateObject(
  state: ApiState,
  context: WriteContext,
  target: UpdateTarget,
  change: Change,
): Promise<StoredObject> {
  const { definition, namespace, name } = target;
  if (!definition.isStored) throw methodNotAllowed();
  const key = keyOf(namespace, name);
  for (let attempt = 1;; attempt++) {
    const live = state.store.get(definition.resource, key);
    if (live === undefined) throw notFound(definition, name);
    const { body, owners } = change(present(definition, live));
    const object = readObject(context, definition, body);
    const isPinned = checkIdentity(target, object, live);
    const result = await tryUpdate(state, context, target, object, live, owners);
    if (result !== undefined) return result;
    if ((isPinned && target.isRepeatable !== true) || attempt === ATTEMPTS) throw conflict(definition, name);
  }
}

/** @returns true when the request names the version it was made from */
function checkIdentity(target: UpdateTarget, object: IncomingObject, live: StoredObject): boolean {
  const { definition, name, namespace } = target;
  const { metadata } = object;
  if (metadata.name !== undefined && metadata.name !== name) {
    throw badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
    );
  }
  if (definition.isNamespaced && metadata.namespace && metadata.namespace !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  if (metadata.uid && metadata.uid !== live.metadata.uid) {
    throw conflict(
      definition,
      name,
      `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${live.metadata.uid}`,
    );
  }
  const version = metadata.resourceVersion;
  if (!version) {
    if (target.needsVersion === true && definition.isCustom) {
      const errors = new FieldErrors();
      errors.invalid("metadata.resourceVersion", 0, "must be specified for an update");
      throw invalid(definition, name, errors.errors);
    }
    return false;
  }
  if (version !== live.metadata.resourceVersion) throw conflict(definition, name);
  return true;
}

/** @returns undefined when the object changed while admission ran */
async function tryUpdate(
  state: ApiState,
  context: WriteContext,
  target: UpdateTarget,
  object: IncomingObject,
  live: StoredObject,
  owners: ManagedFieldsEntry[] | undefined,
): Promise<StoredObject | undefined> {
  const { definition, namespace, name, subresource } = target;
  const old = present(definition, live);
  keepServerFields(object, old);
  const request = {
    definition,
    namespace,
    name,
    operation: "UPDATE" as const,
    ...(subresource === undefined ? {} : { subresource }),
  };
  let next = limitTo(definition, subresource, object, old);
  next = await state.admission.mutate(context, { ...request, object: next, oldObject: old });
  next = limitTo(definition, subresource, next, old);
  // A status request shares all else with the stored object.
  if (subresource !== "status") {
    setDefaults(definition, next);
    keepServerFields(next, old);
  }
  if (subresource === undefined) definition.strategy.prepareForUpdate?.(next, old, state.strategies);
  checkFinalizers(definition, next, old);
  if (definition.hasGeneration && isSpecChanged(definition, next, old)) {
    next.metadata.generation = (old.metadata.generation ?? 0) + 1;
  }
  if (subresource !== "status" || definition.isCustom) validateObject(definition, next, old);
  await state.admission.validate(context, { ...request, object: next, oldObject: old });
  setOwners(state, context, definition, old, next, subresource, owners);
  if (isUnchanged(next, old)) return old;
  if (context.isDryRun) return next as StoredObject;
  const stored = state.store.put(
    definition.resource,
    keyOf(namespace, name),
    inStorageVersion(state, definition, next),
    live,
  );
  if (stored === undefined) return undefined;
  finishDeletion(state, definition, stored);
  return present(definition, stored);
}

const SERVER_FIELDS = [
  "name",
  "namespace",
  "uid",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "generation",
  "resourceVersion",
] as const;

function keepServerFields(object: IncomingObject, old: StoredObject): void {
  const metadata = object.metadata as Record<string, unknown>;
  for (const field of SERVER_FIELDS) {
    const value = old.metadata[field];
    if (value === undefined) delete metadata[field];
    else metadata[field] = value;
  }
}

/** The part of an object a request may write, on top of the rest as it was. */
function limitTo(
  definition: ResourceDefinition,
  subresource: string | undefined,
  object: IncomingObject,
  old: StoredObject,
): IncomingObject {
  if (subresource === "status") {
    const { managedFields } = object.metadata;
    const metadata = { ...old.metadata, ...(managedFields === undefined ? {} : { managedFields }) };
    // A custom resource's status request may change metadata's labels no more than a built-in's.
    const result = { ...old, metadata } as IncomingObject;
    if (object["status"] === undefined) delete result["status"];
    else result["status"] = object["status"];
    return result;
  }
  if (subresource !== undefined || !definition.hasStatus) return object;
  const result = { ...object };
  if (old["status"] === undefined) delete result["status"];
  else result["status"] = old["status"];
  return result;
}

function checkFinalizers(definition: ResourceDefinition, object: IncomingObject, old: StoredObject): void {
  if (old.metadata.deletionTimestamp === undefined) return;
  const before = old.metadata.finalizers ?? [];
  const added = (object.metadata.finalizers ?? []).filter((each) => !before.includes(each));
  if (added.length === 0) return;
  const errors = new FieldErrors();
  errors.forbidden(
    "metadata.finalizers",
    `no new finalizers can be added if the object is being deleted, found new finalizers ${
      JSON.stringify(added)
    }`,
  );
  throw invalid(definition, old.metadata.name, errors.errors);
}

function isSpecChanged(definition: ResourceDefinition, object: IncomingObject, old: StoredObject): boolean {
  const strip = (each: IncomingObject | StoredObject) => ({
    ...each,
    metadata: undefined,
    status: definition.hasStatus ? undefined : each["status"],
    apiVersion: undefined,
  });
  return !equalJson(strip(object), strip(old));
}

function isUnchanged(object: IncomingObject, old: StoredObject): boolean {
  const strip = (each: IncomingObject | StoredObject) => ({
    ...each,
    metadata: { ...each.metadata, managedFields: each.metadata.managedFields?.map(withoutTime) },
  });
  return equalJson(strip(object), strip(old));
}

function withoutTime(entry: ManagedFieldsEntry): unknown {
  return { ...entry, time: undefined };
}
