/**
 * Cuts the schemas of the built-in kinds the laptop cluster serves out of Kubernetes' own OpenAPI v3 files.
 *
 * usage: deno run -A tools/builtin_schema.ts DIRECTORY   (the `api/openapi-spec/v3` of a k8s.io/kubernetes module)
 *
 * The result, src/local/api/schema/builtin.json, is tracked: validation, pruning, strategic merge and server-side
 * apply need the real list keys, `kubectl explain` the descriptions. Kubernetes is Apache-2.0 like this project.
 */
import { BUILTIN_GROUPS, type BuiltinGroup } from "./builtin_kinds.ts";

interface Schema {
  $ref?: string;
  allOf?: Schema[];
  default?: unknown;
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | boolean;
  "x-kubernetes-group-version-kind"?: { group: string; version: string; kind: string }[];
}

const directory = Deno.args[0];
if (directory === undefined) {
  console.error("usage: builtin_schema.ts DIRECTORY");
  Deno.exit(2);
}

/** `api__v1`, `apis__apps__v1`: the name of a group's file. */
const fileOf = ({ group, version }: BuiltinGroup): string =>
  group === "" ? `api__${version}` : `apis__${group}__${version}`;

const PREFIX = "#/components/schemas/";
const kept: Record<string, Schema> = {};

function shorten(text: string): string {
  const flat = text.replaceAll(/\s+/g, " ").trim();
  if (flat.length <= 160) return flat;
  const end = flat.slice(0, 240).lastIndexOf(". ");
  return end > 40 ? flat.slice(0, end + 1) : flat.slice(0, 237) + "...";
}

/** Inlines `allOf: [{$ref}]`, drops defaults that only spell an empty value, shortens descriptions. */
function tidy(schema: Schema, all: Record<string, Schema>): Schema {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === "allOf") {
      const ref = (value as Schema[])[0]!.$ref!;
      keep(ref.slice(PREFIX.length), all);
      out.$ref = ref;
    } else if (key === "$ref") {
      keep((value as string).slice(PREFIX.length), all);
      out.$ref = value;
    } else if (key === "description") out.description = shorten(value as string);
    else if (key === "default") {
      const isEmpty = !value || (typeof value === "object" && Object.keys(value).length === 0);
      if (!isEmpty) out.default = value;
    } else if (key === "properties") {
      out.properties = Object.fromEntries(
        Object.entries(value as Record<string, Schema>).map(([name, child]) => [name, tidy(child, all)]),
      );
    } else if (key === "items" || (key === "additionalProperties" && typeof value === "object")) {
      out[key] = tidy(value as Schema, all);
    } else out[key] = value;
  }
  return out;
}

function keep(name: string, all: Record<string, Schema>): void {
  if (kept[name] !== undefined) return;
  kept[name] = {};
  kept[name] = tidy(all[name]!, all);
}

interface Document {
  components?: { schemas?: Record<string, Schema> };
}
const documents: Record<string, Schema>[] = [];
for (const each of BUILTIN_GROUPS) {
  const document = JSON.parse(Deno.readTextFileSync(`${directory}/${fileOf(each)}_openapi.json`)) as Document;
  documents.push(document.components?.schemas ?? {});
}

/** Subresource kinds (Scale, Eviction, TokenRequest) are described where they are served, so every file is searched. */
function find(group: string, version: string, kind: string): [string, Record<string, Schema>] {
  for (const all of documents) {
    for (const [name, schema] of Object.entries(all)) {
      const kinds = schema["x-kubernetes-group-version-kind"];
      if (kinds?.length !== 1) continue;
      const gvk = kinds[0]!;
      if (gvk.group === group && gvk.version === version && gvk.kind === kind) return [name, all];
    }
  }
  throw new Error(`no schema for ${group}/${version} ${kind}`);
}

const served: Record<string, string> = {};
for (const { group, version, kinds } of BUILTIN_GROUPS) {
  for (const kind of kinds) {
    const [name, all] = find(group, version, kind);
    served[`${group}/${version}/${kind}`] = name;
    keep(name, all);
  }
}

const lines = Object.entries(kept).sort(([a], [b]) => a < b ? -1 : 1).map(([name, schema]) =>
  `  ${JSON.stringify(name)}: ${JSON.stringify(schema)}`
);
const text = `{ "served": ${JSON.stringify(served)},\n"schemas": {\n${lines.join(",\n")}\n} }\n`;
Deno.writeTextFileSync(new URL("../src/local/api/schema/builtin.json", import.meta.url), text);
console.log(`${lines.length} schemas, ${text.length} bytes`);
