/** The policy of a pod's port: its Server's, or the default that the pod, its namespace or the cluster sets. */
import {
  type Authz,
  type GrpcRoute,
  type HttpRoute,
  type ProxyProtocol,
  Server,
} from "../../../../proto/gen/inbound.ts";
import type { Server as ServerResource } from "../../../kube/kinds.ts";
import { isDefaultPolicy } from "../../../mesh/names.ts";
import { parsePortSet } from "../../../mesh/ports.ts";
import { encodeOnce } from "../../grpc/service.ts";
import { notFound } from "../../grpc/status.ts";
import type { ClusterState } from "../../state/cluster_state.ts";
import { type Derived, DerivedMap } from "../../state/graph.ts";
import type { PodFacts } from "../../state/pod_facts.ts";
import { portNamed, serverOf } from "../../state/servers.ts";
import { toHttpMethod } from "../../wire/http.ts";
import { defaultMetadata } from "../../wire/metadata.ts";
import { toDuration } from "../../wire/time.ts";
import { DETECT_TIMEOUT_MS, type PolicyConfig } from "../config.ts";
import {
  builtInAuthorization,
  defaultAuthorizations,
  networkMessages,
  requireIdentity,
  UNAUTHENTICATED,
} from "./authentication.ts";
import { authorizationsOf } from "./authorizations.ts";

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
      protocol: protocolOf(server.spec.proxyProtocol, this.#routes(pod, port)),
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
      protocol: protocolOf(isOpaque ? "opaque" : "unknown", this.#routes(pod, port)),
      serverIps: [],
      authorizations: defaultAuthorizations(policy, this.#config),
      labels: { group: "", kind: "default", name: policy },
    };
  }

  /** Everything, and what the kubelet probes: that is let in from the probe networks whatever else holds. */
  #routes(pod: PodFacts, port: number): HttpRoute[] {
    const paths = pod.probes[port] ?? [];
    if (paths.length === 0) return [DEFAULT_HTTP_ROUTE];
    return [DEFAULT_HTTP_ROUTE, probeRoute(paths, this.#probeAuthorization())];
  }

  #probeAuthorization(): Authz {
    return builtInAuthorization("probe", networkMessages(this.#config.probeNetworks), UNAUTHENTICATED);
  }
}

const DEFAULT_HTTP_ROUTE: HttpRoute = {
  metadata: defaultMetadata("default"),
  hosts: [],
  authorizations: [],
  rules: [{
    matches: [{
      path: { kind: { $case: "prefix", value: "/" } },
      headers: [],
      queryParams: [],
      method: undefined,
    }],
    filters: [],
  }],
};

const DEFAULT_GRPC_ROUTE: GrpcRoute = {
  metadata: defaultMetadata("default"),
  hosts: [],
  authorizations: [],
  rules: [{ matches: [{ rpc: undefined, headers: [] }], filters: [] }],
};

function probeRoute(paths: readonly string[], authorization: Authz): HttpRoute {
  return {
    metadata: defaultMetadata("probe"),
    hosts: [],
    authorizations: [authorization],
    rules: [{
      matches: paths.map((path) => ({
        // The query is no part of what a route matches.
        path: { kind: { $case: "exact" as const, value: path.replace(/[?#].*$/, "") || "/" } },
        headers: [],
        queryParams: [],
        method: toHttpMethod("GET"),
      })),
      filters: [],
    }],
  };
}

function protocolOf(
  protocol: ServerResource["spec"]["proxyProtocol"],
  routes: HttpRoute[],
): ProxyProtocol {
  const http = { routes, localRateLimit: undefined };
  switch (protocol) {
    case "HTTP/1":
      return { kind: { $case: "http1", value: http } };
    case "HTTP/2":
      return { kind: { $case: "http2", value: http } };
    case "gRPC":
      return { kind: { $case: "grpc", value: { routes: [DEFAULT_GRPC_ROUTE] } } };
    case "opaque":
      return { kind: { $case: "opaque", value: {} } };
    case "TLS":
      return { kind: { $case: "tls", value: {} } };
    case "unknown":
    case undefined:
      return {
        kind: {
          $case: "detect",
          value: {
            timeout: toDuration(DETECT_TIMEOUT_MS),
            httpRoutes: routes,
            httpLocalRateLimit: undefined,
          },
        },
      };
  }
}

function isSamePolicy(before: Server, after: Server): boolean {
  return encodeOnce(Server, before).equals(encodeOnce(Server, after));
}
