/** Fills in the defaults a schema declares, in place. */
import { cloneJson, type Fields, getOwn, isFields, setOwn } from "../object.ts";
import { resolve, type Schema } from "./schema.ts";

const needed = new WeakMap<Schema, boolean>();

/** True when a default stands somewhere below; keeps the walk off the many parts that have none. */
function hasDefaults(schema: Schema): boolean {
  const known = needed.get(schema);
  if (known !== undefined) return known;
  // A schema that contains itself (JSONSchemaProps) is taken to have none where it closes the circle.
  needed.set(schema, false);
  const children = [
    ...Object.values(schema.properties ?? {}),
    ...(schema.items === undefined ? [] : [schema.items]),
    ...(typeof schema.additionalProperties === "object" ? [schema.additionalProperties] : []),
  ];
  const result = children.some((child) => child.default !== undefined || hasDefaults(resolve(child)));
  needed.set(schema, result);
  return result;
}

export function applyDefaults(declared: Schema, value: unknown): void {
  const schema = resolve(declared);
  if (!hasDefaults(schema)) return;
  if (Array.isArray(value)) {
    if (schema.items === undefined) return;
    for (const item of value) applyDefaults(schema.items, item);
    return;
  }
  if (!isFields(value)) return;
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    setDefault(value, key, child);
    const present = getOwn(value, key);
    if (present !== undefined) applyDefaults(child, present);
  }
  const { additionalProperties } = schema;
  if (typeof additionalProperties !== "object") return;
  for (const key of Object.keys(value)) {
    if (schema.properties === undefined || !Object.hasOwn(schema.properties, key)) {
      applyDefaults(additionalProperties, value[key]);
    }
  }
}

function setDefault(value: Fields, key: string, schema: Schema): void {
  const present = getOwn(value, key);
  const isMissing = present === undefined || (present === null && schema.nullable !== true);
  if (isMissing && schema.default !== undefined) setOwn(value, key, cloneJson(schema.default));
}
