/**
 * The endpoints of a Service's port, for clients of one node: from EndpointSlices and pods to immutable snapshots.
 *
 * Addresses that did not change stay the same objects from one snapshot to the next, so that a difference is found by
 * comparing references, and a message is encoded once for all streams.
 */
import type { Update, WeightedAddr } from "../../../proto/gen/destination.ts";
import type { EndpointSlice, Service } from "../../kube/kinds.ts";
import type { ClusterState } from "../state/cluster_state.ts";
import { keyOf } from "../state/collection.ts";
import { type Derived, DerivedMap } from "../state/graph.ts";
import { canonicalIp, tcpAddress } from "../wire/address.ts";
import type { ServiceTarget } from "./target.ts";
import { bareAddress, type DestinationConfig, podAddress } from "./workload.ts";

export interface EndpointSnapshot {
  /** Whether the Service exists. */
  readonly exists: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** Keyed by `ip port`. */
  readonly addresses: ReadonlyMap<string, WeightedAddr>;
}

interface Candidate {
  readonly address: WeightedAddr;
  /** Equal for candidates that would make the same message. */
  readonly signature: string;
  readonly zone: string;
  readonly zoneHints: readonly string[] | undefined;
  readonly nodeName: string;
}

interface Candidates {
  readonly exists: boolean;
  readonly isLocalOnly: boolean;
  readonly all: ReadonlyMap<string, Candidate>;
}

/** What the slices of a Service call the port that the Service serves as `port`. */
function slicePort(service: Service, slice: EndpointSlice, port: number): number | undefined {
  const servicePort = service.spec?.ports?.find((one) => one.port === port && one.protocol !== "UDP");
  if (servicePort === undefined) return port;
  const named = slice.ports?.find((one) =>
    (one.name ?? "") === (servicePort.name ?? "") && one.protocol !== "UDP"
  );
  return named?.port;
}

const GATEWAY_IDENTITY = "mirror.linkerd.io/remote-gateway-identity";
const REMOTE_NAME = "mirror.linkerd.io/remote-svc-fq-name";

/** An endpoint that is no pod; a mirrored Service's leads through the other cluster's gateway. */
function externalAddress(slice: EndpointSlice, ip: string, port: number, servicePort: number): WeightedAddr {
  const address = bareAddress(ip, port);
  const annotations = slice.metadata?.annotations ?? {};
  const identity = annotations[GATEWAY_IDENTITY];
  if (identity !== undefined && identity !== "") {
    address.tlsIdentity = {
      strategy: { $case: "dnsLikeIdentity", value: { name: identity } },
      serverName: { name: identity },
    };
    address.protocolHint = { protocol: { $case: "h2", value: {} }, opaqueTransport: undefined };
  }
  const remote = annotations[REMOTE_NAME];
  if (remote !== undefined && remote !== "") {
    address.authorityOverride = { authorityOverride: `${remote}:${servicePort}` };
  }
  return address;
}

export class EndpointIndex {
  readonly #state: ClusterState;
  readonly #config: DestinationConfig;
  readonly #candidates = new DerivedMap<Candidates>();
  readonly #snapshots = new DerivedMap<EndpointSnapshot>();

  constructor(state: ClusterState, config: DestinationConfig) {
    this.#state = state;
    this.#config = config;
  }

  /** @param nodeName where the client runs; empty when it does not say */
  watch(target: ServiceTarget, nodeName: string): Derived<EndpointSnapshot> {
    const key = `${target.hostname ?? ""}.${target.name}.${target.namespace}:${target.port}`;
    return this.#snapshots.get(`${key}@${nodeName}`, (onIdle) => {
      const locate = localizer();
      return this.#state.graph.derive((previous) => {
        const candidates = this.#candidates.get(key, (idle) => this.#derive(target, idle)).value;
        const zone = this.#state.zoneOf(nodeName);
        const addresses = new Map<string, WeightedAddr>();
        for (const [id, candidate] of select(candidates, nodeName, zone)) {
          addresses.set(id, locate(candidate, zone));
        }
        const labels = { namespace: target.namespace, service: target.name };
        return unlessSame(previous, { exists: candidates.exists, labels, addresses });
      }, { onIdle });
    });
  }

  #derive(target: ServiceTarget, onIdle: () => void): Derived<Candidates> {
    const { namespace, name, port, hostname } = target;
    return this.#state.graph.derive<Candidates>((previous) => {
      const service = this.#state.services.get(namespace, name);
      const all = new Map<string, Candidate>();
      if (service === undefined || service.spec?.type === "ExternalName") {
        return { exists: false, isLocalOnly: false, all };
      }
      // A pod with addresses of both families is one endpoint: its IPv4 address counts.
      const seen = new Map<string, string>();
      const slices = this.#state.slices.by("service", keyOf(namespace, name));
      slices.sort((left, right) =>
        left.addressType < right.addressType ? -1 : left.addressType > right.addressType ? 1 : 0
      );
      for (const slice of slices) {
        const number = slicePort(service, slice, port);
        if (number === undefined || slice.addressType === "FQDN") continue;
        for (const endpoint of slice.endpoints ?? []) {
          if (endpoint.conditions?.ready === false) continue;
          if (hostname !== undefined && endpoint.hostname !== hostname) continue;
          const ip = canonicalIp(endpoint.addresses[0] ?? "");
          if (ip === undefined) continue;
          const id = `${ip} ${number}`;
          const reference = endpoint.targetRef;
          let address: WeightedAddr;
          if (reference?.kind === "Pod") {
            const pod = this.#state.pods.get(reference.namespace ?? namespace, reference.name ?? "");
            // Its identity is not known before the pod is: better one turn later than in plain text.
            if (pod === undefined || (seen.get(pod.name) ?? ip) !== ip) continue;
            seen.set(pod.name, ip);
            address = podAddress(this.#config, this.#state, pod, ip, number).address;
          } else address = externalAddress(slice, ip, number, port);
          const nodeName = endpoint.nodeName ?? "";
          const zone = endpoint.zone || this.#state.zoneOf(nodeName);
          const signature = signatureOf(address) + zone;
          const before = previous?.all.get(id);
          all.set(id, {
            address: before?.signature === signature ? before.address : address,
            signature,
            zone,
            zoneHints: endpoint.hints?.forZones?.map((hint) => hint.name),
            nodeName,
          });
        }
      }
      return { exists: true, isLocalOnly: service.spec?.internalTrafficPolicy === "Local", all };
    }, { onIdle });
  }
}

/** Message fields hold bigints, which JSON does not. */
function signatureOf(address: WeightedAddr): string {
  return JSON.stringify(address, (_key, value) => typeof value === "bigint" ? String(value) : value);
}

/** Those of the client's node where the Service says so, or of its zone where every endpoint has a hint. */
function select(
  candidates: Candidates,
  nodeName: string,
  zone: string,
): ReadonlyMap<string, Candidate> {
  if (candidates.isLocalOnly) {
    return new Map([...candidates.all].filter(([, one]) => one.nodeName === nodeName));
  }
  const isHinted = zone !== "" && candidates.all.size > 0 &&
    [...candidates.all.values()].every((one) => one.zoneHints !== undefined && one.zoneHints.length > 0);
  if (!isHinted) return candidates.all;
  const near = new Map([...candidates.all].filter(([, one]) => one.zoneHints!.includes(zone)));
  return near.size > 0 ? near : candidates.all;
}

/** Adds the labels that depend on the client's zone; gives the same object for the same candidate and zone. */
function localizer(): (candidate: Candidate, zone: string) => WeightedAddr {
  const made = new WeakMap<WeightedAddr, { zone: string; address: WeightedAddr }>();
  return (candidate, zone) => {
    const before = made.get(candidate.address);
    if (before?.zone === zone) return before.address;
    const locality = zone === "" || candidate.zone === ""
      ? "unknown"
      : zone === candidate.zone
      ? "local"
      : "remote";
    const metricLabels = {
      ...candidate.address.metricLabels,
      ...(candidate.zone === "" ? {} : { zone: candidate.zone }),
      zone_locality: locality,
    };
    const address = { ...candidate.address, metricLabels };
    made.set(candidate.address, { zone, address });
    return address;
  };
}

function unlessSame(before: EndpointSnapshot | undefined, after: EndpointSnapshot): EndpointSnapshot {
  if (before === undefined || before.exists !== after.exists) return after;
  if (before.addresses.size !== after.addresses.size) return after;
  for (const [key, address] of after.addresses) if (before.addresses.get(key) !== address) return after;
  return before;
}

const differences = new WeakMap<
  EndpointSnapshot,
  { from: EndpointSnapshot | undefined; updates: Update[] }
>();

/** What a stream that has shown `from` must send to show `to`. The same arrays for all streams at the same point. */
export function updatesBetween(from: EndpointSnapshot | undefined, to: EndpointSnapshot): Update[] {
  const known = differences.get(to);
  if (known !== undefined && known.from === from) return known.updates;
  const updates = difference(from, to);
  differences.set(to, { from, updates });
  return updates;
}

function difference(from: EndpointSnapshot | undefined, to: EndpointSnapshot): Update[] {
  if (to.addresses.size === 0) {
    const isNews = from === undefined || from.addresses.size > 0 || from.exists !== to.exists;
    return isNews ? [{ update: { $case: "noEndpoints", value: { exists: to.exists } } }] : [];
  }
  const updates: Update[] = [];
  const added = [...to.addresses].filter(([key, address]) => from?.addresses.get(key) !== address);
  if (added.length > 0) {
    const addrs = added.map(([, address]) => address);
    updates.push({ update: { $case: "add", value: { addrs, metricLabels: { ...to.labels } } } });
  }
  const removed = [...from?.addresses.keys() ?? []].filter((key) => !to.addresses.has(key));
  if (removed.length > 0) {
    const addrs = removed.map((key) => {
      const [ip, port] = key.split(" ");
      return tcpAddress(ip!, Number(port));
    });
    updates.push({ update: { $case: "remove", value: { addrs } } });
  }
  return updates;
}
