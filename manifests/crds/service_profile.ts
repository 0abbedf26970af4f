/** ServiceProfile of linkerd.io. Conditions nest; the schema goes as deep as Kubernetes lets one be written. */
import { array, boolean, type Definition, integer, object, type Schema, string } from "./schema.ts";

/** Below `all`, `any` and `not` everything is kept: a structural schema cannot refer to itself. */
const NESTED: Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

const REQUEST_MATCH = object(
  {
    pathRegex: string(),
    method: string(),
    all: array(NESTED),
    any: array(NESTED),
    not: NESTED,
  },
  [],
  { minProperties: 1 },
);

const STATUS = integer({ minimum: 100, maximum: 599 });
const RESPONSE_MATCH = object(
  {
    status: object({ min: STATUS, max: STATUS }),
    all: array(NESTED),
    any: array(NESTED),
    not: NESTED,
  },
  [],
  { minProperties: 1 },
);

const SPEC = object({
  dstOverrides: array(object({
    authority: string(),
    weight: { anyOf: [{ type: "integer" }, { type: "string" }], "x-kubernetes-int-or-string": true },
  }, ["authority", "weight"])),
  opaquePorts: array(string()),
  retryBudget: object({
    minRetriesPerSecond: integer({ format: "int32" }),
    retryRatio: { type: "number", format: "float" },
    ttl: string(),
  }, ["minRetriesPerSecond", "retryRatio", "ttl"]),
  routes: array(object({
    name: string(),
    condition: REQUEST_MATCH,
    isRetryable: boolean(),
    timeout: string(),
    responseClasses: array(object({ condition: RESPONSE_MATCH, isFailure: boolean() }, ["condition"])),
  }, ["name", "condition"])),
});

export const serviceProfile: Definition = {
  group: "linkerd.io",
  kind: "ServiceProfile",
  plural: "serviceprofiles",
  shortNames: ["sp"],
  versions: [
    { name: "v1alpha1", spec: SPEC },
    { name: "v1alpha2", spec: SPEC, isStored: true },
  ],
};
