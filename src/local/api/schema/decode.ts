/**
 * Reads JSON as a kind: a fresh copy without fields the schema does not know and without nulls, with what was unknown
 * and what has the wrong type listed.
 *
 * Source: Kubernetes' strict decoding (sigs.k8s.io/json) for built-in kinds, structural pruning for custom resources.
 */
import { type Fields, isFields, setOwn } from "../object.ts";
import { isIntOrString, isQuantity, objectMetaSchema, resolve, type Schema } from "./schema.ts";

export interface Decoded {
  value: Fields;
  /** Paths of fields that were dropped: `spec.template.spec.foo`. */
  unknown: string[];
  /** Values of another type than the schema's. */
  mistyped: { path: string; expected: string; found: unknown }[];
}

interface Walk extends Omit<Decoded, "value"> {
  /** Structural schemas drop what `type: object` does not name; OpenAPI's bare objects are free-form. */
  isStructural: boolean;
}

/**
 * @param schema of the whole object; undefined keeps everything
 * @param isStructural true for custom resources
 */
export function decode(schema: Schema | undefined, input: Fields, isStructural: boolean): Decoded {
  const walk: Walk = { isStructural, unknown: [], mistyped: [] };
  const value = walkObject(walk, schema ?? {}, input, "", schema === undefined) as Fields;
  return { value, unknown: walk.unknown, mistyped: walk.mistyped };
}

const DROP = Symbol("drop");

/** @returns the cleaned value, or DROP for a null that means "not set" */
function walkValue(walk: Walk, declared: Schema, value: unknown, path: string, isFree: boolean): unknown {
  if (value === null || value === undefined) {
    if (isFree) return value;
    return declared.nullable === true ? null : DROP;
  }
  if (isFree) return copyFree(value);
  if (isIntOrString(declared)) {
    if (typeof value !== "string" && !Number.isInteger(value)) mistyped(walk, path, "int or string", value);
    return value;
  }
  if (isQuantity(declared)) {
    if (typeof value === "number") return String(value);
    if (typeof value !== "string") mistyped(walk, path, "quantity", value);
    return value;
  }
  // Metadata of a custom resource is Kubernetes' own type, with free-form parts like every other.
  if (walk.isStructural && declared.$ref !== undefined) walk = { ...walk, isStructural: false };
  const schema = resolve(declared);
  const preserves = schema["x-kubernetes-preserve-unknown-fields"] === true;
  switch (schema.type) {
    case "object":
      if (!isFields(value)) return mistyped(walk, path, "object", value);
      return walkObject(walk, schema, value, path, preserves);
    case "array":
      if (!Array.isArray(value)) return mistyped(walk, path, "array", value);
      return walkArray(walk, schema, value, path);
    case "string":
      return typeof value === "string" ? value : mistyped(walk, path, "string", value);
    case "boolean":
      return typeof value === "boolean" ? value : mistyped(walk, path, "boolean", value);
    case "integer":
      return Number.isInteger(value) ? value : mistyped(walk, path, "integer", value);
    case "number":
      return typeof value === "number" ? value : mistyped(walk, path, "number", value);
    default:
      if (isFields(value) && (schema.properties !== undefined || schema.additionalProperties !== undefined)) {
        return walkObject(walk, schema, value, path, preserves);
      }
      return copyFree(value);
  }
}

function mistyped(walk: Walk, path: string, expected: string, found: unknown): unknown {
  walk.mistyped.push({ path, expected, found });
  return found;
}

function walkArray(walk: Walk, schema: Schema, value: unknown[], path: string): unknown[] {
  const items = schema.items;
  if (items === undefined) return value.map(copyFree);
  const result: unknown[] = [];
  for (let index = 0; index < value.length; index++) {
    const item = walkValue(walk, items, value[index], `${path}[${index}]`, false);
    if (item !== DROP) result.push(item);
    else if (walk.isStructural) mistyped(walk, `${path}[${index}]`, items.type ?? "value", null);
  }
  return result;
}

function walkObject(walk: Walk, schema: Schema, value: Fields, path: string, keepsUnknown: boolean): Fields {
  const result: Fields = {};
  const { properties, additionalProperties } = schema;
  const embedded = schema["x-kubernetes-embedded-resource"] === true;
  const isFreeForm = keepsUnknown || additionalProperties === true ||
    (properties === undefined && additionalProperties === undefined && !walk.isStructural);
  for (const key of Object.keys(value)) {
    const child = path === "" ? key : `${path}.${key}`;
    let declared = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (declared === undefined && embedded) declared = embeddedField(key);
    if (declared === undefined && typeof additionalProperties === "object") declared = additionalProperties;
    if (declared === undefined && !isFreeForm) {
      walk.unknown.push(child);
      continue;
    }
    const cleaned = walkValue(walk, declared ?? {}, value[key], child, declared === undefined);
    if (cleaned !== DROP) setOwn(result, key, cleaned);
  }
  return result;
}

function embeddedField(key: string): Schema | undefined {
  if (key === "metadata") return objectMetaSchema();
  return key === "apiVersion" || key === "kind" ? { type: "string" } : undefined;
}

function copyFree(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyFree);
  if (!isFields(value)) return value;
  const result: Fields = {};
  for (const key of Object.keys(value)) {
    if (value[key] !== undefined) setOwn(result, key, copyFree(value[key]));
  }
  return result;
}
