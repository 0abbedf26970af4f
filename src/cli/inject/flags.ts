/** The flags of `linkerd inject` that become annotations. */
import {
  configAnnotation,
  type ConfigName,
  NATIVE_SIDECAR_ANNOTATIONS,
  WAIT_BEFORE_EXIT_ANNOTATION,
} from "../../mesh/annotations.ts";

/** Flag, the annotation it writes, and what it is for. A value's flag has `<...>`. */
export const OVERRIDE_FLAGS: readonly (readonly [flag: string, annotation: string, text: string])[] = [
  ...([
    ["opaque-ports <ports>", "opaque-ports", "ports whose protocol is not to be looked at; also on Services"],
    [
      "require-identity-on-inbound-ports <ports>",
      "proxy-require-identity-inbound-ports",
      "ports only meshed clients may reach",
    ],
    ["enable-debug-sidecar", "enable-debug-sidecar", "add the debug container"],
    ["close-wait-timeout <duration>", "close-wait-timeout", "how long connections stay in CLOSE_WAIT"],
    ["proxy-image <image>", "proxy-image", "image of the proxy"],
    ["proxy-version <version>", "proxy-version", "version of the proxy"],
    ["image-pull-policy <policy>", "image-pull-policy", "Always, IfNotPresent or Never"],
    ["inbound-port <port>", "inbound-port", "the proxy's port for what comes in"],
    ["outbound-port <port>", "outbound-port", "the proxy's port for what goes out"],
    ["control-port <port>", "control-port", "the proxy's control port"],
    ["admin-port <port>", "admin-port", "the proxy's port for metrics and health"],
    ["skip-inbound-ports <ports>", "skip-inbound-ports", "ports and ranges that go around the proxy inbound"],
    ["skip-outbound-ports <ports>", "skip-outbound-ports", "ports and ranges that go around it outbound"],
    ["proxy-uid <uid>", "proxy-uid", "user the proxy runs as"],
    ["proxy-gid <gid>", "proxy-gid", "group the proxy runs as"],
    ["proxy-log-level <level>", "proxy-log-level", "log level of the proxy"],
    ["proxy-cpu-request <quantity>", "proxy-cpu-request", "CPU the proxy asks for"],
    ["proxy-cpu-limit <quantity>", "proxy-cpu-limit", "most CPU the proxy may use"],
    ["proxy-memory-request <quantity>", "proxy-memory-request", "memory the proxy asks for"],
    ["proxy-memory-limit <quantity>", "proxy-memory-limit", "most memory the proxy may use"],
    [
      "enable-external-profiles",
      "enable-external-profiles",
      "service profiles for names outside the cluster",
    ],
    ["default-inbound-policy <policy>", "default-inbound-policy", "who may connect where no policy says"],
  ] satisfies [string, ConfigName, string][]).map((
    [flag, name, text],
  ) => [flag, configAnnotation(name), text] as const),
  ["native-sidecar", NATIVE_SIDECAR_ANNOTATIONS[1], "run the proxy as a native sidecar"],
  [
    "wait-before-exit-seconds <seconds>",
    WAIT_BEFORE_EXIT_ANNOTATION,
    "how long the proxy waits when the pod ends",
  ],
];

/** `skip-inbound-ports <ports>` → `skipInboundPorts`, as commander names it. */
function optionName(flag: string): string {
  return flag.split(" ")[0]!.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** The annotations that given flags ask for. */
export function overridesOf(options: Readonly<Record<string, unknown>>): Record<string, string> {
  const overrides: Record<string, string> = {};
  for (const [flag, annotation] of OVERRIDE_FLAGS) {
    const value = options[optionName(flag)];
    if (value === true || (typeof value === "string" && value !== "")) overrides[annotation] = String(value);
  }
  return overrides;
}
