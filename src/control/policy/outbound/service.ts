/** The OutboundPolicies service: a target looked up, its policy followed. */
import {
  type OutboundPoliciesDefinition,
  OutboundPolicy,
  type TrafficSpec,
} from "../../../../proto/gen/outbound.ts";
import type { Service } from "../../../kube/kinds.ts";
import { parseTarget, type ServiceTarget } from "../../destination/target.ts";
import type { Handlers } from "../../grpc/server.ts";
import { encodeOnce } from "../../grpc/service.ts";
import { invalidArgument, notFound, RpcError } from "../../grpc/status.ts";
import type { ClusterState } from "../../state/cluster_state.ts";
import { type Derived, DerivedMap } from "../../state/graph.ts";
import { formatIp, parseIp } from "../../wire/address.ts";
import type { PolicyConfig } from "../config.ts";
import { parseWorkload } from "../workload.ts";
import { hasConsumerRoutes } from "./attached.ts";
import { egressNetworkOf, egressNetworkPolicy } from "./egress.ts";
import { fallbackPolicy, servicePolicy, undefinedPortPolicy } from "./policies.ts";

type Target = { kind: "address"; ip: string; port: number } | ServiceTarget;

export class OutboundPolicyIndex {
  readonly #state: ClusterState;
  readonly #config: PolicyConfig;
  readonly #policies = new DerivedMap<OutboundPolicy>();

  constructor(state: ClusterState, config: PolicyConfig) {
    this.#state = state;
    this.#config = config;
  }

  /**
   * The policy towards a target for clients of a namespace. Namespaces without routes of their own share one.
   *
   * @throws RpcError NotFound at the first subscription: the proxy then goes by the target's profile
   */
  watch(target: Target, clientNamespace: string): Derived<OutboundPolicy> {
    const key = keyOf(target);
    return this.#derived(`${clientNamespace}>${key}`, () => {
      const service = this.#serviceOf(target);
      const isShared = service !== undefined &&
        !hasConsumerRoutes(this.#state, parentOf(service), clientNamespace);
      return isShared
        ? this.#derived(`>${key}`, () => this.#policyOf(target, "")).value
        : this.#policyOf(target, clientNamespace);
    });
  }

  #derived(key: string, compute: () => OutboundPolicy): Derived<OutboundPolicy> {
    return this.#policies.get(key, (onIdle) =>
      this.#state.graph.derive<OutboundPolicy>(
        (previous) => {
          try {
            return compute();
          } catch (error) {
            // A Service that is gone keeps its policy: that its endpoints are gone decides.
            if (error instanceof RpcError && previous !== undefined) return previous;
            throw error;
          }
        },
        { isSame: isSamePolicy, onIdle },
      ));
  }

  #serviceOf(target: Target): Service | undefined {
    return target.kind === "address"
      ? this.#state.services.by("ip", target.ip)[0]
      : this.#state.services.get(target.namespace, target.name);
  }

  #policyOf(target: Target, clientNamespace: string): OutboundPolicy {
    const { port } = target;
    const [state, config] = [this.#state, this.#config];
    const service = this.#serviceOf(target);
    if (service !== undefined) {
      const declared = service.spec?.ports?.find((one) => one.port === port && one.protocol !== "UDP");
      return declared === undefined
        ? undefinedPortPolicy(service, port)
        : servicePolicy(service, declared, state, config, clientNamespace);
    }
    if (target.kind === "service") {
      throw notFound(`Service ${target.namespace}/${target.name} does not exist`);
    }
    const egress = egressNetworkOf(target.ip, clientNamespace, state, config);
    if (egress !== undefined) return egressNetworkPolicy(egress, target, state, config, clientNamespace);
    const ip = parseIp(target.ip)!;
    if (config.clusterNetworks.some((network) => network.contains(ip))) {
      throw notFound(`${target.ip} is an address of the cluster, but not a Service's`);
    }
    return fallbackPolicy(target.ip, port, state, config);
  }
}

function keyOf(target: Target): string {
  return target.kind === "address"
    ? `${target.ip} ${target.port}`
    : `${target.namespace}/${target.name}:${target.port}`;
}

function parentOf({ metadata }: Service) {
  return { kind: "Service", namespace: metadata?.namespace ?? "", name: metadata?.name ?? "" } as const;
}

export function outboundHandlers(
  state: ClusterState,
  config: PolicyConfig,
): Handlers<typeof OutboundPoliciesDefinition> {
  const index = new OutboundPolicyIndex(state, config);

  async function lookUp(request: TrafficSpec): Promise<Derived<OutboundPolicy>> {
    const { namespace } = parseWorkload(request.sourceWorkload);
    const target = targetOf(request, config);
    await state.ready;
    return index.watch(target, namespace);
  }

  return {
    get: async (request) => (await lookUp(request)).value,
    watch: async (request, stream) => stream.follow(await lookUp(request), (_previous, next) => [next]),
  };
}

function targetOf(request: TrafficSpec, config: PolicyConfig): Target {
  if (request.target?.$case === "addr") {
    const { ip, port } = request.target.value;
    const text = formatIp(ip);
    if (text === "") throw invalidArgument("the target has no address");
    if (port < 1 || port > 65_535) throw invalidArgument(`not a port: ${port}`);
    return { kind: "address", ip: text, port };
  }
  if (request.target?.$case !== "authority") throw invalidArgument("the request has no target");
  const target = parseTarget(request.target.value, config.clusterDomain);
  if (target.kind === "none") throw notFound(target.reason);
  if (target.kind === "service" && target.hostname !== undefined) {
    throw notFound(`${request.target.value} is one endpoint, not a Service`);
  }
  return target;
}

function isSamePolicy(before: OutboundPolicy, after: OutboundPolicy): boolean {
  return encodeOnce(OutboundPolicy, before).equals(encodeOnce(OutboundPolicy, after));
}
