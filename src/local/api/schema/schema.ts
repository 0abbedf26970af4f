/**
 * The shape of a kind: OpenAPI v3 for the built-in kinds (`builtin.json`, cut from Kubernetes' own files by
 * tools/builtin_schema.ts), a structural schema for custom resources. Both are walked by the same code.
 */
import text from "./builtin.json" with { type: "text" };

export interface Schema {
  $ref?: string;
  type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  format?: string;
  description?: string;
  default?: unknown;
  nullable?: boolean;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  required?: string[];
  enum?: unknown[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  minProperties?: number;
  maxProperties?: number;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  not?: Schema;
  "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  "x-kubernetes-list-map-keys"?: string[];
  "x-kubernetes-map-type"?: "granular" | "atomic";
  "x-kubernetes-patch-merge-key"?: string;
  "x-kubernetes-patch-strategy"?: string;
  "x-kubernetes-preserve-unknown-fields"?: boolean;
  "x-kubernetes-int-or-string"?: boolean;
  "x-kubernetes-embedded-resource"?: boolean;
  "x-kubernetes-group-version-kind"?: { group: string; version: string; kind: string }[];
}

interface BuiltinFile {
  /** `group/version/Kind` → name of its schema. */
  served: Record<string, string>;
  schemas: Record<string, Schema>;
}

let file: BuiltinFile | undefined;

/** Fields OpenAPI calls required that the API server itself takes as empty when they are missing. */
const NOT_ENFORCED: Record<string, string> = {
  "io.k8s.api.core.v1.HTTPHeader": "value",
  "io.k8s.api.core.v1.Sysctl": "value",
  "io.k8s.api.apps.v1.ControllerRevision": "revision",
  "io.k8s.api.discovery.v1.EndpointSlice": "endpoints",
  "io.k8s.api.events.v1.Event": "eventTime",
  "io.k8s.api.scheduling.v1.PriorityClass": "value",
  "io.k8s.api.authentication.v1.TokenRequestSpec": "audiences",
  "io.k8s.api.rbac.v1.RoleRef": "apiGroup",
};

/** Every built-in schema by name; parsed at first use (3 ms). */
export function builtinSchemas(): BuiltinFile {
  if (file === undefined) {
    file = JSON.parse(text) as BuiltinFile;
    for (const [name, field] of Object.entries(NOT_ENFORCED)) {
      const schema = file.schemas[name];
      if (schema?.required !== undefined) schema.required = schema.required.filter((each) => each !== field);
    }
  }
  return file;
}

export const SCHEMA_PREFIX = "#/components/schemas/";

const OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const INT_OR_STRING = `${SCHEMA_PREFIX}io.k8s.apimachinery.pkg.util.intstr.IntOrString`;
const QUANTITY = `${SCHEMA_PREFIX}io.k8s.apimachinery.pkg.api.resource.Quantity`;

/** What a reference points to; anything else is itself. */
export function resolve(schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  return builtinSchemas().schemas[schema.$ref.slice(SCHEMA_PREFIX.length)] ?? {};
}

/** Name of the type a reference points to, as decode errors show it. */
export function isIntOrString(schema: Schema): boolean {
  return schema.$ref === INT_OR_STRING || schema["x-kubernetes-int-or-string"] === true;
}

export function isQuantity(schema: Schema): boolean {
  return schema.$ref === QUANTITY;
}

/** The schema of a built-in kind, or undefined where it is not described. */
export function builtinSchema(group: string, version: string, kind: string): Schema | undefined {
  const name = builtinSchemas().served[`${group}/${version}/${kind}`];
  return name === undefined ? undefined : builtinSchemas().schemas[name];
}

export function objectMetaSchema(): Schema {
  return builtinSchemas().schemas[OBJECT_META]!;
}

const STRING: Schema = { type: "string" };

/** A custom resource's schema with what every object has added to it. */
export function withObjectFields(schema: Schema): Schema {
  return {
    ...schema,
    type: "object",
    properties: {
      ...schema.properties,
      apiVersion: STRING,
      kind: STRING,
      metadata: { $ref: SCHEMA_PREFIX + OBJECT_META },
    },
  };
}

/**
 * The schema of a field, or undefined when the schema does not know it.
 *
 * @param schema resolved
 */
export function fieldSchema(schema: Schema, name: string): Schema | undefined {
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, name)) {
    return schema.properties[name];
  }
  const { additionalProperties } = schema;
  return typeof additionalProperties === "object" ? additionalProperties : undefined;
}
