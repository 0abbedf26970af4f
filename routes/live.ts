/** The overview as server-sent events, of all namespaces or of `?namespace=`. */
import { define } from "../src/dashboard/define.ts";
import { loadOverview } from "../src/dashboard/model/overview.ts";

export const handler = define.handlers({
  GET({ state, url }) {
    const namespace = url.searchParams.get("namespace") ?? "";
    const query = { window: state.window, ...(namespace === "" ? {} : { namespace }) };
    const key = JSON.stringify(["overview", namespace, state.window]);
    return state.feeds.open(key, async () => (await loadOverview(state.api, query)).view);
  },
});
