/** The resource that traffic is addressed to or sent to, from its wire form. Source: protocol-api.md §2. */
import type { Metadata } from "../../../proto/gen/meta.ts";
import type { TargetResource } from "./plane.ts";

export function resourceOf(metadata: Metadata | undefined): TargetResource {
  const kind = metadata?.kind;
  if (kind?.$case === "resource") {
    const { group, kind: name, namespace, name: resource, port, section } = kind.value;
    return { group, kind: name, namespace, name: resource, port, section };
  }
  const name = kind?.$case === "default" ? kind.value : "unknown";
  return { group: "", kind: "default", namespace: "", name, port: 0, section: "" };
}
