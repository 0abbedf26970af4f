/** The policy role: inbound and outbound policies on one port. The destination role serves them beside its own. */
import { Gauge, type Registry } from "prom-client";
import { InboundServerPoliciesDefinition } from "../../../proto/gen/inbound.ts";
import { OutboundPoliciesDefinition } from "../../../proto/gen/outbound.ts";
import {
  CLUSTER_DOMAIN,
  CLUSTER_NETWORKS,
  CONTROL_PLANE_NAMESPACE,
  CONTROL_PORTS,
  isDefaultPolicy,
  OPAQUE_PORTS,
} from "../../mesh/names.ts";
import { parsePortSet } from "../../mesh/ports.ts";
import { GrpcServer, type GrpcServerOptions } from "../grpc/server.ts";
import { FlagError, type Flags } from "../process/flags.ts";
import { grpcMetrics } from "../process/metrics.ts";
import type { Role, RunningRole } from "../process/role.ts";
import { ClusterState } from "../state/cluster_state.ts";
import { Network } from "../wire/address.ts";
import { ALL_NETWORKS, type PolicyConfig } from "./config.ts";
import { inboundHandlers } from "./inbound/service.ts";
import { outboundHandlers } from "./outbound/service.ts";
import { keepStatuses } from "./status/role.ts";

function networks(flags: Flags, name: string, fallback: string): Network[] {
  return flags.list(name, fallback).map((text) => {
    const network = Network.parse(text);
    if (network === undefined) throw new FlagError(`--${name}: not a network: ${text}`);
    return network;
  });
}

/** Flags as Linkerd's policy controller has them. */
export function policyConfig(flags: Flags): PolicyConfig {
  const defaultPolicy = flags.string("default-policy", "all-unauthenticated");
  if (!isDefaultPolicy(defaultPolicy)) {
    throw new FlagError(`--default-policy: not a default policy: ${defaultPolicy}`);
  }
  return {
    domain: {
      controlPlaneNamespace: flags.string("controller-namespace", CONTROL_PLANE_NAMESPACE),
      trustDomain: flags.string("identity-trust-domain", CLUSTER_DOMAIN),
    },
    clusterDomain: flags.string("cluster-domain", CLUSTER_DOMAIN),
    clusterNetworks: networks(flags, "cluster-networks", CLUSTER_NETWORKS),
    probeNetworks: networks(flags, "probe-networks", ALL_NETWORKS.join(",")),
    defaultPolicy,
    defaultOpaquePorts: parsePortSet(flags.string("default-opaque-ports", OPAQUE_PORTS)),
    allowsL5dRequestHeaders: flags.boolean("allow-l5d-request-headers", false),
    globalEgressNamespace: flags.string("global-egress-network-namespace", "linkerd-egress"),
  };
}

/** Serves both policy APIs on `port`. */
export async function servePolicy(
  state: ClusterState,
  config: PolicyConfig,
  port: number,
  options: GrpcServerOptions,
): Promise<{ server: GrpcServer; port: number }> {
  const server = new GrpcServer(options);
  server.add(InboundServerPoliciesDefinition, inboundHandlers(state, config));
  server.add(OutboundPoliciesDefinition, outboundHandlers(state, config));
  return { server, port: await server.listen(port) };
}

/** How long ago each watch was last heard of. */
export function stalenessGauge(state: ClusterState, registry: Registry): void {
  new Gauge({
    name: "informer_staleness_seconds",
    help: "Seconds since the last list, event or bookmark of a watch.",
    labelNames: ["kind"],
    registers: [registry],
    collect() {
      state.reportStaleness(this);
    },
  });
}

export const policyRole: Role = {
  adminPort: CONTROL_PORTS.policyAdmin,
  async start({ flags, registry, cluster }): Promise<RunningRole> {
    const port = flags.port("grpc-addr", CONTROL_PORTS.policy);
    const config = policyConfig(flags);
    const client = await cluster();
    const state = new ClusterState(client);
    stalenessGauge(state, registry);
    const { server } = await servePolicy(state, config, port, grpcMetrics(registry));
    const statuses = keepStatuses(client, state, config);
    return {
      waitingFor: () => state.waitingFor(),
      async stop() {
        await Promise.all([server.stop(), statuses.stop()]);
        state.stop();
      },
    };
  },
};
