/** A workload's page as server-sent events. */
import { define } from "../../../../../src/dashboard/define.ts";
import { resourceKey } from "../../../../../src/dashboard/model/resource.ts";
import { loadWorkload } from "../../../../../src/dashboard/model/workload.ts";
import { workloadOf } from "../../../../../src/dashboard/workload_path.ts";

export const handler = define.handlers({
  GET({ params, state }) {
    const resource = workloadOf(params);
    const key = JSON.stringify(["workload", resourceKey(resource), state.window]);
    return state.feeds.open(key, () => loadWorkload(state.api, resource, state.window));
  },
});
