/** Requests of a workload, one by one, as server-sent events. */
import { define } from "../../../../../src/dashboard/define.ts";
import { workloadOf } from "../../../../../src/dashboard/workload_path.ts";

/** As many as eyes can follow. */
const MAX_RPS = "20";

export const handler = define.handlers({
  GET({ params, state }) {
    if (!state.showsCalls) return new Response("requests are not shown here\n", { status: 404 });
    return state.calls.open({ ...workloadOf(params), maxRps: MAX_RPS });
  },
});
