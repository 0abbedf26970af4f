/** JSON Merge Patch, RFC 7386: fields are set, a null removes, lists are replaced. */
import { cloneJson, type Fields, getOwn, isFields, setOwn } from "../object.ts";

export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return cloneJson(patch);
  const result: Fields = isFields(target) ? cloneJson(target) : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete result[key];
    else setOwn(result, key, applyMergePatch(getOwn(result, key), value));
  }
  return result;
}
