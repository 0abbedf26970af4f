/** What routes are attached to on the sending side, and what they need to know of it. */
import type { Metadata } from "../../../../proto/gen/meta.ts";
import type { Backend } from "../../../../proto/gen/outbound.ts";
import type { Route } from "../../state/routes.ts";
import { resourceMetadata } from "../../wire/metadata.ts";
import type { Annotations } from "./annotations.ts";
import type { BackendContext } from "./backends.ts";

export interface OutboundParent extends BackendContext {
  readonly metadata: Metadata;
  /** Where its traffic goes when no route says. */
  readonly backend: Backend;
  readonly annotations: Annotations;
}

/** As the definitions default it: every path. */
export const ANY_PATH = { type: "PathPrefix", value: "/" } as const;

export function routeMetadata({ resource, kind, name, namespace }: Route): Metadata {
  return resourceMetadata({ group: resource.group, kind, name, namespace });
}
