/** The flags of `linkerd install-cni` (cli.md §2.7), and the values that they set. */
import type { ValueFlag } from "./flags.ts";

export const CNI_FLAGS: readonly ValueFlag[] = [
  { flag: "-v, --linkerd-version <version>", path: "linkerdVersion", text: "tag of the image" },
  { flag: "--proxy-uid <uid>", path: "proxyUID", text: "user the proxies run as" },
  { flag: "--proxy-gid <gid>", path: "proxyGID", text: "group the proxies run as" },
  { flag: "--inbound-port <port>", path: "inboundProxyPort", text: "the proxies' port for what comes in" },
  { flag: "--outbound-port <port>", path: "outboundProxyPort", text: "the proxies' port for what goes out" },
  { flag: "--control-port <port>", path: "proxyControlPort", text: "the proxies' control port" },
  { flag: "--admin-port <port>", path: "proxyAdminPort", text: "the proxies' port for metrics and health" },
  {
    flag: "--skip-inbound-ports <ports>",
    path: "ignoreInboundPorts",
    text: "ports and ranges not redirected inbound",
  },
  {
    flag: "--skip-outbound-ports <ports>",
    path: "ignoreOutboundPorts",
    text: "ports and ranges not redirected outbound",
  },
  {
    flag: "--redirect-ports <ports>",
    path: "portsToRedirect",
    text: "only these inbound ports; all by default",
  },
  { flag: "--cni-image <image>", path: "image.name", text: "image of the plugin" },
  { flag: "--cni-image-version <version>", path: "image.version", text: "tag of the plugin's image" },
  { flag: "--cni-log-level <level>", path: "logLevel", text: "log level of the plugin" },
  {
    flag: "--dest-cni-net-dir <directory>",
    path: "destCNINetDir",
    text: "where a node keeps its network configurations",
  },
  {
    flag: "--dest-cni-bin-dir <directory>",
    path: "destCNIBinDir",
    text: "where a node keeps its CNI plugins",
  },
  {
    flag: "--priority-class-name <name>",
    path: "priorityClassName",
    text: "priority class of the plugin's pods",
  },
  {
    flag: "--use-wait-flag",
    path: "useWaitFlag",
    value: "true",
    text: "accepted for compatibility: there is no iptables to wait for",
  },
];
