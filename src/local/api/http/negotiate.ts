/** In which form a client wants objects: plain, as a table, or their metadata alone. */
import type { StoredObject } from "../object.ts";
import { textOf } from "../object.ts";
import { groupVersion, type ResourceDefinition } from "../registry/definition.ts";
import { metadataOnly, tableOf } from "../table/table.ts";
import type { ApiWatchEvent } from "../verbs/watch.ts";
import type { ListResult } from "../verbs/read.ts";

export interface Form {
  as: "object" | "table" | "metadata";
  includeObject: "None" | "Metadata" | "Object";
}

export function formOf(accept: string | null, query: URLSearchParams): Form {
  const include = query.get("includeObject");
  const includeObject = include === "None" || include === "Object" ? include : "Metadata";
  const first = (accept ?? "").split(",")[0]!;
  if (first.includes("as=Table")) return { as: "table", includeObject };
  if (first.includes("as=PartialObjectMetadata")) return { as: "metadata", includeObject };
  return { as: "object", includeObject };
}

export function objectText(
  definition: ResourceDefinition,
  object: StoredObject,
  form: Form,
  now: Date,
): string {
  if (form.as === "object") return textOf(object);
  if (form.as === "metadata") return JSON.stringify(metadataOnly(object));
  const metadata = { resourceVersion: object.metadata.resourceVersion };
  return JSON.stringify(
    tableOf(definition, [object], metadata, { includeObject: form.includeObject, now, hasColumns: true }),
  );
}

export function listText(definition: ResourceDefinition, list: ListResult, form: Form, now: Date): string {
  const metadata = {
    resourceVersion: list.resourceVersion,
    ...(list.continue === undefined ? {} : { continue: list.continue }),
    ...(list.remaining === undefined ? {} : { remainingItemCount: list.remaining }),
  };
  if (form.as === "table") {
    return JSON.stringify(
      tableOf(definition, list.items, metadata, {
        includeObject: form.includeObject,
        now,
        hasColumns: true,
      }),
    );
  }
  const isMetadata = form.as === "metadata";
  const head = JSON.stringify(
    isMetadata
      ? { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1", metadata }
      : { kind: definition.listKind, apiVersion: groupVersion(definition), metadata },
  );
  const items = list.items.map((item) => isMetadata ? JSON.stringify(metadataOnly(item)) : textOf(item));
  return `${head.slice(0, -1)},"items":[${items.join(",")}]}`;
}

/** @param isFirst only the first event of a watch brings a table's columns */
export function eventText(
  definition: ResourceDefinition,
  event: ApiWatchEvent,
  form: Form,
  now: Date,
  isFirst: boolean,
): string {
  const { type, object } = event;
  const isBookmark = type === "BOOKMARK";
  let text: string;
  if (form.as === "table") {
    text = JSON.stringify(
      tableOf(
        definition,
        isBookmark ? [] : [object],
        { resourceVersion: object.metadata.resourceVersion },
        { includeObject: form.includeObject, now, hasColumns: isFirst },
      ),
    );
  } else if (form.as === "metadata") text = JSON.stringify(metadataOnly(object));
  else text = isBookmark ? JSON.stringify(object) : textOf(object);
  return `{"type":"${type}","object":${text}}\n`;
}
