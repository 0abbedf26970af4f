/** The small vocabulary the CRDs are written in: JSON schemas as Kubernetes takes them. */
import type { KubernetesObject } from "../../src/kube/resource.ts";
import { CREATED_BY_ANNOTATION } from "../../src/mesh/annotations.ts";
import { VERSION } from "../../src/mesh/version.ts";

export type Schema = Readonly<Record<string, unknown>>;

export function string(extra: Schema = {}): Schema {
  return { type: "string", ...extra };
}

export function integer(extra: Schema = {}): Schema {
  return { type: "integer", ...extra };
}

export function boolean(extra: Schema = {}): Schema {
  return { type: "boolean", ...extra };
}

export function enumeration(values: readonly (string | number)[], extra: Schema = {}): Schema {
  return { type: typeof values[0] === "number" ? "integer" : "string", enum: [...values], ...extra };
}

export function array(items: Schema, extra: Schema = {}): Schema {
  return { type: "array", items, ...extra };
}

export function object(
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
  extra: Schema = {},
): Schema {
  return {
    type: "object",
    properties,
    ...(required.length === 0 ? {} : { required: [...required] }),
    ...extra,
  };
}

export const DNS_LABEL = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
export const DNS_SUBDOMAIN = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
export const KIND_PATTERN = "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$";

export function labelSelector(): Schema {
  return object(
    {
      matchLabels: { type: "object", additionalProperties: { type: "string" } },
      matchExpressions: array(object({
        key: string(),
        operator: enumeration(["In", "NotIn", "Exists", "DoesNotExist"]),
        values: array(string()),
      }, ["key", "operator"])),
    },
    [],
    { "x-kubernetes-map-type": "atomic" },
  );
}

export function networks(extra: Schema = {}): Schema {
  return array(object({ cidr: string(), except: array(string()) }, ["cidr"]), extra);
}

/** A reference to an object of any kind. */
export function reference(options: { hasNamespace?: boolean; isNameOptional?: boolean } = {}): Schema {
  return object(
    {
      group: string({ maxLength: 253, pattern: `^$|${DNS_SUBDOMAIN}`, default: "" }),
      kind: string({ minLength: 1, maxLength: 63, pattern: KIND_PATTERN }),
      name: string({ minLength: 1, maxLength: 253 }),
      ...(options.hasNamespace === false ? {} : { namespace: string({ maxLength: 253 }) }),
    },
    options.isNameOptional === true ? ["kind"] : ["kind", "name"],
  );
}

export function conditions(): Schema {
  return array(
    object({
      lastTransitionTime: string({ format: "date-time" }),
      message: string({ maxLength: 32_768 }),
      observedGeneration: integer({ format: "int64", minimum: 0 }),
      reason: string({ minLength: 1, maxLength: 1024 }),
      status: enumeration(["True", "False", "Unknown"]),
      type: string({ maxLength: 316 }),
    }, ["lastTransitionTime", "message", "reason", "status", "type"]),
    { "x-kubernetes-list-map-keys": ["type"], "x-kubernetes-list-type": "map" },
  );
}

export interface Version {
  name: string;
  spec: Schema;
  status?: Schema;
  isStored?: boolean;
  isDeprecated?: boolean;
  columns?: { name: string; jsonPath: string; type: string; description?: string }[];
}

export interface Definition {
  group: string;
  kind: string;
  plural: string;
  singular?: string;
  shortNames?: string[];
  categories?: string[];
  /** Beside the one that says who made it. */
  annotations?: Readonly<Record<string, string>>;
  versions: Version[];
}

const AGE = { name: "Age", jsonPath: ".metadata.creationTimestamp", type: "date" };

/** A namespaced CustomResourceDefinition. */
export function definition(one: Definition): KubernetesObject {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${one.plural}.${one.group}`,
      annotations: { [CREATED_BY_ANNOTATION]: `linkerd/cli ${VERSION}`, ...one.annotations },
      labels: { "linkerd.io/control-plane-ns": "linkerd" },
    },
    spec: {
      group: one.group,
      names: {
        kind: one.kind,
        listKind: `${one.kind}List`,
        plural: one.plural,
        singular: one.singular ?? one.kind.toLowerCase(),
        ...(one.shortNames === undefined ? {} : { shortNames: one.shortNames }),
        ...(one.categories === undefined ? {} : { categories: one.categories }),
      },
      scope: "Namespaced",
      versions: one.versions.map((version) => ({
        name: version.name,
        served: true,
        storage: version.isStored ?? false,
        ...(version.isDeprecated === true
          ? {
            deprecated: true,
            deprecationWarning: `${one.group}/${version.name} ${one.kind} is deprecated; use ${one.group}/${
              one.versions.find((other) => other.isStored)?.name
            }`,
          }
          : {}),
        ...(version.columns === undefined ? {} : { additionalPrinterColumns: [...version.columns, AGE] }),
        schema: {
          openAPIV3Schema: object({
            apiVersion: string(),
            kind: string(),
            metadata: { type: "object" },
            spec: version.spec,
            ...(version.status === undefined ? {} : { status: version.status }),
          }, ["spec"]),
        },
        ...(version.status === undefined ? {} : { subresources: { status: {} } }),
      })),
    },
  } as KubernetesObject;
}
