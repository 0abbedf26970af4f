/** What a CustomResourceDefinition makes the server serve: one definition per served version. */
import type { CustomResourceDefinition } from "../../../kube/kinds.ts";
import { type Schema, withObjectFields } from "../schema/schema.ts";
import type { ResourceDefinition, ScalePaths } from "./definition.ts";
import type { StoredObject } from "../object.ts";
import type { Strategy } from "../kinds/strategy.ts";

const NO_RULES: Strategy = {};

interface Version {
  name: string;
  served: boolean;
  storage: boolean;
  deprecated?: boolean;
  deprecationWarning?: string;
  schema?: { openAPIV3Schema?: Schema };
  subresources?: { status?: unknown; scale?: ScalePaths };
  additionalPrinterColumns?: ResourceDefinition["columns"];
  selectableFields?: { jsonPath: string }[];
}

export function customDefinitions(stored: StoredObject): ResourceDefinition[] {
  const { spec } = stored as unknown as CustomResourceDefinition;
  const { group, names, scope } = spec;
  const versions = spec.versions as unknown as Version[];
  const storage = versions.find((version) => version.storage)!.name;
  return versions.filter(({ served }) => served).map((version) => ({
    group,
    version: version.name,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    kind: names.kind,
    listKind: names.listKind ?? `${names.kind}List`,
    isNamespaced: scope === "Namespaced",
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    resource: `${group}/${names.plural}`,
    storageVersion: storage,
    isStored: true,
    isCustom: true,
    schema: withObjectFields(version.schema?.openAPIV3Schema ?? {}),
    hasStatus: version.subresources?.status !== undefined,
    scale: version.subresources?.scale,
    otherSubresources: [],
    columns: version.additionalPrinterColumns,
    selectableFields: (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath.replace(/^\./, "")),
    hasGeneration: true,
    nameForm: "subdomain",
    strategy: NO_RULES,
    ...(version.deprecated === true
      ? {
        isDeprecated: true,
        deprecationWarning: version.deprecationWarning ??
          `${group}/${version.name} ${names.kind} is deprecated`,
      }
      : {}),
  }));
}
