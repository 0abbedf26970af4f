/** What a packet to a service address should reach: Services and EndpointSlices, joined. Source: kube-proxy. */
import type { EndpointSlice, Service } from "../../kube/kinds.ts";

export interface Target {
  readonly ip: string;
  readonly port: number;
}

/** One port of one service address. */
export interface ServicePort {
  /** `namespace/name:port`, for people. */
  readonly name: string;
  readonly address: string;
  readonly protocol: "TCP" | "UDP";
  readonly port: number;
  /** Empty: nobody can answer. */
  readonly targets: readonly Target[];
}

const SERVICE_NAME = "kubernetes.io/service-name";

/** `namespace/name` → its slices. */
export function slicesByService(slices: Iterable<EndpointSlice>): Map<string, EndpointSlice[]> {
  const byService = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const service = slice.metadata?.labels?.[SERVICE_NAME];
    if (service === undefined) continue;
    const key = `${slice.metadata?.namespace}/${service}`;
    const known = byService.get(key);
    if (known === undefined) byService.set(key, [slice]);
    else known.push(slice);
  }
  return byService;
}

/** Addresses that answer a port: the ready ones; when there are none, those that still serve while they terminate. */
function targetsOf(slices: readonly EndpointSlice[], portName: string, protocol: string): Target[] {
  const ready: Target[] = [], terminating: Target[] = [];
  for (const slice of slices) {
    if (slice.addressType !== "IPv4") continue;
    const port = slice.ports?.find((each) =>
      (each.name ?? "") === portName && (each.protocol ?? "TCP") === protocol
    )
      ?.port;
    if (port === undefined) continue;
    for (const { addresses, conditions } of slice.endpoints) {
      const ip = addresses[0];
      if (ip === undefined) continue;
      if (conditions?.ready ?? true) ready.push({ ip, port });
      else if (conditions?.serving && conditions.terminating) terminating.push({ ip, port });
    }
  }
  const targets = ready.length > 0 ? ready : terminating;
  const seen = new Set<string>();
  return targets.filter(({ ip, port }) => !seen.has(`${ip}:${port}`) && seen.add(`${ip}:${port}`));
}

/**
 * Every port of every IPv4 service address.
 * @param excluded addresses that are answered by the node itself
 */
export function servicePorts(
  services: Iterable<Service>,
  slices: Iterable<EndpointSlice>,
  excluded: ReadonlySet<string> = new Set(),
): ServicePort[] {
  const byService = slicesByService(slices);
  const ports: ServicePort[] = [];
  for (const { metadata, spec } of services) {
    if (spec === undefined || spec.type === "ExternalName") continue;
    const key = `${metadata?.namespace}/${metadata?.name}`;
    const addresses = (spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]))
      .filter((address) =>
        address !== "" && address !== "None" && !address.includes(":") && !excluded.has(address)
      );
    for (const address of addresses) {
      for (const port of spec.ports ?? []) {
        const protocol = port.protocol ?? "TCP";
        if (protocol !== "TCP" && protocol !== "UDP") continue;
        ports.push({
          name: `${key}:${port.name ?? port.port}`,
          address,
          protocol,
          port: port.port,
          targets: targetsOf(byService.get(key) ?? [], port.name ?? "", protocol),
        });
      }
    }
  }
  return ports;
}
