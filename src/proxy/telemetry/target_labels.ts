/** Labels of resources that traffic is addressed to or sent to. Source: proxy.md §13 (new style, outbound). */
import type { TargetResource } from "../control/plane.ts";
import type { ProfileRoute, RouteResource } from "../route/request_rules.ts";
import type { Labels } from "./telemetry.ts";

/** `parent_group`, `parent_kind` and so on, or the same of a backend. */
export function targetLabels(prefix: "parent" | "backend", resource: TargetResource | undefined): Labels {
  if (resource === undefined) return {};
  const { group, kind, namespace, name, port, section } = resource;
  return {
    [`${prefix}_group`]: group,
    [`${prefix}_kind`]: kind,
    [`${prefix}_namespace`]: namespace,
    [`${prefix}_name`]: name,
    [`${prefix}_port`]: port === 0 ? "" : String(port),
    [`${prefix}_section_name`]: section,
  };
}

export function routeLabels({ group, kind, namespace, name }: RouteResource): Labels {
  return { route_group: group, route_kind: kind, route_namespace: namespace, route_name: name };
}

/** Of a ServiceProfile's route (legacy): requests that none of its routes takes have no `rt_` label. */
export function profileLabels({ dst, labels }: ProfileRoute, direction: "inbound" | "outbound"): Labels {
  const told: Record<string, string> = { direction, dst };
  for (const [name, value] of Object.entries(labels)) told[`rt_${name}`] = value;
  return told;
}
