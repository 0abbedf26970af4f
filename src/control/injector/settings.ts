/** Annotations of a pod and its namespace laid over the installation's values. */
import { isIP } from "node:net";
import {
  configAnnotation,
  type ConfigName,
  INJECT_ANNOTATION,
  NATIVE_SIDECAR_ANNOTATIONS,
  WAIT_BEFORE_EXIT_ANNOTATION,
} from "../../mesh/annotations.ts";
import { parseGoDuration } from "../../mesh/duration.ts";
import { isDefaultPolicy } from "../../mesh/names.ts";
import { parsePortRange } from "../../mesh/ports.ts";
import type { EnvVar, Values } from "../../mesh/values.ts";

type Annotations = Readonly<Record<string, string>>;
/** Changes the copy it is given; returns what is wrong with the text, if anything. */
type Setter = (values: Values, text: string) => string | undefined;

const isBoolean = (text: string) => /^(true|false|t|f|1|0)$/i.test(text);
const toBoolean = (text: string) => /^(true|t|1)$/i.test(text);

function boolean(set: (values: Values, value: boolean) => void): Setter {
  return (values, text) => isBoolean(text) ? void set(values, toBoolean(text)) : "true or false";
}

function choice<T extends string>(options: readonly T[], set: (values: Values, value: T) => void): Setter {
  return (values, text) => {
    const option = options.find((one) => one === text);
    return option === undefined ? `one of ${options.join(", ")}` : void set(values, option);
  };
}

function integer(low: number, high: number, set: (values: Values, value: number) => void): Setter {
  return (values, text) => {
    const value = Number(text);
    return /^-?\d+$/.test(text) && value >= low && value <= high
      ? void set(values, value)
      : `a number from ${low} to ${high}`;
  };
}

function duration(set: (values: Values, value: string) => void): Setter {
  return (values, text) => {
    const milliseconds = parseGoDuration(text);
    // The proxy reads whole numbers with one unit only.
    return milliseconds === undefined || milliseconds < 0
      ? "a duration such as 1s"
      : void set(values, `${Math.round(milliseconds)}ms`);
  };
}

function text(set: (values: Values, value: string) => void): Setter {
  return (values, value) => void set(values, value);
}

function ports(set: (values: Values, value: string) => void): Setter {
  return (values, value) => {
    const entries = value.split(",").map((entry) => entry.trim()).filter((entry) => entry !== "");
    const wrong = entries.find((entry) =>
      parsePortRange(entry) === undefined && !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(entry)
    );
    return wrong === undefined ? void set(values, entries.join(",")) : `ports, not ${wrong}`;
  };
}

/** Networks and single addresses. */
function subnets(set: (values: Values, value: string) => void): Setter {
  return (values, value) => {
    const entries = value.split(",").map((entry) => entry.trim()).filter((entry) => entry !== "");
    const isSubnet = (entry: string) => {
      const [address = "", bits, ...rest] = entry.split("/"), family = isIP(address);
      return family !== 0 && rest.length === 0 &&
        (bits === undefined || /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
    };
    const wrong = entries.find((entry) => !isSubnet(entry));
    return wrong === undefined
      ? void set(values, entries.join(","))
      : `networks such as 10.0.0.0/8, not ${wrong}`;
  };
}

const QUANTITY = /^\d+(\.\d+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$/;

function quantity(set: (values: Values, value: string) => void): Setter {
  return (values, value) => QUANTITY.test(value) ? void set(values, value) : "a quantity such as 100m";
}

const PORT = [1, 65_535] as const;

const SETTERS: Partial<Record<ConfigName, Setter>> = {
  "proxy-image": text((values, value) => values.proxy.image.name = value),
  "proxy-version": text((values, value) => values.proxy.image.version = value),
  "image-pull-policy": text((values, value) => {
    values.proxy.image.pullPolicy = value;
    values.debugContainer.image.pullPolicy = value;
  }),
  "debug-image": text((values, value) => values.debugContainer.image.name = value),
  "debug-image-version": text((values, value) => values.debugContainer.image.version = value),
  "debug-image-pull-policy": text((values, value) => values.debugContainer.image.pullPolicy = value),
  "enable-debug-sidecar": boolean((values, value) => values.debugContainer.enabled = value),
  "control-port": integer(...PORT, (values, value) => values.proxy.ports.control = value),
  "inbound-port": integer(...PORT, (values, value) => values.proxy.ports.inbound = value),
  "outbound-port": integer(...PORT, (values, value) => values.proxy.ports.outbound = value),
  "admin-port": integer(...PORT, (values, value) => values.proxy.ports.admin = value),
  "pod-inbound-ports": text((values, value) => values.proxy.podInboundPorts = value),
  "skip-inbound-ports": ports((values, value) => values.proxyInit.ignoreInboundPorts = value),
  "skip-outbound-ports": ports((values, value) => values.proxyInit.ignoreOutboundPorts = value),
  "skip-subnets": subnets((values, value) => values.proxyInit.skipSubnets = value),
  "opaque-ports": ports((values, value) => values.proxy.opaquePorts = value),
  "proxy-cpu-request": quantity((values, value) => values.proxy.resources.cpu.request = value),
  "proxy-cpu-limit": quantity((values, value) => values.proxy.resources.cpu.limit = value),
  "proxy-memory-request": quantity((values, value) => values.proxy.resources.memory.request = value),
  "proxy-memory-limit": quantity((values, value) => values.proxy.resources.memory.limit = value),
  "proxy-ephemeral-storage-request": quantity((values, value) =>
    values.proxy.resources["ephemeral-storage"].request = value
  ),
  "proxy-ephemeral-storage-limit": quantity((values, value) =>
    values.proxy.resources["ephemeral-storage"].limit = value
  ),
  "proxy-cpu-ratio-limit": (values, value) => {
    const ratio = Number(value);
    if (!(ratio > 0 && ratio < 1)) return "a number between 0 and 1";
    values.proxy.runtime.workers.maximumCPURatio = ratio;
    return undefined;
  },
  "proxy-uid": integer(1, 2 ** 31 - 1, (values, value) => values.proxy.uid = value),
  "proxy-gid": integer(-1, 2 ** 31 - 1, (values, value) => values.proxy.gid = value),
  "proxy-log-level": text((values, value) => values.proxy.logLevel = value),
  "proxy-log-format": choice(["plain", "json"], (values, value) => values.proxy.logFormat = value),
  "proxy-log-http-headers": choice(["off", "insecure"], (values, value) => {
    values.proxy.logHTTPHeaders = value;
  }),
  "proxy-admin-shutdown": choice(["enabled", "disabled"], (values, value) => {
    values.proxy.enableShutdownEndpoint = value === "enabled";
  }),
  "enable-external-profiles": boolean((values, value) => values.proxy.enableExternalProfiles = value),
  "proxy-require-identity-inbound-ports": ports((values, value) =>
    values.proxy.requireIdentityOnInboundPorts = value
  ),
  "proxy-metrics-hostname-labels": boolean((values, value) => values.proxy.metrics.hostnameLabels = value),
  "proxy-outbound-connect-timeout": duration((values, value) => values.proxy.outboundConnectTimeout = value),
  "proxy-inbound-connect-timeout": duration((values, value) => values.proxy.inboundConnectTimeout = value),
  "proxy-outbound-discovery-cache-unused-timeout": duration((values, value) =>
    values.proxy.outboundDiscoveryCacheUnusedTimeout = value
  ),
  "proxy-inbound-discovery-cache-unused-timeout": duration((values, value) =>
    values.proxy.inboundDiscoveryCacheUnusedTimeout = value
  ),
  "proxy-disable-outbound-protocol-detect-timeout": boolean((values, value) =>
    values.proxy.disableOutboundProtocolDetectTimeout = value
  ),
  "proxy-disable-inbound-protocol-detect-timeout": boolean((values, value) =>
    values.proxy.disableInboundProtocolDetectTimeout = value
  ),
  "enable-gateway": boolean((values, value) => values.proxy.isGateway = value),
  "close-wait-timeout": (values, value) => {
    const milliseconds = parseGoDuration(value);
    if (milliseconds === undefined || milliseconds < 0) return "a duration such as 60s";
    values.proxyInit.closeWaitTimeoutSecs = Math.floor(milliseconds / 1000);
    return undefined;
  },
  "proxy-await": choice(["enabled", "disabled"], (values, value) => values.proxy.await = value === "enabled"),
  "default-inbound-policy": (values, value) => {
    if (!isDefaultPolicy(value)) return "one of the six default policies";
    values.proxy.defaultInboundPolicy = value;
    return undefined;
  },
  "access-log": choice(["apache", "json"], (values, value) => values.proxy.accessLog = value),
  "shutdown-grace-period": duration((values, value) => values.proxy.shutdownGracePeriod = value),
};

/** A list of variables in JSON, as `proxy-additional-env` has it. */
function parseEnv(value: string): EnvVar[] | undefined {
  try {
    const list: unknown = JSON.parse(value);
    const isEnv = Array.isArray(list) &&
      list.every((one) => typeof (one as { name?: unknown } | null)?.name === "string");
    return isEnv ? list as EnvVar[] : undefined;
  } catch {
    return undefined;
  }
}

/** Later lists win, name by name. */
function mergeEnv(...lists: EnvVar[][]): EnvVar[] {
  const merged = new Map<string, EnvVar>();
  for (const entry of lists.flat()) merged.set(entry.name, entry);
  return [...merged.values()];
}

/** An annotation whose value cannot be read: it does not count. */
export interface Misread {
  readonly annotation: string;
  readonly value: string;
  /** What it takes, in words. */
  readonly wanted: string;
}

export function describeMisread({ annotation, value, wanted }: Misread): string {
  return `annotation ${annotation}: ${JSON.stringify(value)} is not understood, it takes ${wanted}`;
}

export interface Settings {
  readonly values: Values;
  readonly misread: readonly Misread[];
}

/** @param pod annotations of the pod; win over those of its `namespace` */
export function settingsFor(base: Values, pod: Annotations, namespace: Annotations): Settings {
  const values = structuredClone(base);
  const misread: Misread[] = [];
  const value = (annotation: string) => pod[annotation] ?? namespace[annotation];
  const warn = (annotation: string, wanted: string) =>
    misread.push({ annotation, value: value(annotation) ?? "", wanted });
  for (const [name, set] of Object.entries(SETTERS) as [ConfigName, Setter][]) {
    const found = value(configAnnotation(name));
    if (found === undefined) continue;
    const wanted = set(values, found.trim());
    if (wanted !== undefined) warn(configAnnotation(name), wanted);
  }
  const sidecar = NATIVE_SIDECAR_ANNOTATIONS.find((annotation) => value(annotation) !== undefined);
  if (sidecar !== undefined) {
    const found = value(sidecar)!;
    if (isBoolean(found)) values.proxy.nativeSidecar = toBoolean(found);
    else warn(sidecar, "true or false");
  }
  const wait = value(WAIT_BEFORE_EXIT_ANNOTATION);
  if (wait !== undefined) {
    if (/^\d+$/.test(wait)) values.proxy.waitBeforeExitSeconds = Number(wait);
    else warn(WAIT_BEFORE_EXIT_ANNOTATION, "a number of seconds");
  }
  const additional = configAnnotation("proxy-additional-env");
  for (const annotations of [namespace, pod]) {
    const found = annotations[additional];
    if (found === undefined) continue;
    const list = parseEnv(found);
    if (list === undefined) warn(additional, "a JSON list of variables");
    else values.proxy.additionalEnv = mergeEnv(values.proxy.additionalEnv, list);
  }
  values.proxy.isIngress = (pod[INJECT_ANNOTATION] ?? namespace[INJECT_ANNOTATION]) === "ingress";
  return { values, misread };
}
