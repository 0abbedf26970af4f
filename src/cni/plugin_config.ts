/**
 * What the container runtime hands the plugin: a network configuration on standard input, the rest in the environment.
 * Source: CNI specification 1.1.0; the keys below `linkerd` are those of Linkerd's plugin (config.md §8).
 */

export interface LinkerdOptions {
  readonly "incoming-proxy-port": number;
  readonly "outgoing-proxy-port": number;
  readonly "proxy-uid": number;
  readonly "proxy-gid"?: number;
  readonly "control-port"?: number;
  readonly "admin-port"?: number;
  readonly "ports-to-redirect"?: readonly (number | string)[];
  readonly "inbound-ports-to-ignore"?: readonly (number | string)[];
  readonly "outbound-ports-to-ignore"?: readonly (number | string)[];
  readonly "subnets-to-ignore"?: readonly string[];
  readonly simulate?: boolean;
  /** Accepted without effect: there is no iptables to choose or to wait for. */
  readonly "use-wait-flag"?: boolean;
  readonly "iptables-mode"?: string;
  readonly ipv6?: boolean;
}

export interface PluginConfig {
  readonly cniVersion: string;
  readonly name: string;
  readonly type: string;
  readonly log_level?: string;
  readonly linkerd: LinkerdOptions;
  readonly kubernetes: {
    readonly kubeconfig: string;
    /** Their pods are passed without asking the API server: no pod of theirs is meshed, and the cluster stands on them. */
    readonly exclude_namespaces?: readonly string[];
  };
  readonly prevResult?: Readonly<Record<string, unknown>>;
}

export type PluginCommand = "ADD" | "CHECK" | "DEL" | "GC" | "STATUS" | "VERSION";

export const SUPPORTED_VERSIONS = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;

/** Error codes of the specification that occur here. */
export const CODE = { environment: 4, config: 7, tryAgain: 11, failed: 100 } as const;

/** A failure as the runtime is told of it. */
export class PluginError extends Error {
  override readonly name = "PluginError";
  constructor(readonly code: number, message: string, readonly details = "") {
    super(message);
  }
}

/** @throws PluginError naming what is wrong */
export function parseConfig(text: string): PluginConfig {
  let config: Partial<PluginConfig>;
  try {
    config = JSON.parse(text) as Partial<PluginConfig>;
  } catch (error) {
    throw new PluginError(CODE.config, `the network configuration is not JSON: ${(error as Error).message}`);
  }
  const missing = [
    ["cniVersion", config.cniVersion],
    ["name", config.name],
    ["linkerd", config.linkerd],
    ["kubernetes.kubeconfig", config.kubernetes?.kubeconfig],
  ].find(([, value]) => value === undefined || value === "");
  if (missing !== undefined) {
    throw new PluginError(CODE.config, `the network configuration lacks ${missing[0]}`);
  }
  return config as PluginConfig;
}

/** `K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-1`. */
export function parseArguments(text: string): Map<string, string> {
  const pairs = text.split(";").map((part) => /^([^=]+)=(.*)$/.exec(part)).filter((match) => match !== null);
  return new Map(pairs.map(([, key, value]) => [key!, value!]));
}
