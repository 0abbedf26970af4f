/** What is known of a target: a Service by name or address, one endpoint of it, a pod, or a bare address. */
import { DestinationProfile, type WeightedAddr } from "../../../proto/gen/destination.ts";
import type { Service, ServiceProfile } from "../../kube/kinds.ts";
import { configAnnotation } from "../../mesh/annotations.ts";
import { parsePortSet } from "../../mesh/ports.ts";
import { encodeOnce } from "../grpc/service.ts";
import { failedPrecondition, invalidArgument, notFound, RpcError } from "../grpc/status.ts";
import type { ClusterState } from "../state/cluster_state.ts";
import { keyOf } from "../state/collection.ts";
import { type Derived, DerivedMap } from "../state/graph.ts";
import type { PodFacts } from "../state/pod_facts.ts";
import { canonicalIp } from "../wire/address.ts";
import { resourceMetadata } from "../wire/metadata.ts";
import { profileOf } from "./service_profile.ts";
import type { AddressTarget, ServiceTarget } from "./target.ts";
import { bareAddress, type DestinationConfig, podAddress } from "./workload.ts";

const EMPTY: DestinationProfile = {
  routes: [],
  retryBudget: undefined,
  dstOverrides: [],
  opaqueProtocol: false,
  fullyQualifiedName: "",
  endpoint: undefined,
  parentRef: undefined,
  profileRef: undefined,
};

export class ProfileIndex {
  readonly #state: ClusterState;
  readonly #config: DestinationConfig;
  readonly #profiles = new DerivedMap<DestinationProfile>();

  constructor(state: ClusterState, config: DestinationConfig) {
    this.#state = state;
    this.#config = config;
  }

  /**
   * @param clientNamespace where the client runs: a ServiceProfile there counts before the Service's own
   * @throws RpcError at the first subscription, when there is nothing to watch
   */
  watch(target: ServiceTarget | AddressTarget, clientNamespace: string): Derived<DestinationProfile> {
    const what = target.kind === "address"
      ? target.ip
      : `${target.hostname ?? ""}.${target.name}.${target.namespace}`;
    return this.#profiles.get(
      `${clientNamespace}>${what} ${target.port}`,
      (onIdle) =>
        this.#state.graph.derive(
          (previous) => {
            try {
              return target.kind === "address"
                ? this.#ofAddress(target, clientNamespace)
                : this.#ofName(target, clientNamespace);
            } catch (error) {
              // What was there and has gone keeps its profile: its endpoints tell the story.
              if (error instanceof RpcError && previous !== undefined) return previous;
              throw error;
            }
          },
          { isSame: isSameProfile, onIdle },
        ),
    );
  }

  #ofName(target: ServiceTarget, clientNamespace: string): DestinationProfile {
    const { namespace, name, hostname, port } = target;
    const service = this.#state.services.get(namespace, name);
    if (hostname !== undefined) return this.#ofInstance(target);
    if (service === undefined) throw notFound(`Service ${namespace}/${name} does not exist`);
    if (service.spec?.type === "ExternalName") {
      throw invalidArgument(`Service ${namespace}/${name} is an ExternalName`);
    }
    return this.#ofService(service, port, clientNamespace);
  }

  #ofAddress(target: AddressTarget, clientNamespace: string): DestinationProfile {
    const { ip, port } = target;
    const services = this.#state.services.by("ip", ip);
    if (services.length > 1) {
      throw failedPrecondition(`${services.length} Services have the address ${ip}`);
    }
    if (services[0] !== undefined) return this.#ofService(services[0], port, clientNamespace);
    const pod = this.#podAt(ip, port);
    return pod === undefined
      ? { ...EMPTY, endpoint: bareAddress(ip, port) }
      : this.#ofPod(pod.pod, ip, port, pod.port);
  }

  /** The pod an address leads to: by its own, or through a port of its node. */
  #podAt(ip: string, port: number): { pod: PodFacts; port: number } | undefined {
    const [pod] = this.#state.pods.by("ip", ip);
    if (pod !== undefined) return { pod, port };
    for (const candidate of this.#state.pods.by("hostIp", ip)) {
      if (candidate.phase === "Succeeded" || candidate.phase === "Failed") continue;
      const found = candidate.ports.find((one) =>
        one.hostPort === port || (candidate.isHostNetwork && one.port === port)
      );
      if (found !== undefined) return { pod: candidate, port: found.port };
    }
    return undefined;
  }

  #ofPod(pod: PodFacts, ip: string, port: number, podPort: number): DestinationProfile {
    const { address, isOpaque } = podAddress(this.#config, this.#state, pod, ip, podPort);
    // Through a node's port the address stays what the client dialled.
    const endpoint: WeightedAddr = port === podPort
      ? address
      : { ...address, addr: bareAddress(ip, port).addr };
    return { ...EMPTY, endpoint, opaqueProtocol: isOpaque };
  }

  #ofInstance(target: ServiceTarget): DestinationProfile {
    const { namespace, name, hostname, port } = target;
    for (const slice of this.#state.slices.by("service", keyOf(namespace, name))) {
      for (const endpoint of slice.endpoints ?? []) {
        if (endpoint.hostname !== hostname) continue;
        const ip = canonicalIp(endpoint.addresses[0] ?? "");
        if (ip === undefined) continue;
        const pod = this.#state.pods.get(namespace, endpoint.targetRef?.name ?? "");
        return pod === undefined
          ? { ...EMPTY, endpoint: bareAddress(ip, port) }
          : this.#ofPod(pod, ip, port, port);
      }
    }
    throw notFound(`Service ${namespace}/${name} has no endpoint called ${hostname}`);
  }

  #ofService(service: Service, port: number, clientNamespace: string): DestinationProfile {
    const { name = "", namespace = "" } = service.metadata ?? {};
    // Nothing is served there: an answer all the same, since the port may be added.
    if (!(service.spec?.ports ?? []).some((one) => one.port === port)) return EMPTY;
    const fullyQualifiedName = `${name}.${namespace}.svc.${this.#config.clusterDomain}`;
    const profile = this.#serviceProfile(fullyQualifiedName, namespace, clientNamespace);
    return {
      ...EMPTY,
      ...profileOf(profile, port, this.#config.clusterDomain),
      fullyQualifiedName,
      opaqueProtocol: this.#isOpaqueService(service, profile, port),
      parentRef: resourceMetadata({ group: "core", kind: "Service", name, namespace, port }),
    };
  }

  #serviceProfile(name: string, namespace: string, clientNamespace: string): ServiceProfile | undefined {
    const own = clientNamespace === "" ? undefined : this.#state.serviceProfiles.get(clientNamespace, name);
    return own ?? this.#state.serviceProfiles.get(namespace, name);
  }

  #isOpaqueService(service: Service, profile: ServiceProfile | undefined, port: number): boolean {
    const listed = profile?.spec.opaquePorts;
    if (listed !== undefined && listed.length > 0) return parsePortSet(listed.join(",")).has(port);
    const annotation = service.metadata?.annotations?.[configAnnotation("opaque-ports")];
    if (annotation === undefined) return this.#config.defaultOpaquePorts.has(port);
    const named = (wanted: string) => service.spec?.ports?.find((one) => one.name === wanted)?.port;
    return parsePortSet(annotation, named).has(port);
  }
}

function isSameProfile(before: DestinationProfile, after: DestinationProfile): boolean {
  return encodeOnce(DestinationProfile, before).equals(encodeOnce(DestinationProfile, after));
}
