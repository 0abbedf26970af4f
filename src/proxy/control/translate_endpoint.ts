/** Endpoints from their wire form. Source: protocol-api.md §7. */
import type { TlsIdentity, WeightedAddr } from "../../../proto/gen/destination.ts";
import type { EndpointInfo } from "./plane.ts";
import { socketAddressOf } from "./translate_net.ts";

/** A domain name and a port, with room. */
const MAX_AUTHORITY_BYTES = 512;

function identityOf(tls: TlsIdentity | undefined): EndpointInfo["identity"] {
  const strategy = tls?.strategy, serverName = tls?.serverName?.name;
  if (strategy?.$case === "dnsLikeIdentity") {
    return { name: strategy.value.name, serverName: serverName || strategy.value.name };
  }
  // A URI cannot be a server name: without one it is of no use.
  if (strategy?.$case === "uriLikeIdentity" && serverName) return { name: strategy.value.uri, serverName };
  return undefined;
}

/** Undefined when it carries no address, or an authority that no host has. */
export function endpointOf(
  addr: WeightedAddr,
  sharedLabels: Readonly<Record<string, string>> = {},
): EndpointInfo | undefined {
  const address = socketAddressOf(addr.addr);
  if (address === undefined) return undefined;
  const authority = addr.authorityOverride?.authorityOverride ?? "";
  if (authority.length > MAX_AUTHORITY_BYTES) return undefined;
  const port = addr.protocolHint?.opaqueTransport?.inboundPort ?? 0;
  return {
    address,
    weight: addr.weight,
    identity: identityOf(addr.tlsIdentity),
    hint: addr.protocolHint?.protocol?.$case ?? "none",
    transportPort: port > 0 && port < 65535 ? port : undefined,
    authorityOverride: authority || undefined,
    labels: { ...sharedLabels, ...addr.metricLabels },
  };
}
