/** What the server knows of one resource it serves: the row of discovery, the shape, and the rules of its kind. */
import type { Schema } from "../schema/schema.ts";
import type { Strategy } from "../kinds/strategy.ts";

export interface PrinterColumn {
  name: string;
  type: string;
  jsonPath: string;
  format?: string;
  description?: string;
  priority?: number;
}

/** Where a custom resource keeps what the scale subresource shows. */
export interface ScalePaths {
  specReplicasPath: string;
  statusReplicasPath: string;
  labelSelectorPath?: string;
}

export interface ResourceDefinition {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly isNamespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Name in the store, the same for every version. */
  readonly resource: string;
  /** Version objects are stored in. */
  readonly storageVersion: string;
  /** False for kinds that are answered and not stored (TokenReview). */
  readonly isStored: boolean;
  readonly isCustom: boolean;
  readonly schema: Schema | undefined;
  readonly hasStatus: boolean;
  readonly scale: ScalePaths | undefined;
  /** Further subresources for discovery: `log`, `token` ... with their kind and verbs. */
  readonly otherSubresources: readonly SubresourceRow[];
  readonly columns: readonly PrinterColumn[] | undefined;
  /** Fields of fieldSelector beside metadata.name and metadata.namespace. */
  readonly selectableFields: readonly string[];
  /** Counts changes of its desired state in metadata.generation. */
  readonly hasGeneration: boolean;
  readonly nameForm: "label" | "subdomain" | "path";
  readonly strategy: Strategy;
  readonly isDeprecated?: boolean;
  readonly deprecationWarning?: string;
}

export interface SubresourceRow {
  name: string;
  kind: string;
  group?: string;
  version?: string;
  verbs: readonly string[];
}

/** `apps/v1`, `v1`. */
export function groupVersion(definition: { group: string; version: string }): string {
  return definition.group === "" ? definition.version : `${definition.group}/${definition.version}`;
}
