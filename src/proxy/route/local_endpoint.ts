/**
 * Endpoints that are this workload itself: its own proxy would be met by a loop or not at all, so it is asked directly.
 * Source: proxy.md §5 ("local": no TLS, no upgrade, no transport header).
 */
import type { ProxyConfig } from "../config/environment.ts";
import type { EndpointInfo } from "../control/plane.ts";

export function isLocal({ address }: EndpointInfo, { inboundIps }: Pick<ProxyConfig, "inboundIps">): boolean {
  return inboundIps.has(address.ip);
}

/** How to talk to an endpoint: as discovery says, or plainly where it is this workload itself. */
export function asSeenFromHere(
  info: EndpointInfo,
  config: Pick<ProxyConfig, "inboundIps">,
): EndpointInfo {
  if (!isLocal(info, config)) return info;
  return {
    ...info,
    identity: undefined,
    hint: "none",
    transportPort: undefined,
    authorityOverride: undefined,
  };
}
