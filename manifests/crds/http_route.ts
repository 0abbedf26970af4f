/**
 * HTTPRoute of policy.linkerd.io: the Gateway API's with Server, Service and EgressNetwork as parents. What both API groups
 * have in common is used by gateway.ts.
 */
import {
  array,
  conditions,
  type Definition,
  DNS_SUBDOMAIN,
  enumeration,
  integer,
  KIND_PATTERN,
  object,
  type Schema,
  string,
} from "./schema.ts";

export const PORT = integer({ format: "int32", minimum: 1, maximum: 65_535 });
export const HEADER_NAME = string({
  minLength: 1,
  maxLength: 256,
  pattern: "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$",
});
export const HOSTNAME = "^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
export const MATCH_TYPE = enumeration(["Exact", "RegularExpression"], { default: "Exact" });
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

export const headerModifier = (): Schema => {
  const values = array(
    object({ name: HEADER_NAME, value: string({ minLength: 1, maxLength: 4096 }) }, ["name", "value"]),
    { maxItems: 16, "x-kubernetes-list-map-keys": ["name"], "x-kubernetes-list-type": "map" },
  );
  return object({ add: values, set: values, remove: array(string(), { maxItems: 16 }) });
};

export const redirect = (): Schema =>
  object({
    scheme: enumeration(["http", "https"]),
    hostname: string({ minLength: 1, maxLength: 253, pattern: DNS_SUBDOMAIN }),
    path: object({
      type: enumeration(["ReplaceFullPath", "ReplacePrefixMatch"]),
      replaceFullPath: string({ maxLength: 1024 }),
      replacePrefixMatch: string({ maxLength: 1024 }),
    }, ["type"]),
    port: PORT,
    statusCode: enumeration([301, 302], { default: 302 }),
  });

function filters(types: readonly string[]): Schema {
  return array(
    object({
      type: enumeration(types),
      requestHeaderModifier: headerModifier(),
      ...(types.includes("ResponseHeaderModifier") ? { responseHeaderModifier: headerModifier() } : {}),
      requestRedirect: redirect(),
    }, ["type"]),
    { maxItems: 16 },
  );
}

/** @param group what a parent without a group is of */
export function parent(group: string): Schema {
  return object({
    group: string({ maxLength: 253, pattern: `^$|${DNS_SUBDOMAIN}`, default: group }),
    kind: string({ minLength: 1, maxLength: 63, pattern: KIND_PATTERN, default: "Gateway" }),
    name: string({ minLength: 1, maxLength: 253 }),
    namespace: string({ minLength: 1, maxLength: 63 }),
    sectionName: string({ minLength: 1, maxLength: 253 }),
    port: PORT,
  }, ["name"]);
}

const PARENT = parent("policy.linkerd.io");

export const MATCHES = array(
  object({
    path: object(
      {
        type: enumeration(["Exact", "PathPrefix", "RegularExpression"], { default: "PathPrefix" }),
        value: string({ maxLength: 1024, default: "/" }),
      },
      [],
      { default: { type: "PathPrefix", value: "/" } },
    ),
    headers: array(
      object({ type: MATCH_TYPE, name: HEADER_NAME, value: string({ minLength: 1, maxLength: 4096 }) }, [
        "name",
        "value",
      ]),
      { maxItems: 16 },
    ),
    queryParams: array(
      object({
        type: MATCH_TYPE,
        name: string({ minLength: 1, maxLength: 256 }),
        value: string({ minLength: 1, maxLength: 1024 }),
      }, ["name", "value"]),
      { maxItems: 16 },
    ),
    method: enumeration(METHODS),
  }),
  { maxItems: 8, default: [{ path: { type: "PathPrefix", value: "/" } }] },
);

/** An object that requests go to; a Service unless it says otherwise. */
export const BACKEND: Readonly<Record<string, Schema>> = {
  group: string({ maxLength: 253, pattern: `^$|${DNS_SUBDOMAIN}`, default: "" }),
  kind: string({ minLength: 1, maxLength: 63, pattern: KIND_PATTERN, default: "Service" }),
  name: string({ minLength: 1, maxLength: 253 }),
  namespace: string({ minLength: 1, maxLength: 63 }),
  port: PORT,
};
export const WEIGHT = integer({ format: "int32", minimum: 0, maximum: 1_000_000, default: 1 });

/** @param filters of one backend; left out where a route has none */
export function backends(filters?: Schema): Schema {
  const more = filters === undefined ? {} : { filters };
  return array(object({ ...BACKEND, weight: WEIGHT, ...more }, ["name"]), { maxItems: 16 });
}

const BACKENDS = backends(filters(["RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect"]));

export const DURATION = string({ pattern: "^([0-9]{1,5}(h|m|s|ms)){1,4}$" });

function spec(options: { hasBackends: boolean; hasTimeouts: boolean }): Schema {
  return object({
    parentRefs: array(PARENT, { maxItems: 32 }),
    hostnames: array(string({ minLength: 1, maxLength: 253, pattern: HOSTNAME }), { maxItems: 16 }),
    rules: array(
      object({
        matches: MATCHES,
        filters: filters(["RequestHeaderModifier", "RequestRedirect"]),
        ...(options.hasBackends ? { backendRefs: BACKENDS } : {}),
        ...(options.hasTimeouts ? { timeouts: object({ request: DURATION, backendRequest: DURATION }) } : {}),
      }),
      { maxItems: 16, default: [{ matches: [{ path: { type: "PathPrefix", value: "/" } }] }] },
    ),
  });
}

/** @param parentRef as in the spec */
export function status(parentRef: Schema): Schema {
  return object({
    parents: array(
      object({
        parentRef,
        controllerName: string({ minLength: 1, maxLength: 253 }),
        conditions: conditions(),
      }, ["parentRef", "controllerName"]),
      { maxItems: 32 },
    ),
  }, ["parents"]);
}

const STATUS = status(PARENT);

const COLUMNS = [{ name: "Hostnames", jsonPath: ".spec.hostnames", type: "string" }];
const inbound = spec({ hasBackends: false, hasTimeouts: false });
const full = spec({ hasBackends: true, hasTimeouts: true });

export const httpRoute: Definition = {
  group: "policy.linkerd.io",
  kind: "HTTPRoute",
  plural: "httproutes",
  versions: [
    { name: "v1alpha1", spec: inbound, status: STATUS, columns: COLUMNS, isDeprecated: true },
    { name: "v1beta1", spec: inbound, status: STATUS, columns: COLUMNS },
    { name: "v1beta2", spec: full, status: STATUS, columns: COLUMNS },
    { name: "v1beta3", spec: full, status: STATUS, columns: COLUMNS, isStored: true },
  ],
};
