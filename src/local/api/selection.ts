/** Which objects a list or watch asks for: label and field selectors, as one test. */
import { type LabelMatcher, parseLabelSelector } from "../../kube/selector.ts";
import { badRequest } from "./errors.ts";
import { getPath } from "./json_path.ts";
import type { StoredObject } from "./object.ts";
import type { ResourceDefinition } from "./registry/definition.ts";

export type Selection = (object: StoredObject) => boolean;

interface FieldRequirement {
  path: string;
  isNegative: boolean;
  value: string;
}

const ALWAYS = ["metadata.name", "metadata.namespace"];

function parseFields(definition: ResourceDefinition, text: string): FieldRequirement[] {
  const requirements: FieldRequirement[] = [];
  for (const part of text.split(/(?<!\\),/)) {
    if (part.trim() === "") continue;
    const match = /^([^=!]+)(!=|==|=)(.*)$/.exec(part.trim());
    if (match === null) {
      throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
    }
    const path = match[1]!.trim();
    if (!ALWAYS.includes(path) && !definition.selectableFields.includes(path)) {
      throw badRequest(
        `Unable to find "${
          definition.group === "" ? "" : `${definition.group}/`
        }${definition.version}, Resource=` +
          `${definition.plural}" that match label selector "", field selector "${text}": field label not supported: ${path}`,
      );
    }
    requirements.push({
      path,
      isNegative: match[2] === "!=",
      value: match[3]!.replaceAll(/\\(.)/g, "$1"),
    });
  }
  return requirements;
}

/** Fields whose name in selectors is not their path. */
function fieldValue(object: StoredObject, path: string): string {
  if (path === "source") return String(getPath(object, ".source.component") ?? "");
  const value = getPath(object, path);
  if (value === undefined) {
    return path === "spec.unschedulable" || path === "spec.hostNetwork" ? "false" : "";
  }
  return String(value);
}

/** @throws KubeError 400 when a selector does not parse or names a field that cannot be selected by */
export function parseSelection(
  definition: ResourceDefinition,
  labelSelector: string | undefined,
  fieldSelector: string | undefined,
): Selection | undefined {
  let matchesLabels: LabelMatcher | undefined;
  if (labelSelector !== undefined && labelSelector !== "") {
    try {
      matchesLabels = parseLabelSelector(labelSelector);
    } catch (error) {
      throw badRequest((error as Error).message);
    }
  }
  const fields = fieldSelector === undefined || fieldSelector === ""
    ? []
    : parseFields(definition, fieldSelector);
  if (matchesLabels === undefined && fields.length === 0) return undefined;
  return (object) =>
    (matchesLabels === undefined || matchesLabels(object.metadata.labels)) &&
    fields.every(({ path, isNegative, value }) => (fieldValue(object, path) === value) !== isNegative);
}
