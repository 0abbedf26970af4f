/**
 * How the fields of a value are owned: field by field, item by item, or as a whole.
 *
 * Source: Kubernetes' reading of x-kubernetes-list-type and x-kubernetes-map-type.
 */
import { type Fields, getOwn, isFields } from "../object.ts";
import { fieldSchema, resolve, type Schema } from "../schema/schema.ts";

/** One step below a value: its key in a field set, its value, and the schema of it. */
export interface Step {
  key: string;
  value: unknown;
  schema: Schema;
}

const UNKNOWN: Schema = {};

/** "map" and "keyed" lists are owned part by part, the rest as a whole. */
export function shapeOf(declared: Schema, value: unknown): "map" | "keyed" | "set" | "atomic" {
  const schema = resolve(declared);
  if (isFields(value)) {
    const type = declared["x-kubernetes-map-type"] ?? schema["x-kubernetes-map-type"];
    return type === "atomic" ? "atomic" : "map";
  }
  if (!Array.isArray(value)) return "atomic";
  const type = schema["x-kubernetes-list-type"];
  return type === "map" ? "keyed" : type === "set" ? "set" : "atomic";
}

/** The key of a list item; defaults of the schema stand in for keys that are not set (a port's protocol). */
function itemKey(schema: Schema, item: unknown): string {
  const items = resolve(schema.items ?? UNKNOWN);
  const keys: Fields = {};
  for (const name of [...(schema["x-kubernetes-list-map-keys"] ?? [])].sort()) {
    const value = isFields(item) ? getOwn(item, name) : undefined;
    keys[name] = value ?? fieldSchema(items, name)?.default;
  }
  return `k:${JSON.stringify(keys)}`;
}

/** The parts of a value that is not atomic, in order. */
export function stepsOf(declared: Schema, value: unknown): Step[] {
  const schema = resolve(declared);
  if (isFields(value)) {
    return Object.keys(value).filter((name) => value[name] !== undefined).map((name) => ({
      key: `f:${name}`,
      value: value[name],
      schema: fieldSchema(schema, name) ?? UNKNOWN,
    }));
  }
  const list = value as unknown[];
  const items = schema.items ?? UNKNOWN;
  if (schema["x-kubernetes-list-type"] === "map") {
    return list.map((item) => ({ key: itemKey(schema, item), value: item, schema: items }));
  }
  return list.map((item) => ({ key: `v:${JSON.stringify(item)}`, value: item, schema: items }));
}
