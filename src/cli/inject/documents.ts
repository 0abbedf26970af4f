/**
 * Manifests as text: YAML or JSON in, any number of documents, YAML or JSON out.
 *
 * YAML is read as Kubernetes reads it (1.1: `0644` is octal, `on` is true), but without times of day and dates.
 */
import { parseAllDocuments, stringify } from "../../kube/yaml.ts";
import { MeshFailure } from "../../mesh/error.ts";

export type Manifest = Record<string, unknown>;
export type OutputFormat = "yaml" | "json";

const isTime = (tag: unknown) => {
  const { tag: name, format } = tag as { tag?: string; format?: string };
  return format === "TIME" || name === "tag:yaml.org,2002:timestamp";
};

function unparsable(file: string, line: number, why: string): MeshFailure {
  return new MeshFailure({
    code: "manifest-invalid",
    source: "usage",
    detail: `${file}:${line}: ${why}`,
    remedy: "nothing was written; mend the file and run the command again",
  });
}

/** All documents of a text, empty ones left out. Throws, with file and line, on what is not a manifest. */
export function readDocuments(text: string, file: string): Manifest[] {
  const documents = parseAllDocuments(text, {
    version: "1.1",
    customTags: (tags) => tags.filter((tag) => !isTime(tag)),
    prettyErrors: true,
  });
  if (!Array.isArray(documents)) return [];
  const lineAt = (offset: number) => text.slice(0, offset).split("\n").length;
  const manifests: Manifest[] = [];
  for (const document of documents) {
    const [error] = document.errors;
    if (error !== undefined) {
      throw unparsable(file, lineAt(error.pos[0]), error.message.split("\n")[0]!.replace(/ at line .*$/, ""));
    }
    const start = lineAt(document.contents?.range?.[0] ?? 0);
    let value: unknown;
    try {
      value = document.toJS();
    } catch (error) {
      throw unparsable(file, start, error instanceof Error ? error.message : String(error));
    }
    if (value === null || value === undefined) continue;
    if (typeof value !== "object" || Array.isArray(value)) {
      throw unparsable(file, start, "this is no Kubernetes object");
    }
    manifests.push(value as Manifest);
  }
  return manifests;
}

/** As kubectl takes them: YAML documents between `---`; one JSON document, a List where there are several objects. */
export function writeDocuments(manifests: readonly Manifest[], format: OutputFormat): string {
  if (format === "json") {
    const [only] = manifests;
    const all = manifests.length === 1 ? only : { apiVersion: "v1", kind: "List", items: manifests };
    return `${JSON.stringify(all, null, 2)}\n`;
  }
  const options = { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false } as const;
  return manifests.map((one) => stringify(one, options)).join("---\n");
}
