/** get and list. */
import { KubeError } from "../../../kube/client.ts";
import { badRequest, methodNotAllowed, notFound } from "../errors.ts";
import type { StoredObject } from "../object.ts";
import { groupVersion, type ResourceDefinition } from "../registry/definition.ts";
import { decode } from "../schema/decode.ts";
import { applyDefaults } from "../schema/default.ts";
import { parseSelection } from "../selection.ts";
import { keyOf } from "../store/store.ts";
import type { ApiState } from "./state.ts";

const converted = new WeakMap<StoredObject, Map<string, StoredObject>>();

/** A stored object in the version asked for; versions differ in name, defaults and the fields they know. */
export function present(definition: ResourceDefinition, object: StoredObject): StoredObject {
  const apiVersion = groupVersion(definition);
  if (object.apiVersion === apiVersion) return object;
  let versions = converted.get(object);
  if (versions === undefined) {
    versions = new Map();
    converted.set(object, versions);
  }
  let result = versions.get(apiVersion);
  if (result === undefined) {
    result = decode(definition.schema, object, definition.isCustom).value as unknown as StoredObject;
    result.apiVersion = apiVersion;
    if (definition.schema !== undefined) applyDefaults(definition.schema, result);
    versions.set(apiVersion, result);
  }
  return result;
}

/** @throws KubeError 404 */
export function getObject(
  state: ApiState,
  definition: ResourceDefinition,
  namespace: string | undefined,
  name: string,
): StoredObject {
  if (!definition.isStored) throw methodNotAllowed();
  const stored = state.store.get(definition.resource, keyOf(namespace, name));
  if (stored === undefined) throw notFound(definition, name);
  return present(definition, stored);
}

export interface ListParameters {
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  resourceVersion?: string | undefined;
  resourceVersionMatch?: string | undefined;
  limit?: number | undefined;
  continue?: string | undefined;
}

export interface ListResult {
  items: StoredObject[];
  resourceVersion: string;
  continue?: string;
  remaining?: number;
}

interface ContinueToken {
  /** Version of the first page: what a watch after the last page starts from. */
  version: number;
  /** Last key given out. */
  after: string;
}

function readToken(text: string): ContinueToken {
  try {
    const token = JSON.parse(atob(text)) as ContinueToken;
    if (typeof token.version === "number" && typeof token.after === "string") return token;
  } catch {
    // Falls through to the refusal below: whatever is wrong with the text, it is not a token of ours.
  }
  throw badRequest("continue key is not valid");
}

/**
 * Pages are cut from the current state: what changed between two pages is made up by a watch from the list's version.
 *
 * @throws KubeError 410 when the list's first page is too old for such a watch
 */
export function listObjects(
  state: ApiState,
  definition: ResourceDefinition,
  namespace: string | undefined,
  parameters: ListParameters,
): ListResult {
  if (!definition.isStored) throw methodNotAllowed();
  const selects = parseSelection(definition, parameters.labelSelector, parameters.fieldSelector);
  const token = parameters.continue ? readToken(parameters.continue) : undefined;
  const version = token?.version ?? state.store.version;
  if (token !== undefined) state.store.since(definition.resource, version);
  checkVersion(state, parameters);
  let objects = state.store.list(definition.resource, namespace);
  if (selects !== undefined) objects = objects.filter(selects);
  if (token !== undefined) objects = objects.filter((object) => sortKey(object) > token.after);
  const { limit = 0 } = parameters;
  const result: ListResult = { items: objects, resourceVersion: String(version) };
  if (limit > 0 && objects.length > limit) {
    result.items = objects.slice(0, limit);
    result.continue = btoaText(JSON.stringify({ version, after: sortKey(result.items.at(-1)!) }));
    result.remaining = objects.length - limit;
  }
  result.items = result.items.map((object) => present(definition, object));
  return result;
}

function sortKey(object: StoredObject): string {
  return keyOf(object.metadata.namespace, object.metadata.name);
}

function btoaText(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function checkVersion(state: ApiState, { resourceVersion, resourceVersionMatch }: ListParameters): void {
  if (resourceVersion === undefined || resourceVersion === "" || resourceVersion === "0") return;
  if (!/^\d+$/.test(resourceVersion)) {
    throw badRequest(`resourceVersion: Invalid value: "${resourceVersion}": must be a number`);
  }
  if (resourceVersionMatch === "Exact" && Number(resourceVersion) !== state.store.version) {
    throw new KubeError(410, "Expired", `The provided resource version is no longer available.`);
  }
}
