/**
 * The proxy's configuration: Linkerd's LINKERD2_PROXY_* environment and nothing else. Every value is checked at the
 * start; all that is wrong is reported at once, and the process exits 64 (config.md §9, proxy.md §1).
 */
import { parseAddress, type SocketAddress } from "../../linux/address.ts";
import { coresOf } from "./cores.ts";
import { parseDuration, PortSet } from "./duration.ts";
import { NameSuffixes } from "./name_suffixes.ts";
import { type Network, parseNetworks } from "./network.ts";

/** A control-plane service: `host:port`, and the identity its server must prove (absent for loopback). */
export interface ControlAddress {
  readonly host: string;
  readonly port: number;
  readonly identity: string | undefined;
}

export interface StreamLimits {
  /** Milliseconds; undefined is unlimited. */
  readonly initialTimeoutMs: number | undefined;
  readonly idleTimeoutMs: number | undefined;
  readonly lifetimeMs: number | undefined;
}

export interface TcpOptions {
  readonly keepAliveMs: number | undefined;
  readonly userTimeoutMs: number | undefined;
}

export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
  readonly jitter: number;
}

/** What both directions have. */
export interface DirectionConfig {
  readonly accept: TcpOptions;
  readonly connect: TcpOptions;
  readonly detectTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly backoff: Backoff;
  readonly maxIdlePerEndpoint: number;
  readonly poolIdleTimeoutMs: number;
  readonly discoveryIdleMs: number;
  readonly failfastMs: number;
  readonly queueCapacity: number;
  readonly maxInFlight: number;
  readonly backlog: number;
}

export const DEFAULT_POLICIES = [
  "all-unauthenticated",
  "all-authenticated",
  "cluster-unauthenticated",
  "cluster-authenticated",
  "deny",
  "audit",
] as const;
export type DefaultPolicy = typeof DEFAULT_POLICIES[number];

export interface ProxyConfig {
  readonly outboundListen: readonly SocketAddress[];
  readonly inboundListen: SocketAddress;
  readonly adminListen: SocketAddress;
  /** Where the tap server listens. */
  readonly controlListen: SocketAddress;
  /** The only identity that may tap; undefined: there is no tap server. */
  readonly tapName: string | undefined;
  readonly outbound: DirectionConfig;
  readonly inbound: DirectionConfig;
  readonly inboundIps: ReadonlySet<string>;
  readonly inboundPorts: PortSet;
  readonly inboundOpaquePorts: PortSet;
  /** Names that peers may reach through this proxy; none unless it is a gateway. */
  readonly gatewaySuffixes: NameSuffixes;
  readonly defaultPolicy: DefaultPolicy;
  readonly clusterNetworks: readonly Network[];
  /** Names that profiles are asked for. */
  readonly profileSuffixes: NameSuffixes;
  readonly profileNetworks: readonly Network[];
  /** Beside an ingress controller: requests say whom they are for. */
  readonly isIngress: boolean;
  readonly isInformationalHeadersDisabled: boolean;
  /** Requests and TLS connections are counted by the host that they are for. */
  readonly isHostnameLabelled: boolean;
  readonly identity: {
    readonly localName: string;
    readonly directory: string;
    readonly trustAnchors: string;
    readonly tokenFile: string;
    readonly service: ControlAddress;
    readonly minRefreshMs: number;
    readonly maxRefreshMs: number;
  };
  readonly destination: { readonly service: ControlAddress; readonly context: string };
  readonly policy: { readonly service: ControlAddress; readonly workload: string };
  readonly controlStream: StreamLimits;
  readonly logFilter: string;
  readonly logFormat: "plain" | "json";
  readonly accessLog: "apache" | "json" | undefined;
  readonly isShutdownEndpointEnabled: boolean;
  readonly shutdownGraceMs: number;
  readonly metricsRetainIdleMs: number;
  /** A loop that does not turn for so long ends the process; 0: never. A variable of our own, WATCHDOG_TIMEOUT. */
  readonly watchdogMs: number;
  /** Loops to run, one a core. */
  readonly cores: number;
  /** Undefined: no traces are told of. */
  readonly tracing: TracingConfig | undefined;
}

/** Where spans go, and who is said to tell of them. */
export interface TracingConfig {
  /** Without an identity it is spoken to in plain text. */
  readonly collector: ControlAddress;
  readonly hostName: string | undefined;
  readonly serviceName: string | undefined;
  /** A file of `key="value"` lines: the pod's labels. */
  readonly attributesPath: string | undefined;
  /** `key=value` lines. */
  readonly extraAttributes: string | undefined;
  /** OpenTelemetry's own: `key=value` with commas between. */
  readonly resourceAttributes: string | undefined;
}

const PREFIX = "LINKERD2_PROXY_";

/** Reads variables, gathers what is wrong with them. */
class Reader {
  readonly problems: string[] = [];
  constructor(private readonly environment: Readonly<Record<string, string>>) {}

  text(name: string): string | undefined {
    const value = this.environment[PREFIX + name];
    return value === undefined || value.trim() === "" ? undefined : value;
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) this.problems.push(`${PREFIX}${name} is not set`);
    return value ?? "";
  }

  #parsed<T>(name: string, parse: (text: string) => T | undefined, what: string): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value === undefined) this.problems.push(`${PREFIX}${name}: "${text}" is not ${what}`);
    return value;
  }

  duration(name: string): number | undefined {
    return this.#parsed(name, parseDuration, "a duration such as 10s, 100ms or 1h");
  }

  integer(name: string, fallback: number): number {
    return this.#parsed(name, (text) => /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined, "a number") ??
      fallback;
  }

  /** @returns the choice, undefined when unset */
  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    return this.#parsed(
      name,
      (text) => choices.find((choice) => choice === text),
      `one of ${choices.join(", ")}`,
    );
  }

  flag(name: string): boolean {
    return this.choice(name, ["true", "false"]) === "true";
  }

  addresses(name: string, fallback: string): readonly SocketAddress[] {
    const parse = (text: string) => {
      const parsed = text.split(",").map((part) => parseAddress(part.trim()));
      return parsed.includes(undefined) ? undefined : parsed as SocketAddress[];
    };
    return this.#parsed(name, parse, "an address such as 127.0.0.1:4140") ?? parse(fallback)!;
  }

  ports(name: string): PortSet {
    return this.#parsed(name, PortSet.parse, "a list of ports") ?? new PortSet([]);
  }

  networks(name: string): readonly Network[] {
    return this.#parsed(name, parseNetworks, "a list of networks such as 10.0.0.0/8") ?? [];
  }

  suffixes(name: string, fallback = ""): NameSuffixes {
    return this.#parsed(name, NameSuffixes.parse, "a list of names such as svc.cluster.local.") ??
      NameSuffixes.parse(fallback)!;
  }

  /** A variable that is not the proxy's own. */
  foreign(name: string): string | undefined {
    const value = this.environment[name];
    return value === undefined || value.trim() === "" ? undefined : value;
  }

  tracing(): TracingConfig | undefined {
    if (this.text("TRACE_COLLECTOR_SVC_ADDR") === undefined) return undefined;
    return {
      collector: this.control("TRACE_COLLECTOR_SVC", (name) => this.text(name)),
      hostName: this.foreign("HOSTNAME"),
      serviceName: this.text("TRACE_SERVICE_NAME"),
      attributesPath: this.text("TRACE_ATTRIBUTES_PATH"),
      extraAttributes: this.text("TRACE_EXTRA_ATTRIBUTES"),
      resourceAttributes: this.foreign("OTEL_RESOURCE_ATTRIBUTES"),
    };
  }

  /** @param nameOf reads the identity that the server must prove, which only a loopback address may lack as a rule */
  control(
    base: string,
    nameOf: (name: string) => string | undefined = (name) => this.required(name),
  ): ControlAddress {
    const text = this.required(`${base}_ADDR`), match = /^(.+):([0-9]{1,5})$/.exec(text);
    if (match === null) {
      if (text !== "") this.problems.push(`${PREFIX}${base}_ADDR: "${text}" is not host:port`);
      return { host: "", port: 0, identity: undefined };
    }
    const host = match[1]!, isLoopback = /^(localhost\.?|127\..*|\[?::1\]?)$/.test(host);
    return {
      host: host.replace(/^\[|\]$/g, ""),
      port: Number(match[2]),
      identity: isLoopback ? undefined : nameOf(`${base}_NAME`),
    };
  }

  cores(available: number): number {
    const ratio = (text: string) => Number(text) > 0 && Number(text) <= 1 ? Number(text) : undefined;
    const count = (name: string) => this.integer(name, 0) || undefined;
    return coresOf({
      minimum: count("CORES_MIN") ?? count("CORES") ?? 1,
      maximum: count("CORES_MAX"),
      maximumRatio: this.#parsed("CORES_MAX_RATIO", ratio, "a ratio above 0 and at most 1"),
    }, available);
  }

  backoff(side: string, maxMs: number): Backoff {
    const name = `${side}_CONNECT_EXP_BACKOFF`;
    const min = this.duration(`${name}_MIN`), max = this.duration(`${name}_MAX`);
    if ((min === undefined) !== (max === undefined)) {
      this.problems.push(`${PREFIX}${name}_MIN and _MAX must be set together`);
    }
    const jitter = Number(this.text(`${name}_JITTER`) ?? "0.1");
    if (!(jitter >= 0)) this.problems.push(`${PREFIX}${name}_JITTER is not a ratio`);
    return { minMs: min ?? 100, maxMs: max ?? maxMs, jitter };
  }

  direction(side: "INBOUND" | "OUTBOUND"): DirectionConfig {
    const isInbound = side === "INBOUND";
    return {
      accept: {
        keepAliveMs: this.duration(`${side}_ACCEPT_KEEPALIVE`),
        userTimeoutMs: this.duration(`${side}_ACCEPT_USER_TIMEOUT`),
      },
      connect: {
        keepAliveMs: this.duration(`${side}_CONNECT_KEEPALIVE`),
        userTimeoutMs: this.duration(`${side}_CONNECT_USER_TIMEOUT`),
      },
      detectTimeoutMs: this.duration(`${side}_DETECT_TIMEOUT`) ?? 10_000,
      connectTimeoutMs: this.duration(`${side}_CONNECT_TIMEOUT`) ?? (isInbound ? 300 : 1000),
      backoff: this.backoff(side, isInbound ? 10_000 : 60_000),
      maxIdlePerEndpoint: this.integer(
        isInbound ? "MAX_IDLE_CONNS_PER_ENDPOINT" : "OUTBOUND_MAX_IDLE_CONNS_PER_ENDPOINT",
        10_000,
      ),
      poolIdleTimeoutMs: this.duration(`${side}_HTTP1_CONNECTION_POOL_IDLE_TIMEOUT`) ?? 3000,
      discoveryIdleMs: this.duration(`${side}_DISCOVERY_IDLE_TIMEOUT`) ?? (isInbound ? 90_000 : 5000),
      failfastMs: this.duration(`${side}_HTTP_FAILFAST_TIMEOUT`) ?? (isInbound ? 1000 : 3000),
      queueCapacity: this.integer(`${side}_HTTP_QUEUE_CAPACITY`, 10_000),
      maxInFlight: this.integer(`${side}_MAX_IN_FLIGHT`, 100_000),
      backlog: this.integer(`${side}_TCP_LISTEN_BACKLOG`, 4096),
    };
  }
}

/** The environment does not make a proxy: what is wrong, all of it. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(readonly problems: readonly string[]) {
    super(`the proxy's environment is not usable:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
  }
}

/**
 * @param available processors this process may use
 * @throws ConfigError that lists every problem
 */
export function readConfig(
  environment: Readonly<Record<string, string>>,
  available: number = navigator.hardwareConcurrency,
): ProxyConfig {
  const reader = new Reader(environment);
  const initialTimeoutMs = reader.duration("CONTROL_STREAM_INITIAL_TIMEOUT");
  const idleTimeoutMs = reader.duration("CONTROL_STREAM_IDLE_TIMEOUT");
  const lifetimeMs = reader.duration("CONTROL_STREAM_LIFETIME");
  if (
    (initialTimeoutMs ?? 0) > (idleTimeoutMs ?? Infinity) || (idleTimeoutMs ?? 0) > (lifetimeMs ?? Infinity)
  ) {
    reader.problems.push(
      `${PREFIX}CONTROL_STREAM_*: INITIAL_TIMEOUT <= IDLE_TIMEOUT <= LIFETIME does not hold`,
    );
  }
  if (reader.text("IDENTITY_DISABLED") !== undefined) {
    reader.problems.push(`${PREFIX}IDENTITY_DISABLED: a proxy without an identity is not supported`);
  }
  const listen = reader.text("OUTBOUND_LISTEN_ADDRS") !== undefined
    ? "OUTBOUND_LISTEN_ADDRS"
    : "OUTBOUND_LISTEN_ADDR";
  const config: ProxyConfig = {
    outboundListen: reader.addresses(listen, "127.0.0.1:4140"),
    inboundListen: reader.addresses("INBOUND_LISTEN_ADDR", "0.0.0.0:4143")[0]!,
    adminListen: reader.addresses("ADMIN_LISTEN_ADDR", "127.0.0.1:4191")[0]!,
    controlListen: reader.addresses("CONTROL_LISTEN_ADDR", "0.0.0.0:4190")[0]!,
    tapName: reader.text("TAP_SVC_NAME"),
    outbound: reader.direction("OUTBOUND"),
    inbound: reader.direction("INBOUND"),
    inboundIps: new Set((reader.text("INBOUND_IPS") ?? "").split(",").map((ip) => ip.trim()).filter(Boolean)),
    inboundPorts: reader.ports("INBOUND_PORTS"),
    inboundOpaquePorts: reader.ports("INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION"),
    gatewaySuffixes: reader.suffixes("INBOUND_GATEWAY_SUFFIXES"),
    defaultPolicy: reader.choice("INBOUND_DEFAULT_POLICY", DEFAULT_POLICIES) ?? "all-unauthenticated",
    clusterNetworks: reader.networks("POLICY_CLUSTER_NETWORKS"),
    profileSuffixes: reader.suffixes("DESTINATION_PROFILE_SUFFIXES", "svc.cluster.local."),
    profileNetworks: reader.networks("DESTINATION_PROFILE_NETWORKS"),
    isIngress: reader.flag("INGRESS_MODE"),
    // What an ingress answers is read by strangers.
    isInformationalHeadersDisabled: reader.flag("OUTBOUND_DISABLE_INFORMATIONAL_HEADERS") ||
      reader.flag("INGRESS_MODE"),
    isHostnameLabelled: reader.flag("OUTBOUND_METRICS_HOSTNAME_LABELS"),
    identity: {
      localName: reader.required("IDENTITY_LOCAL_NAME"),
      directory: reader.required("IDENTITY_DIR"),
      trustAnchors: reader.required("IDENTITY_TRUST_ANCHORS"),
      tokenFile: reader.required("IDENTITY_TOKEN_FILE"),
      service: reader.control("IDENTITY_SVC"),
      minRefreshMs: reader.duration("IDENTITY_MIN_REFRESH") ?? 10_000,
      maxRefreshMs: reader.duration("IDENTITY_MAX_REFRESH") ?? 86_400_000,
    },
    destination: {
      service: reader.control("DESTINATION_SVC"),
      context: reader.text("DESTINATION_CONTEXT") ?? "",
    },
    policy: { service: reader.control("POLICY_SVC"), workload: reader.required("POLICY_WORKLOAD") },
    controlStream: { initialTimeoutMs, idleTimeoutMs, lifetimeMs },
    logFilter: reader.text("LOG") ?? "warn,linkerd=info",
    logFormat: reader.choice("LOG_FORMAT", ["plain", "json"]) ?? "plain",
    accessLog: reader.choice("ACCESS_LOG", ["apache", "json"]),
    isShutdownEndpointEnabled: reader.flag("SHUTDOWN_ENDPOINT_ENABLED"),
    shutdownGraceMs: reader.duration("SHUTDOWN_GRACE_PERIOD") ?? 120_000,
    metricsRetainIdleMs: reader.duration("METRICS_RETAIN_IDLE") ?? 600_000,
    watchdogMs: reader.duration("WATCHDOG_TIMEOUT") ?? 10_000,
    cores: reader.cores(available),
    tracing: reader.tracing(),
  };
  if (reader.problems.length > 0) throw new ConfigError(reader.problems);
  return config;
}
