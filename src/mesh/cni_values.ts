/** What the CNI plugin can be told, by the names and defaults of Linkerd's chart linkerd2-cni. */
import type { ImageValues } from "./values.ts";
import { PROXY_PORTS, PROXY_UID } from "./names.ts";
import { VERSION } from "./version.ts";

export interface CniValues {
  linkerdVersion: string;
  namespace: string;
  inboundProxyPort: number;
  outboundProxyPort: number;
  /** Ports and ranges; the proxy's own are always among them. */
  ignoreInboundPorts: string;
  ignoreOutboundPorts: string;
  /** Empty: all. */
  portsToRedirect: string;
  proxyUID: number;
  /** Negative: none. */
  proxyGID: number;
  proxyControlPort: number;
  proxyAdminPort: number;
  destCNINetDir: string;
  destCNIBinDir: string;
  logLevel: string;
  disableIPv6: boolean;
  /** Accepted without effect: there is no iptables to wait for. */
  useWaitFlag: boolean;
  priorityClassName: string;
  imagePullPolicy: string;
  image: ImageValues;
  /** Namespaces whose pods the plugin passes without asking the API server: what the cluster itself stands on. */
  excludeNamespaces: string[];
  repairController: { enabled: boolean };
}

export const CNI_NAMESPACE = "linkerd-cni";
export const CNI_NAME = "linkerd-cni";
export const CNI_CONFIG_MAP = "linkerd-cni-config";
/** Of the installer's server on each node: /ready, /status, /metrics. */
export const CNI_PORT = 9996;

/** A fresh copy each time: callers change it. */
export function defaultCniValues(): CniValues {
  return {
    linkerdVersion: VERSION,
    namespace: CNI_NAMESPACE,
    inboundProxyPort: PROXY_PORTS.inbound,
    outboundProxyPort: PROXY_PORTS.outbound,
    ignoreInboundPorts: "4567,4568",
    ignoreOutboundPorts: "4567,4568",
    portsToRedirect: "",
    proxyUID: PROXY_UID,
    proxyGID: -1,
    proxyControlPort: PROXY_PORTS.control,
    proxyAdminPort: PROXY_PORTS.admin,
    destCNINetDir: "/etc/cni/net.d",
    destCNIBinDir: "/opt/cni/bin",
    logLevel: "info",
    disableIPv6: true,
    useWaitFlag: false,
    priorityClassName: "",
    imagePullPolicy: "IfNotPresent",
    image: { name: "linkerd-deno/cni-plugin", version: "", pullPolicy: "" },
    excludeNamespaces: ["kube-system"],
    repairController: { enabled: true },
  };
}
