/** The page of a workload. */
import { page } from "fresh";
import WorkloadDetail from "../../../../../islands/WorkloadDetail.tsx";
import { define } from "../../../../../src/dashboard/define.ts";
import { resourcePath, withWindow } from "../../../../../src/dashboard/model/resource.ts";
import { loadWorkload } from "../../../../../src/dashboard/model/workload.ts";
import { workloadOf } from "../../../../../src/dashboard/workload_path.ts";

export const handler = define.handlers({
  async GET({ params, state }) {
    const resource = workloadOf(params);
    const { window } = state;
    state.namespace = resource.namespace;
    state.namespaces = (await state.api.namespaces()).namespaces;
    const view = await loadWorkload(state.api, resource, window);
    state.title = `${resource.name} · ${resource.namespace} · Linkerd`;
    state.refreshSeconds = 10;
    const path = resourcePath(resource);
    return page({
      view,
      stream: withWindow(`${path}/live`, window),
      ...(state.showsCalls ? { calls: `${path}/calls` } : {}),
    });
  },
});

export default define.page<typeof handler>(({ data }) => <WorkloadDetail {...data} />);
