/**
 * What is put into workloads as they are found in clusters, each kept as it was reviewed. `UPDATE_GOLDEN=1 deno test -A`
 * writes the snapshots anew. Of the proxy's environment a snapshot holds what differs from that of the plainest shape,
 * which is held whole.
 */
import assert from "node:assert/strict";
import { applyPatch, injectPod } from "../../control/injector/inject.ts";
import { parseAllDocuments, stringify } from "../../kube/yaml.ts";
import { defaultValues, mergeValues, type PartialValues } from "../../mesh/values.ts";
import type { Manifest } from "./documents.ts";
import { inject } from "./inject.ts";
import { uninject } from "./uninject.ts";
import { isOwnerKind, type Named, templateOf } from "./workload.ts";

const FOLDER = new URL("./testdata/", import.meta.url);

interface Shape {
  readonly name: string;
  /** Annotations of its namespace. */
  readonly namespace?: Readonly<Record<string, string>>;
  readonly values?: PartialValues;
  readonly object: Manifest;
}

const SHAPES = parseAllDocuments(Deno.readTextFileSync(new URL("shapes.input.yaml", FOLDER)))
  .map((document) => document.toJS() as Shape);
for (const { object } of SHAPES) (object["metadata"] as { namespace?: string }).namespace = "shop";
const VALUES = mergeValues(defaultValues(), {
  linkerdVersion: "test",
  identityTrustAnchorsPEM: "-----BEGIN CERTIFICATE-----\nanchor\n-----END CERTIFICATE-----\n",
});

const valuesFor = (shape: Shape) => mergeValues(VALUES, shape.values ?? {});

/** As the webhook sees the shape's pod. */
function injection(shape: Shape) {
  const template = templateOf(structuredClone(shape.object))!,
    { kind = "", metadata } = shape.object as Named;
  const result = injectPod({
    pod: template,
    namespace: { name: "shop", annotations: shape.namespace ?? {} },
    values: valuesFor(shape),
    createdBy: "proxy-injector",
    ...(isOwnerKind(kind) ? { owner: { kind, name: metadata!.name! } } : {}),
  });
  return { ...result, patched: applyPatch(template, result.patch) };
}

type Variables = readonly { readonly name: string }[];

function environmentOf(shape: Shape): Variables {
  const { initContainers = [], containers } = injection(shape).patched.spec;
  return [...initContainers, ...containers].find(({ name }) => name === "linkerd-proxy")?.env ?? [];
}

function snapshot(shape: Shape): string {
  const { patched, skipped, misread } = injection(shape);
  assert.deepEqual(misread, []);
  const plain = shape === SHAPES[0] ? [] : environmentOf(SHAPES[0]!).map((one) => JSON.stringify(one));
  for (const container of [...patched.spec.initContainers ?? [], ...patched.spec.containers]) {
    if (container.name !== "linkerd-proxy" || container.env === undefined) continue;
    container.env = container.env.filter((one) => !plain.includes(JSON.stringify(one)));
  }
  const shown = skipped === undefined ? { pod: patched } : { skipped, pod: patched };
  return stringify(shown, { lineWidth: 0, aliasDuplicateObjects: false });
}

for (const shape of SHAPES) {
  Deno.test(`shape ${shape.name}: what is injected is what was reviewed`, async () => {
    const golden = new URL(`shapes/${shape.name}.yaml`, FOLDER), actual = snapshot(shape);
    if (Deno.env.get("UPDATE_GOLDEN") === "1") await Deno.writeTextFile(golden, actual);
    assert.equal(actual, await Deno.readTextFile(golden));
  });
}

Deno.test("the command line writes what the webhook would, and uninject gives back the original", () => {
  const without = (object: Manifest) => {
    const copy = structuredClone(object), { metadata } = templateOf(copy)!;
    for (const name of ["linkerd.io/inject", "linkerd.io/created-by"]) delete metadata?.annotations?.[name];
    return copy;
  };
  let compared = 0;
  for (const shape of SHAPES) {
    const settings = { isManual: true, isIngress: false, overrides: {}, values: valuesFor(shape) };
    // The command line does not know the namespace's annotations: the shapes that live by their own are compared.
    const own = Object.keys(shape.namespace ?? {}).every((name) => name === "linkerd.io/inject");
    const object = structuredClone(shape.object);
    const [injected] = inject([object], settings).manifests, { isInjected, patched } = injection(shape);
    if (!own || !isInjected) continue;
    compared++;
    assert.deepEqual(
      templateOf(without(injected!)),
      templateOf(without(withTemplate(object, patched))),
      shape.name,
    );
    const [back] = uninject([injected!]).manifests;
    // An annotation that asked for the mesh goes too, and with it a map that held nothing else.
    assert.deepEqual(plain(back), plain(without(object)), shape.name);
  }
  assert.ok(compared >= 20, String(compared));
});

/** The object with another pod template. */
function withTemplate(object: Manifest, template: unknown): Manifest {
  const copy = structuredClone(object);
  Object.assign(templateOf(copy)!, structuredClone(template));
  return copy;
}

/** Without maps of metadata that hold nothing, and what stays after uninjection: opaque ports that were written down. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => key !== "config.linkerd.io/opaque-ports")
    .map(([key, inner]) => [key, plain(inner)] as const)
    .filter(([key, inner]) => !METADATA.includes(key) || Object.keys(inner as object).length > 0);
  return Object.fromEntries(kept);
}

const METADATA = ["metadata", "annotations", "labels"];
