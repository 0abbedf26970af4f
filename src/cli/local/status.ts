/** `linkerd local status`: what runs in the laptop cluster. */
import { type Pod, PODS } from "../../kube/kinds.ts";
import { type Column, formatJson, formatTable } from "../../mesh/table.ts";
import { connectLocal, kubeconfigPath, readState, requireState } from "./state.ts";

function readiness(pod: Pod): string {
  const statuses = pod.status?.containerStatuses ?? [];
  return `${statuses.filter(({ ready }) => ready).length}/${statuses.length}`;
}

const COLUMNS: readonly Column<Pod>[] = [
  { title: "NAMESPACE", value: ({ metadata }) => metadata?.namespace },
  { title: "POD", value: ({ metadata }) => metadata?.name },
  { title: "READY", align: "right", value: readiness },
  { title: "PHASE", value: ({ status }) => status?.phase },
  { title: "IP", value: ({ status }) => status?.podIP },
];

export async function status(options: { readonly output: string }): Promise<number> {
  if (options.output === "json" && readState() === undefined) {
    console.log(formatJson({ isRunning: false }).trimEnd());
    return 1;
  }
  const state = requireState(), cluster = connectLocal();
  try {
    const { items } = await cluster.client.list(PODS);
    if (options.output === "json") {
      const pods = items.map((pod) => ({
        namespace: pod.metadata?.namespace,
        name: pod.metadata?.name,
        phase: pod.status?.phase,
        ready: readiness(pod),
        ip: pod.status?.podIP,
      }));
      console.log(formatJson({ isRunning: true, ...state, kubeconfig: kubeconfigPath(), pods }).trimEnd());
      return 0;
    }
    console.log(`running since ${state.startedAt}, process ${state.pid}; KUBECONFIG=${kubeconfigPath()}`);
    if (state.dashboardPort !== undefined) console.log(`dashboard: http://127.0.0.1:${state.dashboardPort}`);
    console.log(formatTable(COLUMNS, items).trimEnd());
    return 0;
  } finally {
    await cluster.stop();
  }
}
