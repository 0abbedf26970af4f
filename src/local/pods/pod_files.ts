/** Files a pod finds in /etc: who it is, and where names are resolved. Source: kubelet's dns and hosts-file code. */
import type { Pod } from "../../kube/kinds.ts";

export interface DnsSettings {
  /** Address of the cluster's DNS server. */
  readonly server: string;
  /** cluster.local */
  readonly domain: string;
}

/** The host name a pod has: its own or the one it asks for, without what does not fit. */
export function hostnameOf(pod: Pod): string {
  return (pod.spec?.hostname ?? pod.metadata?.name ?? "pod").slice(0, 63).replace(/[-.]+$/, "");
}

/** resolv.conf; undefined where the pod keeps the machine's own. */
export function resolverFile(pod: Pod, { server, domain }: DnsSettings): string | undefined {
  const { dnsPolicy = "ClusterFirst", dnsConfig, hostNetwork = false } = pod.spec ?? {};
  const isCluster = dnsPolicy === "ClusterFirstWithHostNet" || dnsPolicy === "ClusterFirst" && !hostNetwork;
  if (!isCluster && dnsPolicy !== "None") return undefined;
  const namespace = pod.metadata?.namespace ?? "default";
  const nameservers = [...isCluster ? [server] : [], ...dnsConfig?.nameservers ?? []];
  const searches = [
    ...isCluster ? [`${namespace}.svc.${domain}`, `svc.${domain}`, domain] : [],
    ...dnsConfig?.searches ?? [],
  ];
  const options = new Map(isCluster ? [["ndots", "5"]] : []);
  for (const { name, value } of dnsConfig?.options ?? []) {
    if (name !== undefined) options.set(name, value ?? "");
  }
  const optionTexts = [...options].map(([name, value]) => value === "" ? name : `${name}:${value}`);
  return [
    ...new Set(nameservers).values().map((each) => `nameserver ${each}`),
    ...(searches.length > 0 ? [`search ${[...new Set(searches)].join(" ")}`] : []),
    ...(optionTexts.length > 0 ? [`options ${optionTexts.join(" ")}`] : []),
  ].join("\n") + "\n";
}

/** The hosts file. */
export function hostsFile(pod: Pod, address: string, { domain }: DnsSettings): string {
  const { subdomain, hostAliases = [] } = pod.spec ?? {};
  const hostname = hostnameOf(pod), namespace = pod.metadata?.namespace ?? "default";
  const names = subdomain ? `${hostname}.${subdomain}.${namespace}.svc.${domain}\t${hostname}` : hostname;
  return [
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    `${address}\t${names}`,
    ...hostAliases.map(({ ip, hostnames }) => `${ip}\t${(hostnames ?? []).join("\t")}`),
  ].join("\n") + "\n";
}
