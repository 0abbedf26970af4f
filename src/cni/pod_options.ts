/** Which redirection a pod gets from the plugin: a pure function of the plugin's configuration and the pod. */
import { type InitOptions, parsePorts, type PortRange } from "../init/options.ts";
import type { Pod } from "../kube/kinds.ts";
import { INIT_CONTAINER, PROXY_CONTAINER, PROXY_PORTS } from "../mesh/names.ts";
import type { LinkerdOptions } from "./plugin_config.ts";

const ANNOTATION = "config.linkerd.io/";

/** Why a pod is left as it is; undefined for one that is not. */
export function reasonToSkip({ spec }: Pod): string | undefined {
  const all = [...spec?.initContainers ?? [], ...spec?.containers ?? []];
  if (!all.some(({ name }) => name === PROXY_CONTAINER)) return "it has no proxy";
  if (all.some(({ name }) => name === INIT_CONTAINER)) return "its init container does the same";
  return undefined;
}

function list(ports: readonly (number | string)[] | undefined, name: string): PortRange[] {
  return parsePorts((ports ?? []).join(","), name);
}

/** Annotations of the pod come first, since the injector has copied its namespace's to it. @throws UsageError */
export function optionsFor(config: LinkerdOptions, { metadata }: Pod): InitOptions {
  const annotation = (name: string) => metadata?.annotations?.[ANNOTATION + name];
  const number = (name: string, otherwise: number) => {
    const given = annotation(name);
    return given !== undefined && /^\d+$/.test(given) ? Number(given) : otherwise;
  };
  const ports = (name: string, otherwise: readonly (number | string)[] | undefined) => {
    const given = annotation(name);
    return given === undefined ? list(otherwise, name) : parsePorts(given, `${ANNOTATION}${name}`);
  };
  // The proxy's own ports are never redirected, whatever else is.
  const own = list([
    number("control-port", config["control-port"] ?? PROXY_PORTS.control),
    number("admin-port", config["admin-port"] ?? PROXY_PORTS.admin),
  ], "own ports");
  const subnets = annotation("skip-subnets")?.split(",").map((part) => part.trim()).filter((part) =>
    part !== ""
  );
  return {
    incomingProxyPort: number("inbound-port", config["incoming-proxy-port"]),
    outgoingProxyPort: number("outbound-port", config["outgoing-proxy-port"]),
    proxyUid: number("proxy-uid", config["proxy-uid"]),
    proxyGid: number("proxy-gid", config["proxy-gid"] ?? -1),
    portsToRedirect: list(config["ports-to-redirect"], "ports-to-redirect"),
    inboundPortsToIgnore: [...own, ...ports("skip-inbound-ports", config["inbound-ports-to-ignore"])],
    outboundPortsToIgnore: ports("skip-outbound-ports", config["outbound-ports-to-ignore"]),
    subnetsToIgnore: subnets ?? config["subnets-to-ignore"] ?? [],
    isSimulated: config.simulate ?? false,
    closeWaitSeconds: 0,
    logFormat: "plain",
    logLevel: "info",
    hasIPv6: config.ipv6 ?? false,
  };
}
