/** The destination role: Destination on one port, and policy on another, on the same watches. */
import { DestinationDefinition } from "../../../proto/gen/destination.ts";
import { CONTROL_PORTS } from "../../mesh/names.ts";
import { GrpcServer } from "../grpc/server.ts";
import { policyConfig, servePolicy, stalenessGauge } from "../policy/role.ts";
import { keepStatuses } from "../policy/status/role.ts";
import { grpcMetrics } from "../process/metrics.ts";
import type { Role, RunningRole } from "../process/role.ts";
import { ClusterState } from "../state/cluster_state.ts";
import { destinationHandlers } from "./service.ts";

export const destinationRole: Role = {
  adminPort: CONTROL_PORTS.destinationAdmin,
  async start({ flags, registry, cluster }): Promise<RunningRole> {
    const port = flags.port("addr", CONTROL_PORTS.destination);
    const policyPort = flags.port("policy-addr", CONTROL_PORTS.policy);
    const config = policyConfig(flags);
    const isH2UpgradeEnabled = flags.boolean("enable-h2-upgrade", true);
    const transportMode = flags.string("outbound-transport-mode", "transport-header");
    const client = await cluster();
    const state = new ClusterState(client);
    stalenessGauge(state, registry);
    const observers = grpcMetrics(registry);
    const server = new GrpcServer(observers);
    server.add(
      DestinationDefinition,
      destinationHandlers(state, {
        ...config,
        isH2UpgradeEnabled,
        isTransportHeaderForced: transportMode === "transport-header",
      }),
    );
    const [policy] = await Promise.all([
      servePolicy(state, config, policyPort, observers),
      server.listen(port),
    ]);
    const statuses = keepStatuses(client, state, config);
    return {
      waitingFor: () => state.waitingFor(),
      async stop() {
        await Promise.all([server.stop(), policy.server.stop(), statuses.stop()]);
        state.stop();
      },
    };
  },
};
