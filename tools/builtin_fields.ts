/**
 * Cuts the protobuf field numbers of the built-in kinds out of Kubernetes' Go types.
 *
 * usage: deno run -A tools/builtin_fields.ts API APIMACHINERY   (the directories of the k8s.io/api and
 *        k8s.io/apimachinery modules)
 *
 * The result, src/local/api/schema/fields.json, is tracked: kubectl and other Go clients send some bodies as protobuf
 * (`kubectl create namespace`). Go's types say what the .proto files do not: which fields are pointers, so that a zero
 * is a zero and not a field left out, and which are inlined in JSON. Kubernetes is Apache-2.0 like this project.
 *
 * Form: type → ["NUMBER NAME CODE"], with CODE = `[]`? or `{}`? (list, map of text) followed by `s` text, `b` bytes,
 * `i` whole number, `z` boolean, `f` fraction, or a type's name; `*` in front: a zero counts; NAME `<`: inlined.
 */
import { BUILTIN_GROUPS } from "./builtin_kinds.ts";

const [api, machinery] = Deno.args;
if (api === undefined || machinery === undefined) {
  console.error("usage: builtin_fields.ts API APIMACHINERY");
  Deno.exit(2);
}

const META = "meta/v1";
/** Types with a form of their own in JSON; the decoder knows them by these names. */
const SPECIAL: Record<string, string> = {
  [`${META}.Time`]: "time",
  [`${META}.MicroTime`]: "microtime",
  [`${META}.Duration`]: "duration",
  [`${META}.FieldsV1`]: "raw",
  "runtime.RawExtension": "raw",
  "resource.Quantity": "quantity",
  "intstr.IntOrString": "intstr",
  "types.UID": "s",
};
const SCALARS: Record<string, string> = {
  string: "s",
  bool: "z",
  int: "i",
  int32: "i",
  int64: "i",
  uint32: "i",
  float64: "f",
};

interface GoField {
  number: string;
  name: string;
  type: string;
  /** JSON shows it even when it is zero. */
  isAlwaysShown: boolean;
}

/** Structs by name, and what other names stand for (`type Protocol string`). */
interface Package {
  structs: Map<string, GoField[]>;
  aliases: Map<string, string>;
}

const packages = new Map<string, Package>();

function parsePackage(name: string): Package {
  const known = packages.get(name);
  if (known !== undefined) return known;
  const directory = name === META ? `${machinery}/pkg/apis/${META}` : `${api}/${name}`;
  const result: Package = { structs: new Map(), aliases: new Map() };
  packages.set(name, result);
  for (const { name: file } of Deno.readDirSync(directory)) {
    if (!/^(types|time_proto|.*_types)\.go$/.test(file)) continue;
    parseFile(Deno.readTextFileSync(`${directory}/${file}`), name, result);
  }
  return result;
}

function parseFile(text: string, packageName: string, result: Package): void {
  const imports = new Map<string, string>();
  for (const [, alias, path] of text.matchAll(/^\s*(\w+)?\s*"k8s\.io\/([^"]+)"/gm)) {
    const short = path!.replace(/^api\//, "").replace(/^apimachinery\/pkg\/(apis\/|api\/|util\/)?/, "");
    imports.set(alias ?? path!.split("/").at(-1)!, short);
  }
  for (const [, name, target] of text.matchAll(/^type (\w+) (?!struct)([\w.[\]*]+)/gm)) {
    result.aliases.set(name!, target!);
  }
  for (const [, name, body] of text.matchAll(/^type (\w+) struct \{\n(.*?)^\}/gms)) {
    const fields: GoField[] = [];
    for (const line of body!.split("\n")) {
      const match = /^\s*(?:(\w+)\s+)?([\w.[\]*]+)\s+`(.*)`/.exec(line);
      if (match === null) continue;
      const number = /protobuf:"\w+,(\d+)/.exec(match[3]!)?.[1];
      const json = /json:"([^"]*)"/.exec(match[3]!)?.[1];
      if (number === undefined || json === undefined) continue;
      const [jsonName = "", ...options] = json.split(",");
      fields.push({
        number,
        name: options.includes("inline") ? "<" : jsonName,
        type: qualify(match[2]!, imports, packageName),
        isAlwaysShown: !options.includes("omitempty"),
      });
    }
    result.structs.set(name!, fields);
  }
}

/** `[]metav1.Condition` → `[]meta/v1.Condition`; names of the same package get its name. */
function qualify(type: string, imports: Map<string, string>, packageName: string): string {
  return type.replace(/([A-Za-z]\w*)(?:\.(\w+))?$/, (_, first: string, second?: string) => {
    if (second !== undefined) return `${imports.get(first) ?? first}.${second}`;
    return SCALARS[first] !== undefined || first === "byte" ? first : `${packageName}.${first}`;
  }).replace(/map\[[^\]]*\]/, "map[string]");
}

const result: Record<string, string[]> = {};

/** The code of a type; types it names are collected. */
function codeOf(type: string): string {
  if (type.startsWith("*")) {
    const code = codeOf(type.slice(1));
    return code.startsWith("*") ? code : `*${code}`;
  }
  if (type === "[]byte") return "b";
  if (type.startsWith("[]")) return `[]${codeOf(type.slice(2)).replace("*", "")}`;
  if (type.startsWith("map[string]")) return `{}${codeOf(type.slice("map[string]".length)).replace("*", "")}`;
  if (SCALARS[type] !== undefined) return SCALARS[type];
  if (SPECIAL[type] !== undefined) return SPECIAL[type];
  const dot = type.lastIndexOf(".");
  const [packageName, name] = [type.slice(0, dot), type.slice(dot + 1)];
  const found = parsePackage(packageName);
  const fields = found.structs.get(name);
  if (fields !== undefined) {
    collect(type, fields);
    return type;
  }
  const alias = found.aliases.get(name);
  if (alias === undefined) throw new Error(`no type ${type}`);
  // A named list is a message with its items in field 1.
  if (alias.startsWith("[]")) return `items:${codeOf(qualify(alias.slice(2), new Map(), packageName))}`;
  if (alias.startsWith("map[")) {
    return codeOf(qualify(alias, new Map([["resource", "resource"]]), packageName));
  }
  return codeOf(SCALARS[alias] !== undefined ? alias : qualify(alias, new Map(), packageName));
}

function collect(type: string, fields: readonly GoField[]): void {
  if (result[type] !== undefined) return;
  result[type] = [];
  result[type] = fields.map(({ number, name, type, isAlwaysShown }) => {
    const code = codeOf(type);
    const keepsZero = isAlwaysShown && /^[sizf]$/.test(code);
    return `${number} ${name} ${keepsZero ? "*" : ""}${code}`;
  });
}

for (const { group, version, kinds } of BUILTIN_GROUPS.filter(({ isSentAsProtobuf }) => isSentAsProtobuf)) {
  const directory = group === "" ? "core" : group.split(".")[0];
  for (const kind of kinds) codeOf(`${directory}/${version}.${kind}`);
}
codeOf(`${META}.DeleteOptions`);
const lines = Object.entries(result).sort(([a], [b]) => a < b ? -1 : 1)
  .map(([name, fields]) => `  ${JSON.stringify(name)}: ${JSON.stringify(fields)}`);
const text = `{\n${lines.join(",\n")}\n}\n`;
Deno.writeTextFileSync(new URL("../src/local/api/schema/fields.json", import.meta.url), text);
console.log(`${lines.length} types, ${text.length} bytes`);
