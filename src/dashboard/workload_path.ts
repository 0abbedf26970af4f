/** Which workload a path names: `/namespaces/shop/deployments/web`, and `deploy` or `deployment` as well. */
import { type ResourceName, statKind } from "../mesh/api.ts";
import { MeshFailure } from "../mesh/error.ts";
import { isWorkloadKind } from "./model/resource.ts";

/** @throws MeshFailure `kind-not-found` for a kind that has no page */
export function workloadOf(params: Readonly<Record<string, string>>): ResourceName {
  const { namespace = "", kind: text = "", name = "" } = params;
  const kind = statKind(text);
  if (kind === undefined || !isWorkloadKind(kind)) {
    throw new MeshFailure({
      code: "kind-not-found",
      source: "usage",
      detail: `There are no pages for ${text}.`,
      remedy: "There are some for deployments, statefulsets, daemonsets, jobs, cronjobs and pods.",
    });
  }
  return { namespace, kind, name };
}
