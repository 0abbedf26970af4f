/**
 * Cuts the schemas of the built-in kinds the laptop cluster serves out of Kubernetes' own OpenAPI v3 files.
 *
 * usage: deno run -A tools/builtin_schema.ts DIRECTORY   (the `api/openapi-spec/v3` of a k8s.io/kubernetes module)
 *
 * The result, src/local/api/schema/builtin.json, is tracked: validation, pruning, strategic merge and server-side
 * apply need the real list keys, `kubectl explain` the descriptions. Kubernetes is Apache-2.0 like this project.
 */
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

const ROOTS: Record<string, string[]> = {
  api__v1: [
    "Pod",
    "Service",
    "Namespace",
    "Node",
    "Secret",
    "ConfigMap",
    "ServiceAccount",
    "Event",
    "Endpoints",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "ReplicationController",
    "LimitRange",
    "ResourceQuota",
    "Binding",
    "PodTemplate",
  ],
  apis__apps__v1: ["Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "ControllerRevision"],
  apis__batch__v1: ["Job", "CronJob"],
  "apis__discovery.k8s.io__v1": ["EndpointSlice"],
  "apis__coordination.k8s.io__v1": ["Lease"],
  "apis__events.k8s.io__v1": ["Event"],
  apis__policy__v1: ["PodDisruptionBudget", "Eviction"],
  "apis__networking.k8s.io__v1": ["NetworkPolicy", "Ingress", "IngressClass"],
  apis__autoscaling__v1: ["Scale"],
  apis__autoscaling__v2: ["HorizontalPodAutoscaler"],
  "apis__scheduling.k8s.io__v1": ["PriorityClass"],
  "apis__storage.k8s.io__v1": ["StorageClass"],
  "apis__rbac.authorization.k8s.io__v1": ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"],
  "apis__admissionregistration.k8s.io__v1": [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
  ],
  "apis__apiextensions.k8s.io__v1": ["CustomResourceDefinition"],
  "apis__authentication.k8s.io__v1": ["TokenRequest", "TokenReview", "SelfSubjectReview"],
  "apis__authorization.k8s.io__v1": [
    "SubjectAccessReview",
    "SelfSubjectAccessReview",
    "LocalSubjectAccessReview",
    "SelfSubjectRulesReview",
  ],
};

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
for (const file of Object.keys(ROOTS)) {
  const document = JSON.parse(Deno.readTextFileSync(`${directory}/${file}_openapi.json`)) as Document;
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
for (const [file, kinds] of Object.entries(ROOTS)) {
  const parts = file.split("__");
  const [group, version] = parts.length === 2 ? ["", parts[1]!] : [parts[1]!, parts[2]!];
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
