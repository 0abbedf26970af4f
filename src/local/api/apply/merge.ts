/** What an applied configuration makes of the live object: its fields set, and what it no longer has taken away. */
import { cloneJson, type Fields, type FieldsV1, getOwn, isFields, setOwn } from "../object.ts";
import { fieldSchema, resolve, type Schema } from "../schema/schema.ts";
import { isEmptySet } from "./field_set.ts";
import { shapeOf, stepsOf } from "./shape.ts";

/** `live` with the fields of `applied` set; the arguments stay as they are. */
export function mergeApplied(schema: Schema, live: unknown, applied: unknown): unknown {
  const shape = shapeOf(schema, applied);
  if (shape === "atomic" || shapeOf(schema, live) !== shape) return cloneJson(applied);
  if (shape === "map") {
    const result: Fields = { ...(live as Fields) };
    for (const name of Object.keys(applied as Fields)) {
      const child = fieldSchema(resolve(schema), name) ?? {};
      setOwn(result, name, mergeApplied(child, getOwn(result, name), (applied as Fields)[name]));
    }
    return result;
  }
  const incoming = new Map(stepsOf(schema, applied).map((step) => [step.key, step]));
  const result: unknown[] = [];
  for (const step of stepsOf(schema, live)) {
    const match = incoming.get(step.key);
    incoming.delete(step.key);
    result.push(match === undefined ? step.value : mergeApplied(step.schema, step.value, match.value));
  }
  for (const { value } of incoming.values()) result.push(cloneJson(value));
  return result;
}

/**
 * Takes fields away.
 *
 * @param removed what the manager owned and no longer applies
 * @param kept what anybody still owns: nothing that holds such a field goes
 * @returns the value without them, or undefined when nothing of it is left
 */
export function removeFields(schema: Schema, value: unknown, removed: FieldsV1, kept: FieldsV1): unknown {
  const shape = shapeOf(schema, value);
  if (shape === "atomic") return value;
  const remaining: { key: string; value: unknown }[] = [];
  let isChanged = false;
  for (const step of stepsOf(schema, value)) {
    const gone = removed[step.key];
    const own = kept[step.key];
    if (gone === undefined) {
      remaining.push(step);
      continue;
    }
    const isWhole = isEmptySet(gone) || gone["."] !== undefined;
    if (isWhole && own === undefined) {
      isChanged = true;
      continue;
    }
    if (isEmptySet(gone)) {
      remaining.push(step);
      continue;
    }
    const keys = shape === "keyed" ? keyFields(schema) : [];
    const below = Object.fromEntries(Object.entries(gone).filter(([key]) => !keys.includes(key)));
    const left = removeFields(step.schema, step.value, below, own ?? {});
    if (left !== step.value) isChanged = true;
    if (left !== undefined) remaining.push({ key: step.key, value: left });
  }
  if (!isChanged) return value;
  if (remaining.length === 0 && isEmptySet(kept)) return undefined;
  if (!isFields(value)) return remaining.map((each) => each.value);
  const result: Fields = {};
  for (const each of remaining) setOwn(result, each.key.slice(2), each.value);
  return result;
}

function keyFields(schema: Schema): string[] {
  return (resolve(schema)["x-kubernetes-list-map-keys"] ?? []).map((name) => `f:${name}`);
}
