/** What the policy role is told at its start. */
import type { TrustDomain } from "../../mesh/identity.ts";
import type { DefaultPolicy } from "../../mesh/names.ts";
import type { PortSet } from "../../mesh/ports.ts";
import type { Network } from "../wire/address.ts";

export interface PolicyConfig {
  readonly domain: TrustDomain;
  readonly clusterDomain: string;
  readonly clusterNetworks: readonly Network[];
  /** Where probes may come from without being authorized. */
  readonly probeNetworks: readonly Network[];
  readonly defaultPolicy: DefaultPolicy;
  readonly defaultOpaquePorts: PortSet;
  /** Whether clients may ask for retries and timeouts by l5d-* headers. */
  readonly allowsL5dRequestHeaders: boolean;
  /** EgressNetworks of this namespace speak for clients of namespaces without one. */
  readonly globalEgressNamespace: string;
}

/** Every address of both families. */
export const ALL_NETWORKS = ["0.0.0.0/0", "::/0"] as const;
/** How long a proxy waits for the first bytes before it takes a connection for opaque. */
export const DETECT_TIMEOUT_MS = 10_000;
