/**
 * What the control plane watches of the cluster, indexed, and readable from derived values.
 *
 * Destination and policy share one: pods, Services and Servers are watched once in the process that serves both.
 */
import type { Gauge } from "prom-client";
import type { KubeClient } from "../../kube/client.ts";
import { type Informer, startInformer } from "../../kube/informer.ts";
import {
  AUTHORIZATION_POLICIES,
  type AuthorizationPolicy,
  EGRESS_NETWORKS,
  type EgressNetwork,
  ENDPOINT_SLICES,
  type EndpointSlice,
  GATEWAY_HTTP_ROUTES,
  GRPC_ROUTES,
  HTTP_LOCAL_RATE_LIMIT_POLICIES,
  HTTP_ROUTES,
  type HTTPLocalRateLimitPolicy,
  MESH_TLS_AUTHENTICATIONS,
  type MeshTLSAuthentication,
  NETWORK_AUTHENTICATIONS,
  type NetworkAuthentication,
  NODES,
  PODS,
  type Server,
  SERVER_AUTHORIZATIONS,
  type ServerAuthorization,
  SERVERS,
  type Service,
  SERVICE_PROFILES,
  type ServiceProfile,
  SERVICES,
  TCP_ROUTES,
  TLS_ROUTES,
} from "../../kube/kinds.ts";
import type { KubernetesObject, ResourceKind } from "../../kube/resource.ts";
import { canonicalIp } from "../wire/address.ts";
import { Collection, type CollectionOptions, keyOf } from "./collection.ts";
import { Graph } from "./graph.ts";
import { startOptionalInformer } from "./optional_informer.ts";
import { podFacts } from "./pod_facts.ts";
import { parentKeysOf, type RouteCollection, routeView } from "./routes.ts";
import { ServedKinds } from "./served_kinds.ts";

const SERVICE_OF_SLICE = "kubernetes.io/service-name";
const ZONE_LABEL = "topology.kubernetes.io/zone";

function namespaceOf(object: KubernetesObject): readonly string[] {
  return [object.metadata?.namespace ?? ""];
}

/** The view of kinds that are kept whole. */
function whole<T>(): (object: T) => T {
  return (object) => object;
}

export class ClusterState {
  readonly graph = new Graph();
  readonly #client: KubeClient;
  readonly #stopped = new AbortController();
  readonly #served: ServedKinds;
  readonly #informers = new Map<string, Informer<KubernetesObject>>();
  readonly #waiting = new Set<string>();
  /** Resolves once everything has been listed. */
  readonly ready: Promise<void>;

  readonly services;
  readonly slices;
  readonly pods;
  readonly nodes;
  readonly serviceProfiles;
  readonly servers;
  readonly serverAuthorizations;
  readonly authorizationPolicies;
  readonly meshTlsAuthentications;
  readonly networkAuthentications;
  readonly rateLimits;
  readonly egressNetworks;
  /** Those of policy.linkerd.io. */
  readonly httpRoutes;
  readonly gatewayHttpRoutes;
  readonly grpcRoutes;
  readonly tlsRoutes;
  readonly tcpRoutes;
  /** All of them. */
  readonly routes: readonly RouteCollection[];

  constructor(client: KubeClient, options: { retryMs?: number } = {}) {
    this.#client = client;
    this.#served = new ServedKinds(client, { ...options, signal: this.#stopped.signal });
    this.services = this.#watch(SERVICES, {
      name: "service",
      view: whole<Service>(),
      indexes: {
        ip: (service) =>
          (service.spec?.clusterIPs ?? [service.spec?.clusterIP]).flatMap((ip) =>
            canonicalIp(ip ?? "") ?? []
          ),
      },
    });
    this.slices = this.#watch(ENDPOINT_SLICES, {
      name: "slice",
      view: whole<EndpointSlice>(),
      indexes: {
        service: (slice) => {
          const service = slice.metadata?.labels?.[SERVICE_OF_SLICE];
          return service === undefined ? [] : [keyOf(slice.metadata?.namespace, service)];
        },
      },
    });
    this.pods = this.#watch(PODS, {
      name: "pod",
      view: podFacts,
      isSame: (before, after) => before.signature === after.signature,
      indexes: {
        ip: (pod) => pod.phase === "Succeeded" || pod.phase === "Failed" ? [] : pod.ips,
        hostIp: (pod) => pod.hostIps,
        namespace: (pod) => [pod.namespace],
      },
    });
    this.nodes = this.#watch(NODES, {
      name: "node",
      view: (node) => node.metadata?.labels?.[ZONE_LABEL] ?? "",
      isSame: Object.is,
    });
    this.serviceProfiles = this.#watchOptional(SERVICE_PROFILES, {
      name: "profile",
      view: whole<ServiceProfile>(),
    });
    const byNamespace = { namespace: namespaceOf };
    this.servers = this.#watchOptional(SERVERS, {
      name: "server",
      view: whole<Server>(),
      indexes: byNamespace,
    });
    this.serverAuthorizations = this.#watchOptional(SERVER_AUTHORIZATIONS, {
      name: "saz",
      view: whole<ServerAuthorization>(),
      indexes: byNamespace,
    });
    this.authorizationPolicies = this.#watchOptional(AUTHORIZATION_POLICIES, {
      name: "authz",
      view: whole<AuthorizationPolicy>(),
      indexes: byNamespace,
    });
    this.meshTlsAuthentications = this.#watchOptional(MESH_TLS_AUTHENTICATIONS, {
      name: "meshtls",
      view: whole<MeshTLSAuthentication>(),
    });
    this.networkAuthentications = this.#watchOptional(NETWORK_AUTHENTICATIONS, {
      name: "netauth",
      view: whole<NetworkAuthentication>(),
    });
    this.rateLimits = this.#watchOptional(HTTP_LOCAL_RATE_LIMIT_POLICIES, {
      name: "ratelimit",
      view: whole<HTTPLocalRateLimitPolicy>(),
      indexes: byNamespace,
    });
    this.egressNetworks = this.#watchOptional(EGRESS_NETWORKS, {
      name: "egress",
      view: whole<EgressNetwork>(),
      indexes: byNamespace,
    });
    const indexes = { parent: parentKeysOf };
    this.httpRoutes = this.#watchOptional(HTTP_ROUTES, {
      name: "httproute",
      view: routeView("HTTPRoute", HTTP_ROUTES),
      indexes,
    });
    this.gatewayHttpRoutes = this.#watchOptional(GATEWAY_HTTP_ROUTES, {
      name: "gateway-httproute",
      view: routeView("HTTPRoute", GATEWAY_HTTP_ROUTES),
      indexes,
    });
    this.grpcRoutes = this.#watchOptional(GRPC_ROUTES, {
      name: "grpcroute",
      view: routeView("GRPCRoute", GRPC_ROUTES),
      indexes,
    });
    this.tlsRoutes = this.#watchOptional(TLS_ROUTES, {
      name: "tlsroute",
      view: routeView("TLSRoute", TLS_ROUTES),
      indexes,
    });
    this.tcpRoutes = this.#watchOptional(TCP_ROUTES, {
      name: "tcproute",
      view: routeView("TCPRoute", TCP_ROUTES),
      indexes,
    });
    this.routes = [
      { resource: GRPC_ROUTES, collection: this.grpcRoutes },
      { resource: HTTP_ROUTES, collection: this.httpRoutes },
      { resource: GATEWAY_HTTP_ROUTES, collection: this.gatewayHttpRoutes },
      { resource: TLS_ROUTES, collection: this.tlsRoutes },
      { resource: TCP_ROUTES, collection: this.tcpRoutes },
    ];
    this.ready = Promise.all([...this.#informers.values()].map((informer) => informer.synced)).then(() => {});
  }

  /** Kinds whose first list has not come yet. */
  waitingFor(): string[] {
    return [...this.#waiting].map((plural) => `the list of ${plural}`);
  }

  /** The zone of a node, empty where it has none or is not known. */
  zoneOf(node: string): string {
    return node === "" ? "" : this.nodes.get(undefined, node) ?? "";
  }

  /** Sets the seconds since each watch was last heard of. */
  reportStaleness(gauge: Gauge<"kind">): void {
    for (const [kind, informer] of this.#informers) gauge.set({ kind }, informer.staleness() / 1000);
  }

  stop(): void {
    this.#stopped.abort();
  }

  #watch<T extends KubernetesObject, V>(kind: ResourceKind<T>, options: CollectionOptions<T, V>) {
    return this.#add(kind, startInformer(this.#client, kind, { signal: this.#stopped.signal }), options);
  }

  #watchOptional<T extends KubernetesObject, V>(kind: ResourceKind<T>, options: CollectionOptions<T, V>) {
    return this.#add(kind, startOptionalInformer(this.#client, kind, this.#served), options);
  }

  #add<T extends KubernetesObject, V>(
    kind: ResourceKind<T>,
    informer: Informer<T>,
    options: CollectionOptions<T, V>,
  ): Collection<T, V> {
    // Both groups have HTTPRoutes.
    const name = this.#informers.has(kind.plural) ? `${kind.plural}.${kind.group}` : kind.plural;
    this.#informers.set(name, informer as unknown as Informer<KubernetesObject>);
    this.#waiting.add(name);
    informer.synced.then(() => this.#waiting.delete(name));
    return new Collection(this.graph, informer, options);
  }
}
