/** The Destination service: lookups taken apart, then streams that follow what the indexes derive. */
import type { DestinationDefinition } from "../../../proto/gen/destination.ts";
import type { Handlers } from "../grpc/server.ts";
import { invalidArgument, notFound } from "../grpc/status.ts";
import type { ClusterState } from "../state/cluster_state.ts";
import { EndpointIndex, updatesBetween } from "./endpoints.ts";
import { ProfileIndex } from "./profiles.ts";
import { parseContext, parseTarget } from "./target.ts";
import type { DestinationConfig } from "./workload.ts";

export function destinationHandlers(
  state: ClusterState,
  config: DestinationConfig,
): Handlers<typeof DestinationDefinition> {
  const endpoints = new EndpointIndex(state, config);
  const profiles = new ProfileIndex(state, config);
  return {
    async get(request, stream) {
      const target = parseTarget(request.path, config.clusterDomain);
      if (target.kind === "none") throw invalidArgument(target.reason);
      if (target.kind === "address") throw invalidArgument(`${request.path} is an address, not a name`);
      await state.ready;
      const { namespace, name } = target;
      const service = state.services.get(namespace, name);
      if (service === undefined) throw notFound(`Service ${namespace}/${name} does not exist`);
      if (service.spec?.type === "ExternalName") {
        throw invalidArgument(`Service ${namespace}/${name} is an ExternalName`);
      }
      const { nodeName } = parseContext(request.contextToken);
      stream.follow(endpoints.watch(target, nodeName), updatesBetween);
    },
    async getProfile(request, stream) {
      const target = parseTarget(request.path, config.clusterDomain);
      if (target.kind === "none") throw invalidArgument(target.reason);
      await state.ready;
      const { namespace } = parseContext(request.contextToken);
      stream.follow(profiles.watch(target, namespace), (_previous, next) => [next]);
    },
  };
}
