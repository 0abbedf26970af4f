/** The flags that say how proxies are: of install and upgrade for all of them, of inject for one workload (cli.md §2.6.2). */
import { type Command, Option } from "commander";
import { configAnnotation, type ConfigName } from "../mesh/annotations.ts";

/** A flag as commander takes it, the annotation that means the same, and what it is for. A value's flag has `<...>`. */
export type AnnotationFlag = readonly [flag: string, annotation: string, text: string];

const FLAGS = [
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
  ["proxy-log-level <level>", "proxy-log-level", "log filter of the proxy"],
  ["proxy-cpu-request <quantity>", "proxy-cpu-request", "CPU the proxy asks for"],
  ["proxy-cpu-limit <quantity>", "proxy-cpu-limit", "most CPU the proxy may use"],
  ["proxy-memory-request <quantity>", "proxy-memory-request", "memory the proxy asks for"],
  ["proxy-memory-limit <quantity>", "proxy-memory-limit", "most memory the proxy may use"],
  ["enable-external-profiles", "enable-external-profiles", "service profiles for names outside the cluster"],
  ["default-inbound-policy <policy>", "default-inbound-policy", "who may connect where no policy says"],
] satisfies [string, ConfigName, string][];

export const PROXY_FLAGS: readonly AnnotationFlag[] = FLAGS.map(
  ([flag, name, text]) => [flag, configAnnotation(name), text] as const,
);

/** `skip-inbound-ports <ports>` → `skipInboundPorts`, as commander names it. */
export function optionName(flag: string): string {
  return flag.replace(/^--/, "").split(" ")[0]!.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Older names of flags, which count where the newer one is not given. */
const DEPRECATED: Readonly<Record<string, string>> = {
  "proxy-cpu <quantity>": "proxy-cpu-request <quantity>",
  "proxy-memory <quantity>": "proxy-memory-request <quantity>",
};

/** Adds flags to a command, with their short and older forms. */
export function addAnnotationFlags(command: Command, flags: readonly AnnotationFlag[]): void {
  for (const [flag, , text] of flags) {
    command.option(flag.startsWith("proxy-version ") ? `-v, --${flag}` : `--${flag}`, text);
  }
  for (const flag of Object.keys(DEPRECATED)) command.addOption(new Option(`--${flag}`).hideHelp());
}

/** What was given for a flag, by whichever of its names. */
function given(flag: string, options: Readonly<Record<string, unknown>>): unknown {
  const before = Object.keys(DEPRECATED).find((old) => DEPRECATED[old] === flag);
  return options[optionName(flag)] ?? (before === undefined ? undefined : options[optionName(before)]);
}

/** The annotations that given flags ask for. */
export function annotationsOf(
  flags: readonly AnnotationFlag[],
  options: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const annotations: Record<string, string> = {};
  for (const [flag, annotation] of flags) {
    const value = given(flag, options);
    if (value === true || (typeof value === "string" && value !== "")) {
      annotations[annotation] = String(value);
    }
  }
  return annotations;
}
