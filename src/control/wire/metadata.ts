/** Where configuration comes from, as the messages of meta.proto. */
import type { Metadata, Resource } from "../../../proto/gen/meta.ts";

export function defaultMetadata(name: string): Metadata {
  return { kind: { $case: "default", value: name } };
}

export function resourceMetadata(
  resource: Pick<Resource, "group" | "kind" | "name" | "namespace"> & { section?: string; port?: number },
): Metadata {
  return { kind: { $case: "resource", value: { section: "", port: 0, ...resource } } };
}
