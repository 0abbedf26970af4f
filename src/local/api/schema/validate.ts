/**
 * Checks a value against a structural schema: what OpenAPI v3 says beyond types. Rules in CEL
 * (`x-kubernetes-validations`) are kept in the definition and not evaluated.
 */
import { equalJson, type Fields, getOwn, isFields } from "../object.ts";
import type { FieldErrors } from "../errors.ts";
import { isQuantityText, matchesFormat } from "./formats.ts";
import { isIntOrString, isQuantity, resolve, type Schema } from "./schema.ts";
import { FieldErrors as Errors } from "../errors.ts";

/**
 * @param errors gets every violation, each under its path
 */
export function validate(declared: Schema, value: unknown, path: string, errors: FieldErrors): void {
  if (value === null && (declared.nullable === true || declared.type === undefined)) return;
  const schema = resolve(declared);
  checkType(declared, schema, value, path, errors);
  if (schema.enum !== undefined && !schema.enum.some((each) => equalJson(each, value))) {
    errors.unsupported(path, value, schema.enum.map(String));
  }
  if (isQuantity(declared) && typeof value === "string" && !isQuantityText(value)) {
    errors.invalid(path, value, "quantities must match the regular expression " + QUANTITY_PATTERN);
  }
  if (typeof value === "string") checkString(schema, value, path, errors);
  else if (typeof value === "number") checkNumber(schema, value, path, errors);
  else if (Array.isArray(value)) checkArray(schema, value, path, errors);
  else if (isFields(value)) checkObject(schema, value, path, errors);
  checkCombined(schema, value, path, errors);
}

const QUANTITY_PATTERN = "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

function checkType(declared: Schema, schema: Schema, value: unknown, path: string, errors: FieldErrors) {
  if (schema.type === undefined || isIntOrString(declared) || isQuantity(declared)) return;
  const found = value === null
    ? "null"
    : Array.isArray(value)
    ? "array"
    : Number.isInteger(value) && schema.type === "integer"
    ? "integer"
    : typeof value;
  if (found !== schema.type) {
    errors.type(
      path,
      value,
      `${path} in body must be of type ${schema.type}: ${JSON.stringify(found)}`,
    );
  }
}

const patterns = new Map<string, RegExp | undefined>();

/** RE2 patterns run on JavaScript's engine; one it cannot read is not enforced. */
function patternOf(text: string): RegExp | undefined {
  if (!patterns.has(text)) {
    let pattern: RegExp | undefined;
    try {
      pattern = new RegExp(text, "u");
    } catch {
      try {
        // Escapes like `\-` are errors only in unicode mode.
        pattern = new RegExp(text);
      } catch {
        pattern = undefined;
      }
    }
    patterns.set(text, pattern);
  }
  return patterns.get(text);
}

function checkString(schema: Schema, value: string, path: string, errors: FieldErrors): void {
  const length = [...value].length;
  if (schema.minLength !== undefined && length < schema.minLength) {
    errors.invalid(path, value, `${path} in body should be at least ${schema.minLength} chars long`);
  }
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    errors.errors.push({
      reason: "FieldValueTooLong",
      field: path,
      message: `Too long: may not be more than ${schema.maxLength} bytes`,
    });
  }
  if (schema.pattern !== undefined && patternOf(schema.pattern)?.test(value) === false) {
    errors.invalid(path, value, `${path} in body should match '${schema.pattern}'`);
  }
  if (schema.format !== undefined && !matchesFormat(schema.format, value)) {
    errors.invalid(path, value, `${path} in body must be of type ${schema.format}: "${value}"`);
  }
}

function checkNumber(schema: Schema, value: number, path: string, errors: FieldErrors): void {
  const { minimum, maximum, multipleOf } = schema;
  if (minimum !== undefined && (schema.exclusiveMinimum === true ? value <= minimum : value < minimum)) {
    const relation = schema.exclusiveMinimum === true ? "greater than" : "greater than or equal to";
    errors.invalid(path, value, `${path} in body should be ${relation} ${minimum}`);
  }
  if (maximum !== undefined && (schema.exclusiveMaximum === true ? value >= maximum : value > maximum)) {
    const relation = schema.exclusiveMaximum === true ? "less than" : "less than or equal to";
    errors.invalid(path, value, `${path} in body should be ${relation} ${maximum}`);
  }
  if (multipleOf !== undefined && value % multipleOf !== 0) {
    errors.invalid(path, value, `${path} in body should be a multiple of ${multipleOf}`);
  }
  if (schema.format === "int32" && (value < -(2 ** 31) || value > 2 ** 31 - 1)) {
    errors.invalid(path, value, `${path} in body must be of type int32: "${value}"`);
  }
}

function checkArray(schema: Schema, value: unknown[], path: string, errors: FieldErrors): void {
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    errors.invalid(path, value.length, `${path} in body should have at least ${schema.minItems} items`);
  }
  if (schema.maxItems !== undefined && value.length > schema.maxItems) {
    errors.errors.push({
      reason: "FieldValueTooMany",
      field: path,
      message: `Too many: ${value.length}: must have at most ${schema.maxItems} items`,
    });
  }
  const listType = schema["x-kubernetes-list-type"];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  if (listType === "set" || listType === "map" || schema.uniqueItems === true) {
    const seen = new Set<string>();
    for (let index = 0; index < value.length; index++) {
      const item = value[index];
      const identity = listType === "map" && isFields(item)
        ? keys.map((key) => JSON.stringify(getOwn(item, key))).join()
        : JSON.stringify(item);
      if (seen.has(identity)) errors.duplicate(`${path}[${index}]`, item);
      seen.add(identity);
    }
  }
  if (schema.items === undefined) return;
  for (let index = 0; index < value.length; index++) {
    validate(schema.items, value[index], `${path}[${index}]`, errors);
  }
}

function checkObject(schema: Schema, value: Fields, path: string, errors: FieldErrors): void {
  const prefix = path === "" ? "" : `${path}.`;
  for (const name of schema.required ?? []) {
    if (getOwn(value, name) === undefined) errors.required(prefix + name);
  }
  const count = Object.keys(value).length;
  if (schema.minProperties !== undefined && count < schema.minProperties) {
    errors.invalid(path, count, `${path} in body should have at least ${schema.minProperties} properties`);
  }
  if (schema.maxProperties !== undefined && count > schema.maxProperties) {
    errors.invalid(path, count, `${path} in body should have at most ${schema.maxProperties} properties`);
  }
  for (const key of Object.keys(value)) {
    const known = schema.properties !== undefined && Object.hasOwn(schema.properties, key)
      ? schema.properties[key]
      : typeof schema.additionalProperties === "object"
      ? schema.additionalProperties
      : undefined;
    if (known !== undefined) validate(known, value[key], prefix + key, errors);
  }
}

function isValid(schema: Schema, value: unknown): boolean {
  const errors = new Errors();
  validate(schema, value, "", errors);
  return errors.errors.length === 0;
}

function checkCombined(schema: Schema, value: unknown, path: string, errors: FieldErrors): void {
  for (const each of schema.allOf ?? []) validate(each, value, path, errors);
  const shown = path === "" ? "<nil>" : path;
  if (schema.anyOf !== undefined && !schema.anyOf.some((each) => isValid(each, value))) {
    errors.invalid(shown, value, `${path} in body must validate at least one schema (anyOf)`);
  }
  if (schema.oneOf !== undefined) {
    const count = schema.oneOf.filter((each) => isValid(each, value)).length;
    if (count !== 1) {
      errors.invalid(
        shown,
        value,
        `${path} in body must validate one and only one schema (oneOf). ${
          count === 0 ? "Found none valid" : `Found ${count} valid alternatives`
        }`,
      );
    }
  }
  if (schema.not !== undefined && isValid(schema.not, value)) {
    errors.invalid(shown, value, `${path} in body must not validate the schema (not)`);
  }
}
