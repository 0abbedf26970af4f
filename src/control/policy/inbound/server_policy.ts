/** The policy of a pod's port: its Server's, or the default that the pod, its namespace or the cluster sets. */
import { type HttpRoute, Server } from "../../../../proto/gen/inbound.ts";
import type { Server as ServerResource } from "../../../kube/kinds.ts";
import { isDefaultPolicy } from "../../../mesh/names.ts";
import { parsePortSet } from "../../../mesh/ports.ts";
import { encodeOnce } from "../../grpc/service.ts";
import { notFound } from "../../grpc/status.ts";
import type { ClusterState } from "../../state/cluster_state.ts";
import { type Derived, DerivedMap } from "../../state/graph.ts";
import type { PodFacts } from "../../state/pod_facts.ts";
import { portNamed, serverOf } from "../../state/servers.ts";
import type { PolicyConfig } from "../config.ts";
import { defaultAuthorizations, requireIdentity } from "./authentication.ts";
import { authorizationsOf } from "./authorizations.ts";
import { DEFAULT_GRPC_ROUTE, defaultHttpRoutes } from "./default_routes.ts";
import { protocolOf } from "./protocol.ts";
import { rateLimitOf } from "./rate_limit.ts";
import { serverGrpcRoutes, serverHttpRoutes } from "./routes.ts";

export class ServerPolicyIndex {
  readonly #state: ClusterState;
  readonly #config: PolicyConfig;
  readonly #policies = new DerivedMap<Server>();

  constructor(state: ClusterState, config: PolicyConfig) {
    this.#state = state;
    this.#config = config;
  }

  /** @throws RpcError NotFound at the first subscription, when there is no such pod */
  watch(namespace: string, pod: string, port: number): Derived<Server> {
    return this.#policies.get(`${namespace}/${pod}:${port}`, (onIdle) =>
      this.#state.graph.derive<Server>(
        (previous) => {
          const facts = this.#state.pods.get(namespace, pod);
          // A pod that is gone needs no policy; its stream ends with its proxy.
          if (facts === undefined && previous !== undefined) return previous;
          if (facts === undefined) throw notFound(`pod ${namespace}/${pod} does not exist`);
          return this.policyOf(facts, port);
        },
        { isSame: isSamePolicy, onIdle },
      ));
  }

  policyOf(pod: PodFacts, port: number): Server {
    const server = serverOf(this.#state, pod, port);
    return server === undefined ? this.#defaultPolicy(pod, port) : this.#serverPolicy(server, pod, port);
  }

  #serverPolicy(server: ServerResource, pod: PodFacts, port: number): Server {
    const access = server.spec.accessPolicy ?? "deny";
    const authorizations = authorizationsOf(server, this.#state, this.#config);
    if (isDefaultPolicy(access)) authorizations.push(...defaultAuthorizations(access, this.#config));
    return {
      protocol: protocolOf(server.spec.proxyProtocol, {
        http: () => serverHttpRoutes(server, this.#state, this.#config) ?? this.#defaultRoutes(pod, port),
        grpc: () => serverGrpcRoutes(server, this.#state, this.#config) ?? [DEFAULT_GRPC_ROUTE],
        rateLimit: () => rateLimitOf(server, this.#state, this.#config),
      }),
      serverIps: [],
      authorizations,
      labels: { group: "policy.linkerd.io", kind: "server", name: server.metadata?.name ?? "" },
    };
  }

  #defaultPolicy(pod: PodFacts, port: number): Server {
    const named = (name: string) => portNamed(pod, name);
    const annotated = pod.config["default-inbound-policy"];
    let policy = annotated !== undefined && isDefaultPolicy(annotated)
      ? annotated
      : this.#config.defaultPolicy;
    const identified = pod.config["proxy-require-identity-inbound-ports"];
    if (identified !== undefined && parsePortSet(identified, named).has(port)) {
      policy = requireIdentity(policy);
    }
    const opaque = pod.config["opaque-ports"];
    const isOpaque = (opaque === undefined ? this.#config.defaultOpaquePorts : parsePortSet(opaque, named))
      .has(port);
    return {
      protocol: protocolOf(isOpaque ? "opaque" : "unknown", {
        http: () => this.#defaultRoutes(pod, port),
        grpc: () => [DEFAULT_GRPC_ROUTE],
        rateLimit: () => undefined,
      }),
      serverIps: [],
      authorizations: defaultAuthorizations(policy, this.#config),
      labels: { group: "", kind: "default", name: policy },
    };
  }

  /** Where no route is attached: everything, and the kubelet's probes from the probe networks whatever else holds. */
  #defaultRoutes(pod: PodFacts, port: number): HttpRoute[] {
    return defaultHttpRoutes(pod.probes[port] ?? [], this.#config);
  }
}

function isSamePolicy(before: Server, after: Server): boolean {
  return encodeOnce(Server, before).equals(encodeOnce(Server, after));
}
