/** From a request's body to an object of the kind, complete but for what admission and the kind's rules add. */
import { KubeError } from "../../../kube/client.ts";
import { badRequest, type FieldErrors, invalid } from "../errors.ts";
import { FieldErrors as Errors } from "../errors.ts";
import { type Fields, getOwn, type IncomingObject, isFields, type StoredObject } from "../object.ts";
import { groupVersion, type ResourceDefinition } from "../registry/definition.ts";
import { decode } from "../schema/decode.ts";
import { applyDefaults } from "../schema/default.ts";
import { labelKeyProblem, labelValueProblem, nameProblem } from "../schema/formats.ts";
import type { Schema } from "../schema/schema.ts";
import { validate } from "../schema/validate.ts";
import type { WriteContext } from "./state.ts";

/**
 * Reads a body as an object of the kind and (unless `hasDefaults` is false) fills in defaults.
 *
 * @throws KubeError 400 for another kind, wrong types, and (Strict) unknown fields; 422 for wrong types of custom ones
 */
export function readObject(
  context: WriteContext,
  definition: ResourceDefinition,
  body: unknown,
  hasDefaults = true,
): IncomingObject {
  if (!isFields(body)) throw badRequest("the body of the request is not an object");
  checkKind(definition, body);
  const { value, unknown, mistyped } = decode(definition.schema, body, definition.isCustom);
  if (mistyped.length > 0) throw mistypedError(definition, value, mistyped);
  if (unknown.length > 0 && context.validation !== "Ignore") {
    const texts = unknown.map((path) => `unknown field "${path}"`);
    if (context.validation === "Strict") {
      const kind = definition.kind;
      throw badRequest(
        `${kind} in version "${definition.version}" cannot be handled as a ${kind}: strict decoding error: ${
          texts.join(", ")
        }`,
      );
    }
    context.warnings.push(...texts);
  }
  const object = value as unknown as IncomingObject;
  object.apiVersion = groupVersion(definition);
  object.kind = definition.kind;
  object.metadata = isFields(object.metadata) ? object.metadata : {};
  if (hasDefaults) setDefaults(definition, object);
  return object;
}

/** Again after a mutation. */
export function setDefaults(definition: ResourceDefinition, object: IncomingObject): void {
  if (definition.schema !== undefined) applyDefaults(definition.schema, object);
  definition.strategy.setDefaults?.(object);
}

function checkKind(definition: ResourceDefinition, body: Fields): void {
  const expected = groupVersion(definition);
  const { apiVersion, kind } = body;
  if (apiVersion !== undefined && apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
    );
  }
  if (kind !== undefined && kind !== definition.kind) {
    throw badRequest(
      `${kind} in version "${definition.version}" cannot be handled as a ${definition.kind}: no kind "${kind}" is ` +
        `registered for this path`,
    );
  }
}

function mistypedError(
  definition: ResourceDefinition,
  value: Fields,
  mistyped: { path: string; expected: string; found: unknown }[],
): KubeError {
  if (definition.isCustom) {
    const errors = new Errors();
    for (const { path, expected, found } of mistyped) {
      errors.type(
        path,
        found,
        `${path} in body must be of type ${expected}: ${JSON.stringify(typeOf(found))}`,
      );
    }
    const metadata = getOwn(value, "metadata");
    const name = isFields(metadata) ? String(metadata["name"] ?? "") : "";
    return invalid(definition, name, errors.errors);
  }
  const { path, expected, found } = mistyped[0]!;
  return new KubeError(
    400,
    "BadRequest",
    `${definition.kind} in version "${definition.version}" cannot be handled as a ${definition.kind}: json: cannot ` +
      `unmarshal ${typeOf(found)} into Go struct field .${path} of type ${expected}`,
  );
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : value === null ? "null" : typeof value;
}

/** @throws KubeError 422 with everything that is wrong */
export function validateObject(
  definition: ResourceDefinition,
  object: IncomingObject,
  old: StoredObject | undefined,
): void {
  const errors = new Errors();
  validateMetadata(definition, object, errors, old === undefined);
  if (definition.schema !== undefined) {
    if (definition.isCustom) validate(definition.schema, object, "", errors);
    else validateBuiltin(definition.schema, object, errors);
  }
  // Rules that read a spec rely on the schema being met.
  if (errors.errors.length === 0) definition.strategy.validate?.(object, errors, old);
  if (errors.errors.length > 0) throw invalid(definition, object.metadata.name ?? "", errors.errors);
}

/** Status is written by controllers, and the server takes it as it is. */
function validateBuiltin(schema: Schema, object: IncomingObject, errors: FieldErrors): void {
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    if (name === "status" || name === "metadata") continue;
    const value = object[name];
    if (value !== undefined) validate(child, value, name, errors);
    else if (schema.required?.includes(name)) errors.required(name);
  }
}

function validateMetadata(
  definition: ResourceDefinition,
  object: IncomingObject,
  errors: FieldErrors,
  isNew: boolean,
): void {
  const { name = "", namespace, labels, annotations, finalizers, ownerReferences } = object.metadata;
  if (isNew) {
    const problem = nameProblem(name, definition.nameForm);
    if (name === "") errors.required("metadata.name", "name or generateName is required");
    else if (problem !== undefined) errors.invalid("metadata.name", name, problem);
    if (definition.isNamespaced && namespace !== undefined && nameProblem(namespace, "label") !== undefined) {
      errors.invalid("metadata.namespace", namespace, nameProblem(namespace, "label")!);
    }
  }
  for (const [key, value] of Object.entries(labels ?? {})) {
    const problem = labelKeyProblem(key);
    if (problem !== undefined) errors.invalid("metadata.labels", key, problem);
    const valueProblem = labelValueProblem(value);
    if (valueProblem !== undefined) errors.invalid("metadata.labels", value, valueProblem);
  }
  let size = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    // Keys of annotations may have upper case, where those of labels may too; only the prefix is a DNS name.
    const problem = labelKeyProblem(key.toLowerCase());
    if (problem !== undefined) errors.invalid("metadata.annotations", key, problem);
    size += key.length + value.length;
  }
  if (size > 256 * 1024) {
    errors.errors.push({
      reason: "FieldValueTooLong",
      field: "metadata.annotations",
      message: `Too long: may not be more than ${256 * 1024} bytes`,
    });
  }
  for (const [index, finalizer] of (finalizers ?? []).entries()) {
    const problem = labelKeyProblem(finalizer);
    if (problem !== undefined) errors.invalid(`metadata.finalizers[${index}]`, finalizer, problem);
  }
  for (const [index, owner] of (ownerReferences ?? []).entries()) {
    for (const field of ["apiVersion", "kind", "name", "uid"] as const) {
      if (!owner[field]) errors.required(`metadata.ownerReferences[${index}].${field}`);
    }
  }
}
