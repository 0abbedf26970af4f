/** Services and what belongs to them in a table. */
import type { Endpoints, EndpointSlice, Service } from "../../../kube/kinds.ts";
import type { LabelSelector } from "../../../kube/resource.ts";
import { formatLabelSelector } from "../../../kube/selector.ts";
import { since } from "./duration.ts";
import { columns, type Printer } from "./printer.ts";

export const servicePrinter: Printer = {
  columns: columns("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector+"),
  cells(object, now) {
    const { spec, status } = object as unknown as Service;
    const ports = (spec?.ports ?? []).map(({ port, nodePort, protocol }) =>
      nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`
    );
    const selector = Object.entries(spec?.selector ?? {}).map(([key, value]) => `${key}=${value}`);
    const ingress = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? "");
    const external = spec?.type === "ExternalName"
      ? spec.externalName ?? ""
      : [...ingress, ...(spec?.externalIPs ?? [])].join(",") ||
        (spec?.type === "LoadBalancer" ? "<pending>" : "<none>");
    return [
      object.metadata.name,
      spec?.type ?? "",
      spec?.type === "ExternalName" ? "<none>" : spec?.clusterIP ?? "<none>",
      external,
      ports.join(",") || "<none>",
      since(object.metadata.creationTimestamp, now),
      selector.join(",") || "<none>",
    ];
  },
};

/** The first few, and how many more there are. */
function some(values: string[], max: number): string {
  if (values.length === 0) return "<none>";
  const rest = values.length - max;
  return values.slice(0, max).join(",") + (rest > 0 ? ` + ${rest} more...` : "");
}

export const endpointsPrinter: Printer = {
  columns: columns("Name", "Endpoints", "Age"),
  cells(object, now) {
    const { subsets = [] } = object as unknown as Endpoints;
    const addresses = subsets.flatMap(({ addresses = [], ports = [] }) =>
      ports.length === 0
        ? addresses.map(({ ip }) => ip)
        : ports.flatMap(({ port }) => addresses.map(({ ip }) => `${ip}:${port}`))
    );
    return [object.metadata.name, some(addresses, 3), since(object.metadata.creationTimestamp, now)];
  },
};

export const endpointSlicePrinter: Printer = {
  columns: columns("Name", "AddressType", "Ports", "Endpoints", "Age"),
  cells(object, now) {
    const slice = object as unknown as EndpointSlice;
    const ports = (slice.ports ?? []).map(({ port }) => port === undefined ? "*" : String(port));
    const addresses = slice.endpoints.flatMap(({ addresses }) => addresses);
    return [
      object.metadata.name,
      slice.addressType,
      ports.length === 0 ? "<unset>" : some(ports, 3),
      addresses.length === 0 ? "<unset>" : some(addresses, 3),
      since(object.metadata.creationTimestamp, now),
    ];
  },
};

export const ingressPrinter: Printer = {
  columns: columns("Name", "Class", "Hosts", "Address", "Ports", "Age"),
  cells(object, now) {
    const spec = object["spec"] as
      | { ingressClassName?: string; rules?: { host?: string }[]; tls?: unknown[] }
      | undefined;
    const hosts = (spec?.rules ?? []).map(({ host }) => host ?? "").filter((host) => host !== "");
    return [
      object.metadata.name,
      spec?.ingressClassName ?? "<none>",
      hosts.length === 0 ? "*" : some(hosts, 3),
      "",
      (spec?.tls ?? []).length > 0 ? "80, 443" : "80",
      since(object.metadata.creationTimestamp, now),
    ];
  },
};

export const networkPolicyPrinter: Printer = {
  columns: columns("Name", "Pod-Selector", "Age"),
  cells(object, now) {
    const { podSelector } = (object["spec"] ?? {}) as { podSelector?: LabelSelector };
    return [
      object.metadata.name,
      formatLabelSelector(podSelector ?? {}) || "<none>",
      since(object.metadata.creationTimestamp, now),
    ];
  },
};
