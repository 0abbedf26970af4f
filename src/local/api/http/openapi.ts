/**
 * OpenAPI v3 of what is served: what kubectl explains from, and where it learns that the server validates fields.
 *
 * Descriptions of built-in kinds are shortened (tools/builtin_schema.ts).
 */
import { groupVersion, type ResourceDefinition } from "../registry/definition.ts";
import type { Registry } from "../registry/registry.ts";
import { builtinSchemas, type Schema, SCHEMA_PREFIX } from "../schema/schema.ts";

function pathOf(group: string, version: string): string {
  return group === "" ? `api/${version}` : `apis/${group}/${version}`;
}

/** /openapi/v3 */
export function openApiIndex(registry: Registry): unknown {
  const paths: Record<string, unknown> = {};
  for (const group of registry.groups()) {
    for (const version of registry.versions(group)) {
      const path = pathOf(group, version);
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${registry.generation}` };
    }
  }
  return { paths };
}

/** A schema of a custom resource gets a name like the built-in ones have. */
function schemaName(definition: ResourceDefinition): string {
  const builtin = builtinSchemas().served[`${definition.group}/${definition.version}/${definition.kind}`];
  if (builtin !== undefined && !definition.isCustom) return builtin;
  const reversed = definition.group.split(".").reverse().join(".");
  return `${reversed}.${definition.version}.${definition.kind}`;
}

/** Adds a schema and everything it refers to. */
function collect(schemas: Record<string, unknown>, name: string, schema: Schema): void {
  if (schemas[name] !== undefined) return;
  schemas[name] = schema;
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (typeof value === "object" && value !== null) {
      for (const [key, child] of Object.entries(value)) {
        if (key === "$ref" && typeof child === "string" && child.startsWith(SCHEMA_PREFIX)) {
          const target = child.slice(SCHEMA_PREFIX.length);
          const found = builtinSchemas().schemas[target];
          if (found !== undefined) collect(schemas, target, found);
        } else visit(child);
      }
    }
  };
  visit(schema);
}

const FIELD_VALIDATION = {
  name: "fieldValidation",
  in: "query",
  description: "What to do with unknown or duplicate fields: Ignore, Warn or Strict.",
  schema: { type: "string", uniqueItems: true },
};
const DRY_RUN = {
  name: "dryRun",
  in: "query",
  description: "When present, nothing is stored: All.",
  schema: { type: "string", uniqueItems: true },
};
const FIELD_MANAGER = {
  name: "fieldManager",
  in: "query",
  description: "Who makes the change.",
  schema: { type: "string", uniqueItems: true },
};

function operation(definition: ResourceDefinition, action: string): unknown {
  const parameters = ["post", "put", "patch"].includes(action)
    ? [DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION]
    : action === "delete"
    ? [DRY_RUN]
    : [];
  const reference = { $ref: SCHEMA_PREFIX + schemaName(definition) };
  return {
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: { "200": { description: "OK", content: { "application/json": { schema: reference } } } },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": {
      group: definition.group,
      version: definition.version,
      kind: definition.kind,
    },
  };
}

/** /openapi/v3/api/v1 and the like; undefined when there is no such version. */
export function openApiDocument(registry: Registry, group: string, version: string): unknown {
  const definitions = registry.inGroupVersion(group, version);
  if (definitions.length === 0) return undefined;
  const schemas: Record<string, unknown> = {};
  const paths: Record<string, unknown> = {};
  const base = `/${pathOf(group, version)}`;
  for (const definition of definitions) {
    if (definition.schema === undefined) continue;
    collect(schemas, schemaName(definition), {
      ...definition.schema,
      "x-kubernetes-group-version-kind": [
        { group: definition.group, version: definition.version, kind: definition.kind },
      ],
    });
    const scope = definition.isNamespaced ? "/namespaces/{namespace}" : "";
    const collection = `${base}${scope}/${definition.plural}`;
    if (!definition.isStored) {
      paths[collection] = { post: operation(definition, "post") };
      continue;
    }
    paths[collection] = { get: operation(definition, "list"), post: operation(definition, "post") };
    paths[`${collection}/{name}`] = {
      get: operation(definition, "get"),
      put: operation(definition, "put"),
      patch: operation(definition, "patch"),
      delete: operation(definition, "delete"),
    };
  }
  return {
    openapi: "3.0.0",
    info: { title: `Kubernetes ${groupVersion({ group, version })}`, version: "laptop cluster" },
    paths,
    components: { schemas },
  };
}
