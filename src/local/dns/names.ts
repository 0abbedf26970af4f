/**
 * The cluster's names: what a query is answered, from Services and EndpointSlices alone.
 *
 * Source: the Kubernetes DNS-based service discovery specification 1.1.0.
 */
import type { EndpointSlice, Service } from "../../kube/kinds.ts";
import { slicesByService } from "../network/service_ports.ts";
import { type Answer, CODE, type DnsRecord, TYPE } from "./message.ts";

interface EndpointName {
  readonly ip: string;
  /** `hostname`, or the address with dashes. */
  readonly label: string;
}

interface ServiceNames {
  readonly isHeadless: boolean;
  readonly externalName: string | undefined;
  readonly addresses: readonly string[];
  readonly endpoints: readonly EndpointName[];
  /** `_name._protocol` → port number. */
  readonly ports: ReadonlyMap<string, number>;
}

const NO_SUCH_NAME: Answer = { code: CODE.noSuchName, answers: [] };
const NO_DATA: Answer = { code: CODE.ok, answers: [] };

/** An immutable picture of all names; made anew when something changes. */
export class Names {
  /** `service.namespace` → what is known of it. */
  readonly #services = new Map<string, ServiceNames>();
  readonly #namespaces = new Set<string>();
  /** Address → its name, for reverse look-ups. */
  readonly #reverse = new Map<string, string>();

  constructor(
    services: Iterable<Service>,
    slices: Iterable<EndpointSlice>,
    readonly domain = "cluster.local",
  ) {
    const byService = slicesByService(slices);
    for (const service of services) {
      const { name = "", namespace = "" } = service.metadata ?? {};
      const known = describe(service, byService.get(`${namespace}/${name}`) ?? []);
      this.#services.set(`${name}.${namespace}`, known);
      this.#namespaces.add(namespace);
      const full = `${name}.${namespace}.svc.${domain}`;
      for (const address of known.addresses) if (!known.isHeadless) this.#reverse.set(address, full);
      for (const { ip, label } of known.isHeadless ? known.endpoints : []) {
        this.#reverse.set(ip, `${label}.${full}`);
      }
    }
  }

  /** Answers a question. Names outside the cluster do not exist: the laptop cluster leads nowhere else. */
  answer(asked: string, type: number): Answer {
    const name = asked.toLowerCase();
    const reverse = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name);
    if (reverse !== null) {
      const pointer = this.#reverse.get(reverse.slice(1).reverse().join("."));
      return pointer === undefined ? NO_SUCH_NAME : only(type, [{ data: { type: "PTR", name: pointer } }]);
    }
    if (name === this.domain) return NO_DATA;
    if (!name.endsWith(`.${this.domain}`)) return NO_SUCH_NAME;
    const labels = name.slice(0, -this.domain.length - 1).split(".");
    const kind = labels.pop();
    if (kind === "svc") return this.#service(labels, type);
    if (kind === "pod") return this.#pod(labels, type);
    return NO_SUCH_NAME;
  }

  /** `10-42-0-5.namespace.pod`: the address itself, for whoever knows it already. */
  #pod(labels: string[], type: number): Answer {
    const namespace = labels.pop();
    if (namespace === undefined) return NO_DATA;
    if (!this.#namespaces.has(namespace)) return NO_SUCH_NAME;
    if (labels.length === 0) return NO_DATA;
    const ip = /^\d+-\d+-\d+-\d+$/.test(labels[0] ?? "") ? labels[0]!.replaceAll("-", ".") : undefined;
    return ip === undefined || labels.length > 1
      ? NO_SUCH_NAME
      : only(type, [{ data: { type: "A", address: ip } }]);
  }

  #service(labels: string[], type: number): Answer {
    const namespace = labels.pop();
    if (namespace === undefined) return NO_DATA;
    const serviceName = labels.pop();
    if (serviceName === undefined) return this.#namespaces.has(namespace) ? NO_DATA : NO_SUCH_NAME;
    const service = this.#services.get(`${serviceName}.${namespace}`);
    if (service === undefined) return NO_SUCH_NAME;
    const full = `${serviceName}.${namespace}.svc.${this.domain}`;
    if (service.externalName !== undefined) {
      const alias: DnsRecord = { data: { type: "CNAME", name: service.externalName } };
      if (labels.length > 0) return NO_SUCH_NAME;
      const there = service.externalName === full ? NO_DATA : this.answer(service.externalName, type);
      const answers = there.answers.map((record) => ({ owner: service.externalName!, ...record }));
      return { code: CODE.ok, answers: [alias, ...answers] };
    }
    if (labels.length === 0) {
      const found = only(type, addresses(service.addresses));
      return type === TYPE.SRV ? this.#ports(service, full, [...service.ports.values()]) : found;
    }
    const [first, second] = labels;
    if (labels.length === 2 && first?.startsWith("_") && second?.startsWith("_")) {
      const port = service.ports.get(`${first}.${second}`);
      if (port === undefined) return NO_SUCH_NAME;
      return type === TYPE.SRV || type === TYPE.ANY ? this.#ports(service, full, [port]) : NO_DATA;
    }
    const endpoints = labels.length === 1 ? service.endpoints.filter(({ label }) => label === first) : [];
    return endpoints.length === 0 ? NO_SUCH_NAME : only(type, addresses(endpoints.map(({ ip }) => ip)));
  }

  #ports(service: ServiceNames, full: string, ports: readonly number[]): Answer {
    const targets = service.isHeadless
      ? service.endpoints.map(({ ip, label }) => ({ target: `${label}.${full}`, ip }))
      : service.addresses.map((ip) => ({ target: full, ip }));
    return {
      code: CODE.ok,
      answers: targets.flatMap(({ target }) =>
        ports.map((port) => ({ data: { type: "SRV" as const, port, target } }))
      ),
      additional: targets.map(({ target, ip }) => ({
        owner: target,
        data: { type: "A" as const, address: ip },
      })),
    };
  }
}

function addresses(ips: readonly string[]): DnsRecord[] {
  return ips.map((address) => ({ data: { type: "A", address } }));
}

/** The records if their type was asked for; that the name exists, otherwise. */
function only(type: number, records: readonly DnsRecord[]): Answer {
  return {
    code: CODE.ok,
    answers: records.filter(({ data }) => TYPE[data.type] === type || type === TYPE.ANY),
  };
}

function describe({ spec }: Service, slices: readonly EndpointSlice[]): ServiceNames {
  const isHeadless = spec?.clusterIP === "None";
  const endpoints = new Map<string, EndpointName>();
  const ports = new Map<string, number>();
  for (const slice of slices) {
    if (slice.addressType !== "IPv4") continue;
    // Kubernetes' own slice of a Service without pods has null here.
    for (const { addresses, conditions, hostname } of slice.endpoints ?? []) {
      const ip = addresses[0];
      if (ip === undefined || !(conditions?.ready ?? true)) continue;
      endpoints.set(ip, { ip, label: hostname ?? ip.replaceAll(".", "-") });
    }
    for (const { name, protocol = "TCP", port } of slice.ports ?? []) {
      if (isHeadless && name && port !== undefined) ports.set(`_${name}._${protocol.toLowerCase()}`, port);
    }
  }
  for (const { name, protocol = "TCP", port } of spec?.ports ?? []) {
    const key = `_${name}._${protocol.toLowerCase()}`;
    if (name && !(isHeadless && ports.has(key))) ports.set(key, port);
  }
  const clusterIPs = (spec?.clusterIPs ?? [spec?.clusterIP ?? ""])
    .filter((ip) => ip !== "" && ip !== "None" && !ip.includes(":"));
  const hosts = [...endpoints.values()];
  return {
    isHeadless,
    externalName: spec?.type === "ExternalName" ? spec.externalName?.replace(/\.$/, "") : undefined,
    addresses: isHeadless ? hosts.map(({ ip }) => ip) : clusterIPs,
    endpoints: hosts,
    ports,
  };
}
