/** Which fields a value has, and in which fields two values differ. */
import { equalJson, type FieldsV1 } from "../object.ts";
import type { Schema } from "../schema/schema.ts";
import { isEmptySet } from "./field_set.ts";
import { shapeOf, stepsOf } from "./shape.ts";

function isEmptyValue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** Every field of a value; items of keyed lists own themselves (`.`) beside their fields. */
export function fieldsOf(schema: Schema, value: unknown): FieldsV1 {
  const shape = shapeOf(schema, value);
  if (shape === "atomic" || isEmptyValue(value)) return {};
  const set: FieldsV1 = {};
  for (const step of stepsOf(schema, value)) {
    const below = fieldsOf(step.schema, step.value);
    set[step.key] = shape === "keyed" ? { ".": {}, ...below } : below;
  }
  return set;
}

export interface Difference {
  /** Fields that are new or have another value. */
  changed: FieldsV1;
  /** Fields that are gone. */
  removed: FieldsV1;
}

export function differenceOf(schema: Schema, before: unknown, after: unknown): Difference {
  const difference: Difference = { changed: {}, removed: {} };
  if (before === after) return difference;
  const shape = shapeOf(schema, after);
  const earlier = new Map(stepsOf(schema, before).map((step) => [step.key, step]));
  for (const step of stepsOf(schema, after)) {
    const previous = earlier.get(step.key);
    earlier.delete(step.key);
    if (previous === undefined) {
      const below = fieldsOf(step.schema, step.value);
      difference.changed[step.key] = shape === "keyed" ? { ".": {}, ...below } : below;
      continue;
    }
    if (equalJson(previous.value, step.value)) continue;
    const isParted = shapeOf(step.schema, step.value) !== "atomic" &&
      shapeOf(step.schema, previous.value) !== "atomic";
    if (!isParted) {
      difference.changed[step.key] = fieldsOf(step.schema, step.value);
      continue;
    }
    const below = differenceOf(step.schema, previous.value, step.value);
    if (!isEmptySet(below.changed)) difference.changed[step.key] = below.changed;
    if (!isEmptySet(below.removed)) difference.removed[step.key] = below.removed;
  }
  // A whole branch that is gone is a leaf: it takes everything below with it.
  for (const key of earlier.keys()) difference.removed[key] = {};
  return difference;
}
