/**
 * The flags of linkerd2-proxy-init, with its names, short forms and defaults.
 *
 * Everything Linkerd's injector or an operator's own manifest may pass is understood; what chooses between iptables
 * binaries has no meaning here, since nf_tables is spoken to directly, and is accepted without effect.
 *
 * Why not an argument library: this runs once in every meshed pod, before anything else may start.
 */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface InitOptions {
  readonly incomingProxyPort: number;
  readonly outgoingProxyPort: number;
  /** 0 or less: no exemption by user. */
  readonly proxyUid: number;
  /** 0 or less: no exemption by group. */
  readonly proxyGid: number;
  /** Empty: every port is redirected. */
  readonly portsToRedirect: readonly PortRange[];
  readonly inboundPortsToIgnore: readonly PortRange[];
  readonly outboundPortsToIgnore: readonly PortRange[];
  readonly subnetsToIgnore: readonly string[];
  readonly isSimulated: boolean;
  /** Path of the network namespace to change; left out: the process's own. */
  readonly networkNamespace?: string;
  /** 0: the kernel's own value stays. */
  readonly closeWaitSeconds: number;
  readonly logFormat: "plain" | "json";
  readonly logLevel: string;
  readonly hasIPv6: boolean;
}

/** A command line that cannot be followed, in one sentence. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

type FlagKind = "text" | "switch";
const FLAGS: Readonly<Record<string, FlagKind>> = {
  "incoming-proxy-port": "text",
  "outgoing-proxy-port": "text",
  "proxy-uid": "text",
  "proxy-gid": "text",
  "ports-to-redirect": "text",
  "inbound-ports-to-ignore": "text",
  "outbound-ports-to-ignore": "text",
  "subnets-to-ignore": "text",
  "simulate": "switch",
  "netns": "text",
  "use-wait-flag": "switch",
  "timeout-close-wait-secs": "text",
  "log-format": "text",
  "log-level": "text",
  "iptables-mode": "text",
  "ipv6": "switch",
  "firewall-bin-path": "text",
  "firewall-save-bin-path": "text",
};
const SHORT: Readonly<Record<string, string>> = {
  p: "incoming-proxy-port",
  o: "outgoing-proxy-port",
  u: "proxy-uid",
  g: "proxy-gid",
  r: "ports-to-redirect",
  w: "use-wait-flag",
};

/** Flag → the values it was given, in order. @throws UsageError */
function splitArguments(args: readonly string[]): Map<string, string[]> {
  const values = new Map<string, string[]>();
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const long = /^--([^=]+)(?:=(.*))?$/s.exec(argument), short = /^-([a-zA-Z])=?(.+)?$/s.exec(argument);
    const name = long?.[1] ?? SHORT[short?.[1] ?? ""];
    const kind = name === undefined || !Object.hasOwn(FLAGS, name) ? undefined : FLAGS[name];
    if (name === undefined || kind === undefined) {
      throw new UsageError(
        argument.startsWith("-")
          ? `unknown flag: ${argument.split("=")[0]}`
          : `unexpected argument: ${argument}`,
      );
    }
    let value = long !== null ? long[2] : short?.[2];
    if (value === undefined) value = kind === "switch" ? "true" : rest.shift();
    if (value === undefined) throw new UsageError(`flag --${name} needs a value`);
    values.set(name, [...values.get(name) ?? [], value]);
  }
  return values;
}

/**
 * Parses `80`, `8000-9000`, and lists of them; empty parts are skipped.
 * @throws UsageError
 */
export function parsePorts(list: string, flag: string): PortRange[] {
  return list.split(",").map((part) => part.trim()).filter((part) => part !== "").map((part) => {
    const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(part);
    const first = Number(match?.[1]), last = Number(match?.[2] ?? match?.[1]);
    if (match === null || first < 1 || last > 65535 || first > last) {
      throw new UsageError(
        `--${flag}: ${JSON.stringify(part)} is neither a port (1-65535) nor a range (8000-9000)`,
      );
    }
    return { first, last };
  });
}

function parseSubnets(list: string): string[] {
  return list.split(",").map((part) => part.trim()).filter((part) => part !== "");
}

/** @throws UsageError naming the flag and what is wrong with its value */
export function parseOptions(args: readonly string[]): InitOptions {
  const values = splitArguments(args);
  const text = (name: string, otherwise: string) => values.get(name)?.at(-1) ?? otherwise;
  const list = (name: string) => (values.get(name) ?? []).join(",");
  const integer = (name: string, otherwise: number) => {
    const given = text(name, String(otherwise));
    if (!/^-?[0-9]{1,10}$/.test(given)) {
      throw new UsageError(`--${name}: ${JSON.stringify(given)} is not a number`);
    }
    return Number(given);
  };
  const port = (name: string) => {
    const number = integer(name, -1);
    if (number < 1 || number > 65535) throw new UsageError(`--${name} must be a valid TCP port number`);
    return number;
  };
  const flag = (name: string, otherwise: boolean) => {
    const given = text(name, String(otherwise));
    if (/^(1|t|true)$/i.test(given)) return true;
    if (/^(0|f|false)$/i.test(given)) return false;
    throw new UsageError(`--${name}: ${JSON.stringify(given)} is neither true nor false`);
  };
  const oneOf = <T extends string>(name: string, allowed: readonly T[], otherwise: T): T => {
    const given = text(name, otherwise);
    if (!allowed.includes(given as T)) throw new UsageError(`--${name} must be one of ${allowed.join(", ")}`);
    return given as T;
  };
  const networkNamespace = text("netns", "");
  flag("use-wait-flag", false);
  oneOf("iptables-mode", ["legacy", "nft", "plain"], "nft");
  return {
    incomingProxyPort: port("incoming-proxy-port"),
    outgoingProxyPort: port("outgoing-proxy-port"),
    proxyUid: integer("proxy-uid", -1),
    proxyGid: integer("proxy-gid", -1),
    portsToRedirect: parsePorts(list("ports-to-redirect"), "ports-to-redirect"),
    inboundPortsToIgnore: parsePorts(list("inbound-ports-to-ignore"), "inbound-ports-to-ignore"),
    outboundPortsToIgnore: parsePorts(list("outbound-ports-to-ignore"), "outbound-ports-to-ignore"),
    subnetsToIgnore: parseSubnets(list("subnets-to-ignore")),
    isSimulated: flag("simulate", false),
    ...(networkNamespace === "" ? {} : { networkNamespace }),
    closeWaitSeconds: integer("timeout-close-wait-secs", 0),
    logFormat: oneOf("log-format", ["plain", "json"], "plain"),
    logLevel: text("log-level", "info"),
    hasIPv6: flag("ipv6", true),
  };
}
