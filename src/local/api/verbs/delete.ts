/**
 * delete: at once, or (finalizers, a pod's grace, a namespace's contents) by marking the object until the last of
 * those who wait for it has let go.
 */
import { conflict, methodNotAllowed, notFound } from "../errors.ts";
import type { StoredObject } from "../object.ts";
import { timeText } from "../object.ts";
import type { ResourceDefinition } from "../registry/definition.ts";
import { keyOf } from "../store/store.ts";
import { listObjects, type ListParameters, present } from "./read.ts";
import type { ApiState, WriteContext } from "./state.ts";

export interface DeleteParameters {
  gracePeriodSeconds?: number;
  propagationPolicy?: "Foreground" | "Background" | "Orphan";
  /** The old form of propagationPolicy. */
  orphanDependents?: boolean;
  preconditions?: { uid?: string; resourceVersion?: string };
}

export interface Deleted {
  /** Its last state. */
  object: StoredObject;
  /** False while it stays marked. */
  isGone: boolean;
}

const FOREGROUND = "foregroundDeletion";
const ORPHAN = "orphan";

export async function deleteObject(
  state: ApiState,
  context: WriteContext,
  definition: ResourceDefinition,
  namespace: string | undefined,
  name: string,
  parameters: DeleteParameters = {},
): Promise<Deleted> {
  if (!definition.isStored) throw methodNotAllowed();
  const read = () => {
    const live = state.store.get(definition.resource, keyOf(namespace, name));
    if (live === undefined) throw notFound(definition, name);
    checkPreconditions(definition, live, parameters);
    return live;
  };
  await state.admission.validate(context, {
    definition,
    namespace,
    name,
    operation: "DELETE",
    oldObject: present(definition, read()),
  });
  const live = read();
  if (context.isDryRun) return { object: present(definition, live), isGone: true };
  return mark(state, definition, live, parameters);
}

function checkPreconditions(
  definition: ResourceDefinition,
  live: StoredObject,
  { preconditions }: DeleteParameters,
): void {
  const { uid, resourceVersion } = preconditions ?? {};
  const { name } = live.metadata;
  if (uid !== undefined && uid !== live.metadata.uid) {
    throw conflict(
      definition,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata.uid}`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== live.metadata.resourceVersion) {
    throw conflict(definition, name);
  }
}

function finalizersFor(live: StoredObject, parameters: DeleteParameters): string[] {
  const finalizers = (live.metadata.finalizers ?? []).filter((each) =>
    parameters.propagationPolicy === undefined || (each !== FOREGROUND && each !== ORPHAN)
  );
  const orphans = parameters.propagationPolicy === "Orphan" || parameters.orphanDependents === true;
  if (parameters.propagationPolicy === "Foreground") finalizers.push(FOREGROUND);
  else if (orphans) finalizers.push(ORPHAN);
  return finalizers;
}

function hasContents(definition: ResourceDefinition, object: StoredObject): boolean {
  if (definition.resource !== "/namespaces") return false;
  const spec = object["spec"] as { finalizers?: string[] } | undefined;
  return (spec?.finalizers ?? []).length > 0;
}

function mark(
  state: ApiState,
  definition: ResourceDefinition,
  live: StoredObject,
  parameters: DeleteParameters,
): Deleted {
  const { resource, strategy } = definition;
  const { name, namespace } = live.metadata;
  const key = keyOf(namespace, name);
  const finalizers = finalizersFor(live, parameters);
  const grace = strategy.gracePeriodSeconds?.(live, parameters.gracePeriodSeconds) ?? 0;
  const before = live.metadata.deletionGracePeriodSeconds;
  const isMarked = live.metadata.deletionTimestamp !== undefined;
  const seconds = isMarked && before !== undefined ? Math.min(before, grace) : grace;
  if (finalizers.length === 0 && seconds === 0 && !hasContents(definition, live)) {
    state.store.remove(resource, key, live);
    strategy.release?.(live, state.strategies);
    return { object: present(definition, live), isGone: true };
  }
  const isSame = isMarked && seconds === before &&
    finalizers.join() === (live.metadata.finalizers ?? []).join();
  if (isSame) return { object: present(definition, live), isGone: false };
  const now = state.strategies.now();
  const next: StoredObject = {
    ...live,
    metadata: {
      ...live.metadata,
      deletionTimestamp: isMarked && seconds === before
        ? live.metadata.deletionTimestamp!
        : timeText(new Date(now.getTime() + seconds * 1000)),
      deletionGracePeriodSeconds: seconds,
      ...(definition.hasGeneration && !isMarked ? { generation: (live.metadata.generation ?? 0) + 1 } : {}),
    },
  };
  if (finalizers.length > 0) next.metadata.finalizers = finalizers;
  else delete next.metadata.finalizers;
  if (hasContents(definition, live)) {
    next["status"] = { ...(next["status"] as Record<string, unknown>), phase: "Terminating" };
  }
  const stored = state.store.put(resource, key, next, live)!;
  return { object: present(definition, stored), isGone: false };
}

/** Removes a marked object nobody waits for any more; after every update. */
export function finishDeletion(state: ApiState, definition: ResourceDefinition, stored: StoredObject): void {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers, namespace, name } = stored.metadata;
  if (deletionTimestamp === undefined || (finalizers ?? []).length > 0) return;
  if ((deletionGracePeriodSeconds ?? 0) > 0 || hasContents(definition, stored)) return;
  if (state.store.remove(definition.resource, keyOf(namespace, name), stored)) {
    definition.strategy.release?.(stored, state.strategies);
  }
}

/** @returns the objects as they were */
export async function deleteCollection(
  state: ApiState,
  context: WriteContext,
  definition: ResourceDefinition,
  namespace: string | undefined,
  selection: ListParameters,
  parameters: DeleteParameters,
): Promise<StoredObject[]> {
  const { items } = listObjects(state, definition, namespace, selection);
  const deleted: StoredObject[] = [];
  for (const item of items) {
    if (
      state.store.get(definition.resource, keyOf(item.metadata.namespace, item.metadata.name)) === undefined
    ) {
      continue;
    }
    const { object } = await deleteObject(
      state,
      context,
      definition,
      item.metadata.namespace,
      item.metadata.name,
      parameters,
    );
    deleted.push(object);
  }
  return deleted;
}
