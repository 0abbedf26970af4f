/** What the pages of all namespaces and of one have in common. */
import { type Context, page, type PageResponse } from "fresh";
import type { OverviewProps } from "../../islands/Overview.tsx";
import { apiPath } from "../mesh/api.ts";
import { MeshFailure } from "../mesh/error.ts";
import type { State } from "./define.ts";
import { loadOverview } from "./model/overview.ts";

/** Without scripts, figures are as old as this at most. */
const REFRESH_SECONDS = 10;

/** @param namespace all when missing. @throws MeshFailure `namespace-not-found` */
export async function overviewPage(
  { state, url }: Context<State>,
  namespace?: string,
): Promise<PageResponse<OverviewProps>> {
  const { window } = state;
  const { view, namespaces } = await loadOverview(state.api, {
    window,
    ...(namespace === undefined ? {} : { namespace }),
  });
  state.namespaces = namespaces;
  if (namespace !== undefined) {
    if (!namespaces.some((one) => one.name === namespace)) {
      throw new MeshFailure({
        code: "namespace-not-found",
        source: "usage",
        detail: `There is no namespace ${namespace}.`,
        remedy: "See which there are in the list beside, or with `kubectl get namespaces`.",
      });
    }
    state.namespace = namespace;
  }
  state.title = `${namespace ?? "All namespaces"} · Linkerd`;
  state.refreshSeconds = REFRESH_SECONDS;
  return page({
    view,
    stream: apiPath("/live", { namespace, window }),
    sort: url.searchParams.get("sort") ?? "",
    filter: url.searchParams.get("filter") ?? "",
  });
}
