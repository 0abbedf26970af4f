import assert from "node:assert/strict";
import { FieldErrors } from "../errors.ts";
import type { Fields } from "../object.ts";
import { decode } from "./decode.ts";
import { applyDefaults } from "./default.ts";
import { isQuantityText, labelKeyProblem, labelValueProblem, matchesFormat, nameProblem } from "./formats.ts";
import { builtinSchema, type Schema, withObjectFields } from "./schema.ts";
import { validate } from "./validate.ts";

function problems(schema: Schema, value: unknown): string[] {
  const errors = new FieldErrors();
  validate(schema, value, "spec", errors);
  return errors.errors.map(({ field, message }) => `${field}: ${message}`);
}

Deno.test("decoding drops nulls and unknown fields, lists what it dropped, and leaves its input alone", () => {
  const input = { metadata: { name: "a", labels: null, nothing: 1 }, spec: { replicas: 1, foo: { bar: 1 } } };
  const before = structuredClone(input);
  const { value, unknown, mistyped } = decode(builtinSchema("apps", "v1", "Deployment"), input, false);
  assert.deepEqual(value, { metadata: { name: "a" }, spec: { replicas: 1 } });
  assert.deepEqual(unknown, ["metadata.nothing", "spec.foo"]);
  assert.deepEqual(mistyped, []);
  assert.deepEqual(input, before);
});

Deno.test("decoding names values of the wrong type by their path", () => {
  const { mistyped } = decode(builtinSchema("", "v1", "Pod"), {
    spec: { containers: [{ name: 1, ports: [{ containerPort: "80" }] }], hostNetwork: "yes" },
  }, false);
  assert.deepEqual(mistyped.map(({ path, expected }) => [path, expected]), [
    ["spec.containers[0].name", "string"],
    ["spec.containers[0].ports[0].containerPort", "integer"],
    ["spec.hostNetwork", "boolean"],
  ]);
});

Deno.test("quantities may be numbers, ports names or numbers", () => {
  const { value, mistyped } = decode(builtinSchema("", "v1", "Pod"), {
    spec: {
      containers: [{
        resources: { limits: { cpu: 1, memory: "1Gi" } },
        livenessProbe: { httpGet: { port: "http" }, tcpSocket: { port: 80 } },
      }],
    },
  }, false);
  assert.deepEqual(mistyped, []);
  const [container] = (value["spec"] as { containers: Fields[] }).containers;
  assert.deepEqual((container!["resources"] as Fields)["limits"], { cpu: "1", memory: "1Gi" });
});

const structural = withObjectFields({
  type: "object",
  properties: {
    spec: {
      type: "object",
      properties: {
        open: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        closed: { type: "object" },
        map: { type: "object", additionalProperties: { type: "string" } },
        maybe: { type: "string", nullable: true },
        either: { "x-kubernetes-int-or-string": true },
        pod: { type: "object", "x-kubernetes-embedded-resource": true, properties: {} },
        list: {
          type: "array",
          items: { type: "object", properties: { mode: { type: "string", default: "rw" } } },
        },
      },
    },
  },
});

Deno.test("a structural schema prunes what it does not name, keeps what it leaves open", () => {
  const spec = {
    open: { a: { b: null } },
    closed: { a: 1 },
    map: { a: "x" },
    maybe: null,
    either: "80%",
    pod: { apiVersion: "v1", kind: "Pod", metadata: { name: "a", foo: 1 }, spec: {} },
  };
  const { value, unknown } = decode(structural, { metadata: { name: "a" }, spec }, true);
  assert.deepEqual(value["spec"], {
    open: { a: { b: null } },
    closed: {},
    map: { a: "x" },
    maybe: null,
    either: "80%",
    pod: { apiVersion: "v1", kind: "Pod", metadata: { name: "a" } },
  });
  assert.deepEqual(unknown.sort(), ["spec.closed.a", "spec.pod.metadata.foo", "spec.pod.spec"]);
});

Deno.test("owners of a custom resource's fields are kept whatever its schema says", () => {
  const managedFields = [{ manager: "a", fieldsV1: { "f:spec": { "f:map": {} } } }];
  const { value, unknown } = decode(structural, { metadata: { name: "a", managedFields } }, true);
  assert.deepEqual(unknown, []);
  assert.deepEqual((value["metadata"] as Fields)["managedFields"], managedFields);
});

Deno.test("defaults are filled in where the parent is there, and only there", () => {
  const value = { spec: { list: [{}, { mode: "ro" }] } };
  applyDefaults(structural, value);
  assert.deepEqual(value, { spec: { list: [{ mode: "rw" }, { mode: "ro" }] } });
  const empty = {};
  applyDefaults(structural, empty);
  assert.deepEqual(empty, {});
});

Deno.test("a key named __proto__ is a key like any other", () => {
  const input = JSON.parse('{"data":{"__proto__":"x"}}');
  const { value } = decode(builtinSchema("", "v1", "ConfigMap"), input, false);
  assert.equal(JSON.stringify(value), '{"data":{"__proto__":"x"}}');
  assert.equal(({} as Fields)["x"], undefined);
});

for (
  const [sentence, schema, value, expected] of [
    ["a required field", { type: "object", required: ["a"] }, {}, ["spec.a: Required value"]],
    ["an enum", { type: "string", enum: ["a", "b"] }, "c", [
      'spec: Unsupported value: "c": supported values: "a", "b"',
    ]],
    ["a pattern", { type: "string", pattern: "^[a-z\\-]+$" }, "A", [
      "spec: Invalid value: \"A\": spec in body should match '^[a-z\\-]+$'",
    ]],
    ["an exclusive minimum", { type: "integer", minimum: 1, exclusiveMinimum: true }, 1, [
      "spec: Invalid value: 1: spec in body should be greater than 1",
    ]],
    ["a type", { type: "integer" }, 1.5, [
      'spec: Invalid value: 1.5: spec in body must be of type integer: "number"',
    ]],
    [
      "a keyed list",
      {
        type: "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        items: { type: "object" },
      },
      [{ name: "a" }, { name: "a" }],
      ['spec[1]: Duplicate value: {"name":"a"}'],
    ],
    ["oneOf", { oneOf: [{ required: ["a"] }, { required: ["b"] }] }, { a: 1, b: 2 }, [
      'spec: Invalid value: {"a":1,"b":2}: spec in body must validate one and only one schema (oneOf). Found 2 valid ' +
      "alternatives",
    ]],
    ["not", { not: { required: ["a"] } }, { a: 1 }, [
      'spec: Invalid value: {"a":1}: spec in body must not validate the schema (not)',
    ]],
    ["a nullable value", { type: "string", nullable: true }, null, []],
    [
      "what is right",
      { type: "object", properties: { a: { type: "string", maxLength: 1 } } },
      { a: "ä" },
      [],
    ],
  ] as [string, Schema, unknown, string[]][]
) {
  Deno.test(`validation of ${sentence}`, () => assert.deepEqual(problems(schema, value), expected));
}

Deno.test("formats, names, labels and quantities are Kubernetes'", () => {
  assert.ok(matchesFormat("date-time", "2026-01-01T00:00:00Z"));
  assert.ok(!matchesFormat("date-time", "2026-13-01T00:00:00Z"));
  assert.ok(matchesFormat("cidr", "10.0.0.0/8") && !matchesFormat("cidr", "10.0.0.0/33"));
  assert.ok(matchesFormat("ipv6", "fe80::1") && !matchesFormat("ipv4", "256.0.0.1"));
  assert.equal(nameProblem("a.b-c", "subdomain"), undefined);
  assert.notEqual(nameProblem("a.b", "label"), undefined);
  assert.equal(nameProblem("system:node", "path"), undefined);
  assert.notEqual(nameProblem("a/b", "path"), undefined);
  assert.equal(labelKeyProblem("app.kubernetes.io/name"), undefined);
  for (const bad of ["", "/a", "a/", "A_b/", "-a", "a b", "x".repeat(64)]) {
    assert.notEqual(labelKeyProblem(bad), undefined, bad);
  }
  assert.equal(labelValueProblem("A.b_c-1"), undefined);
  assert.notEqual(labelValueProblem("-a"), undefined);
  for (const good of ["1", "0.5", "100m", "1Gi", "2e3", "-1k"]) assert.ok(isQuantityText(good), good);
  for (const bad of ["", "1gb", "1 Gi", "Gi"]) assert.ok(!isQuantityText(bad), bad);
});
