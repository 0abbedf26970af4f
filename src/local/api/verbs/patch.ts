/** patch in its four forms. */
import { KubeError } from "../../../kube/client.ts";
import { applyConfiguration } from "../apply/managed_fields.ts";
import { badRequest } from "../errors.ts";
import { type Fields, isFields, type StoredObject, timeText } from "../object.ts";
import { applyJsonPatch, JsonPatchError, type PatchOperation } from "../patch/json_patch.ts";
import { applyMergePatch } from "../patch/merge_patch.ts";
import { applyStrategicMerge } from "../patch/strategic_merge.ts";
import { groupVersion, type ResourceDefinition } from "../registry/definition.ts";
import { keyOf } from "../store/store.ts";
import { readObject } from "./decode.ts";
import type { ApiState, WriteContext } from "./state.ts";
import { createObject, updateObject, type UpdateTarget } from "./write.ts";

export type PatchType = "merge" | "json" | "strategic" | "apply";

/**
 * What a patch makes of an object.
 *
 * @throws KubeError 400, 415, 422
 */
export function patched(
  definition: ResourceDefinition,
  type: Exclude<PatchType, "apply">,
  live: unknown,
  patch: unknown,
): unknown {
  switch (type) {
    case "json":
      try {
        return applyJsonPatch(live, patch as PatchOperation[]);
      } catch (error) {
        if (!(error instanceof JsonPatchError)) throw error;
        if (error.isMalformed) throw badRequest(error.message);
        const message = `the server rejected our request due to an error in our request: ${error.message}`;
        throw new KubeError(422, "Invalid", message);
      }
    case "merge":
      if (!isFields(patch)) throw badRequest("a merge patch is an object");
      return applyMergePatch(live, patch);
    case "strategic":
      if (!isFields(patch)) throw badRequest("a strategic merge patch is an object");
      if (definition.isCustom) {
        throw new KubeError(
          415,
          "UnsupportedMediaType",
          "the body of the request was in an unknown format - accepted media types include: " +
            "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
        );
      }
      return applyStrategicMerge(definition.schema, live as Fields, patch);
  }
}

export function patchObject(
  state: ApiState,
  context: WriteContext,
  target: UpdateTarget,
  type: PatchType,
  patch: unknown,
  force: boolean,
): Promise<StoredObject> {
  const repeatable = { ...target, isRepeatable: !namesVersion(patch) };
  if (type === "apply") return applyObject(state, context, repeatable, patch, force);
  return updateObject(state, context, repeatable, (live) => ({
    body: patched(target.definition, type, live, patch),
  }));
}

async function applyObject(
  state: ApiState,
  context: WriteContext,
  target: UpdateTarget,
  patch: unknown,
  force: boolean,
): Promise<StoredObject> {
  const { definition, namespace, name, subresource } = target;
  const configuration = readConfiguration(context, definition, name, patch);
  const manager = {
    name: context.fieldManager,
    operation: "Apply" as const,
    apiVersion: groupVersion(definition),
    subresource,
    now: timeText(state.strategies.now()),
  };
  const schema = definition.schema ?? {};
  const isNew = state.store.get(definition.resource, keyOf(namespace, name)) === undefined;
  if (isNew && subresource === undefined) {
    const { object, owners } = applyConfiguration(schema, undefined, configuration, manager, force);
    try {
      return await createObject(state, context, { definition, namespace, name, owners }, object);
    } catch (error) {
      // Made by somebody else while admission ran: it is an update after all.
      if (!(error instanceof KubeError) || error.reason !== "AlreadyExists") throw error;
    }
  }
  return await updateObject(state, context, target, (live) => {
    const { object, owners } = applyConfiguration(schema, live, configuration, manager, force);
    return { body: object, owners };
  });
}

/** The applied object without what the server fills in: its fields are what the manager owns. */
function readConfiguration(
  context: WriteContext,
  definition: ResourceDefinition,
  name: string,
  patch: unknown,
): Fields {
  if (context.fieldManager === "") throw badRequest("fieldManager is required for apply patch");
  if (!isFields(patch)) throw badRequest("an apply patch is an object");
  const metadata = patch["metadata"];
  if (isFields(metadata) && metadata["managedFields"] !== undefined) {
    throw badRequest("metadata.managedFields must be nil");
  }
  if (isFields(metadata) && metadata["name"] !== undefined && metadata["name"] !== name) {
    throw badRequest(
      `the name of the object (${metadata["name"]}) does not match the name on the URL (${name})`,
    );
  }
  return readObject(context, definition, patch, false) as unknown as Fields;
}

function namesVersion(patch: unknown): boolean {
  if (Array.isArray(patch)) return patch.some((each) => isFields(each) && each["path"] === VERSION_POINTER);
  const metadata = isFields(patch) ? patch["metadata"] : undefined;
  return isFields(metadata) && metadata["resourceVersion"] !== undefined;
}

const VERSION_POINTER = "/metadata/resourceVersion";
