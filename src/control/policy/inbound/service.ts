/** The InboundServerPolicies service. */
import type { InboundServerPoliciesDefinition, PortSpec } from "../../../../proto/gen/inbound.ts";
import type { Handlers } from "../../grpc/server.ts";
import { invalidArgument, notFound } from "../../grpc/status.ts";
import type { ClusterState } from "../../state/cluster_state.ts";
import type { PolicyConfig } from "../config.ts";
import { parseWorkload } from "../workload.ts";
import { ServerPolicyIndex } from "./server_policy.ts";

/** A proxy asks as soon as it runs, and its pod may not have come over the watch yet. */
const POD_GRACE_MS = 2_000;

export function inboundHandlers(
  state: ClusterState,
  config: PolicyConfig,
): Handlers<typeof InboundServerPoliciesDefinition> {
  const index = new ServerPolicyIndex(state, config);

  async function lookUp(request: PortSpec) {
    const workload = parseWorkload(request.workload);
    if (request.port < 1 || request.port > 65_535) throw invalidArgument(`not a port: ${request.port}`);
    await state.ready;
    if (workload.pod === undefined) {
      throw notFound(`external workload ${workload.namespace}/${workload.externalWorkload} is not known`);
    }
    const { namespace, pod } = workload;
    await podToAppear(state, namespace, pod);
    return index.watch(namespace, pod, request.port);
  }

  return {
    getPort: async (request) => (await lookUp(request)).value,
    watchPort: async (request, stream) => stream.follow(await lookUp(request), (_previous, next) => [next]),
  };
}

/** Resolves when the pod is known, or when it has had its time. */
function podToAppear(state: ClusterState, namespace: string, pod: string): Promise<void> {
  if (state.pods.get(namespace, pod) !== undefined) return Promise.resolve();
  return new Promise((resolve) => {
    const isThere = state.graph.derive(() => state.pods.get(namespace, pod) !== undefined);
    const done = () => {
      clearTimeout(timer);
      unsubscribe();
      resolve();
    };
    const timer = setTimeout(done, POD_GRACE_MS);
    const unsubscribe = isThere.subscribe(done);
  });
}
